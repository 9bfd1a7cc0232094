use std::env;
use std::process::Command;

use costs::Error;

use super::Counts;

/// Feature sets, with the names of their counts.
const FEATURES: [(&str, &str); 7] = [
    ("default", "default"),
    ("ring", "ring,socks"),
    ("none", ""),
    ("platform", "default,platform"),
    ("proxy", "default,proxy"),
    ("realtime", "default,realtime"),
    ("webhook", "default,webhook"),
];

/// Returns the number of crates that a program with fal-client compiles.
pub(super) fn count() -> Result<Option<Counts>, Error> {
    let mut counts = Counts::new();
    for (name, features) in FEATURES {
        let output = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
            .args(["tree", "-p", "fal-client", "-e", "normal,build", "--prefix", "none", "--format", "{p}"])
            .args(["--locked", "--no-default-features", "--features", features])
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        let text = String::from_utf8(output.stdout)?;
        let mut crates: Vec<_> = text.lines().map(|line| line.trim_end_matches(" (*)")).collect();
        crates.sort_unstable();
        crates.dedup();
        counts.push((name, crates.len() as u64));
    }
    Ok(Some(counts))
}

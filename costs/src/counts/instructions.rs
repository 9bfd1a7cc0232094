use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use costs::{Call, Error, MANY, Server};

use super::Counts;

/// The files of valgrind.
const FOLDER: &str = "target/costs";

/// Returns the instructions of each part of the program `parts`. A part that has a counterpart with derived structs counts
/// what it needs more than that.
pub(super) fn count() -> Result<Option<Counts>, Error> {
    let server = Server::start()?;
    let folder = Path::new(FOLDER);
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let run = Command::new("valgrind")
        // Without it, glibc copies by an instruction that counts once per byte.
        .env("GLIBC_TUNABLES", "glibc.cpu.x86_rep_movsb_threshold=1000000000")
        .args(["--tool=callgrind", "--dump-before=parts::boundary*"])
        .arg(format!("--callgrind-out-file={FOLDER}/part"))
        .arg(env::current_exe()?.with_file_name("parts"))
        .arg(server.url())
        .output();
    let output = match run {
        Err(error)
            if error.kind() == ErrorKind::NotFound && env::var_os("REQUIRE_VALGRIND").is_none_or(|v| v.is_empty()) =>
        {
            println!("\nInstructions are NOT counted, because valgrind is missing.");
            return Ok(None);
        }
        run => run?,
    };
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let mut parts = BTreeMap::new();
    for (index, line) in String::from_utf8(output.stdout)?.lines().enumerate() {
        let (name, times) = line.split_once(' ').ok_or("a part without its repetitions")?;
        // Files with odd numbers have what comes before a part.
        let file = folder.join(name);
        fs::rename(folder.join(format!("part.{}", 2 * index + 2)), &file)?;
        let text = fs::read_to_string(&file)?;
        let total = text.lines().find_map(|line| line.strip_prefix("totals: ")).ok_or("a part without its total")?;
        parts.insert(name.to_owned(), total.parse::<u64>()? / times.parse::<u64>()?);
    }
    let above = |name: &str| {
        let ours = parts.get(name).ok_or_else(|| format!("the part {name} is missing"))?;
        Ok::<_, Error>(ours.saturating_sub(parts.get(&format!("{name}.derived")).copied().unwrap_or(0)))
    };
    let mut counts = Counts::new();
    for call in Call::ALL {
        counts.push((call.name(), above(call.name())?));
    }
    counts.push(("event", above("long-stream")?.saturating_sub(above("stream")?) / (MANY as u64 - 1)));
    for name in ["validate", "write", "read"] {
        counts.push((name, above(name)?));
    }
    Ok(Some(counts))
}

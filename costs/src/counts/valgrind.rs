use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use costs::Error;

/// The folder of valgrind's files. It exists.
pub(super) const FOLDER: &str = "target/costs";

/// Runs a program with callgrind, which writes to `FOLDER/file`. Returns what the program prints, or `None` if valgrind is
/// missing.
pub(super) fn run(program: &Path, arguments: &[&str], file: &str, options: &[&str]) -> Result<Option<String>, Error> {
    fs::create_dir_all(FOLDER)?;
    let output = Command::new("valgrind")
        // Without it, glibc copies by an instruction that counts once per byte.
        .env("GLIBC_TUNABLES", "glibc.cpu.x86_rep_movsb_threshold=1000000000")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={FOLDER}/{file}"))
        .args(options)
        .arg(program)
        .args(arguments)
        .output();
    let output = match output {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let required = env::var_os("REQUIRE_VALGRIND").is_some_and(|value| !value.is_empty());
            return if required { Err("valgrind is missing".into()) } else { Ok(None) };
        }
        output => output?,
    };
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(Some(String::from_utf8(output.stdout)?))
}

/// Returns the instructions in a file that callgrind has written.
pub(super) fn total(file: &Path) -> Result<u64, Error> {
    let text = fs::read_to_string(file)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(total.ok_or_else(|| format!("{} has no total", file.display()))?.parse()?)
}

//! Gives this crate a digest of its own source. Code that the generator made from another reading counts as out of date.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=src");
    let folder = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default().join("src");
    println!("cargo::rustc-env=FAL_DOCUMENTS_SOURCE={:016x}", digest(&folder)?);
    Ok(())
}

/// FNV-1a with 64 bits over the files of a folder. Those of its folders do not count, because they validate and do not read.
/// Neither do carriage returns, so that a checkout on Windows has the same digest.
fn digest(folder: &Path) -> io::Result<u64> {
    let mut files = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    files.retain(|path| path.is_file());
    files.sort();
    let mut digest = 0xcbf2_9ce4_8422_2325;
    for file in files {
        for byte in fs::read(file)?.into_iter().filter(|byte| *byte != b'\r') {
            digest = (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    Ok(digest)
}

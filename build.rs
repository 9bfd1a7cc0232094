//! Keeps `generated/` up to date with `schemas/`.
//!
//! In a checkout, it generates if the feature `regenerate` is enabled, as the workspace does. Without the feature, it compiles
//! no generator and only warns if `generated/` is out of date. In a published package, it does nothing.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Published packages do not contain `codegen`. Their `generated/` was checked before they were published.
    if Path::new("codegen/Cargo.toml").is_file() && Path::new("schemas").is_dir() {
        println!("cargo::rerun-if-changed=schemas");
        in_checkout();
    }
}

#[cfg(feature = "regenerate")]
fn in_checkout() {
    if let Err(error) = fal_codegen::Builder::new()
        .schemas("schemas")
        .out_dir("generated")
        .module_path("fal_client::endpoints")
        .generate()
    {
        for finding in error.findings() {
            println!("cargo::error={finding}");
        }
    }
}

#[cfg(not(feature = "regenerate"))]
fn in_checkout() {
    use std::collections::BTreeMap;
    use std::fs::{self, File};
    use std::io::Read as _;

    /// The digest in `MANIFEST`: FNV-1a with 64 bits, where CRLF counts as LF. It is a copy, because the generator is not a
    /// dependency here.
    fn digest(text: &[u8]) -> u64 {
        let mut digest = 0xcbf2_9ce4_8422_2325;
        for (index, byte) in text.iter().enumerate() {
            if *byte == b'\r' && text.get(index + 1) == Some(&b'\n') {
                continue;
            }
            digest = (digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        digest
    }

    /// Reads a regular file of at most 64 MiB, as the generator does, and no more than it states. Anything else may take
    /// forever.
    fn read(file: &Path) -> Vec<u8> {
        let mut text = Vec::new();
        let regular = fs::metadata(file).ok().filter(|metadata| metadata.is_file() && metadata.len() <= 64 << 20);
        if let Some(metadata) = regular
            && let Ok(file) = File::open(file)
        {
            // What was read before an error has another digest.
            let _ = file.take(metadata.len()).read_to_end(&mut text);
        }
        text
    }

    fn collect(folder: &Path, below: &str, found: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let (path, file) = (format!("{below}{name}"), entry.path());
            if name.starts_with('.') {
                continue;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                collect(&file, &format!("{path}/"), found);
            } else if name.ends_with(".json") && !name.ends_with(".patch.json") {
                let mut text = read(&file);
                // The digest includes the document's patch.
                text.extend(read(&file.with_extension("patch.json")));
                found.insert(path, format!("{:016x}", digest(&text)));
            }
        }
    }

    let mut documents = BTreeMap::new();
    collect(Path::new("schemas"), "", &mut documents);
    let manifest = String::from_utf8(read(Path::new("generated/MANIFEST"))).unwrap_or_default();
    let mut generated: BTreeMap<&str, &str> = BTreeMap::new();
    for line in manifest.lines().skip(1) {
        let mut columns = line.split('\t');
        if let (Some(path), Some(digest)) = (columns.next(), columns.nth(2)) {
            generated.insert(path, digest);
        }
    }
    let is_generated = |(path, digest): (&String, &String)| generated.remove(path.as_str()) == Some(digest);
    let up_to_date = documents.iter().all(is_generated);
    if !up_to_date || !generated.is_empty() {
        println!(
            "cargo::warning=generated/ is out of date with schemas/; run `cargo build` at the root of the workspace"
        );
    }
}

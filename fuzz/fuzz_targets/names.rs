//! File names of downloads. Each stays in its folder on every platform, is visible, and is not a device or an option.
//!
//! `cargo +nightly fuzz run names`

#![no_main]

use std::path::{Component, Path};

use arbitrary::{Arbitrary, Result, Unstructured};
use fal_client::{File, fuzzing};
use libfuzzer_sys::fuzz_target;

#[derive(Debug)]
struct Download {
    name: Option<String>,
    url: String,
    content_type: Option<String>,
    head: Vec<u8>,
}

const NAMES: &[&str] = &[
    "fox.png",
    "..",
    ".",
    "/",
    "\\",
    "%2e%2e%2f",
    "con",
    "NUL",
    "COM1",
    "LPT\u{b2}",
    "CONIN$",
    " ",
    "-rf",
    "~",
    "\0",
    "\n",
    ":",
    "*",
    "\u{202e}",
    "\u{200b}",
    "e\u{308}",
    "\u{fb01}",
    "\u{ff0f}",
    "\u{2024}",
    "\u{1100}\u{1161}",
    ".tar.gz",
    ".exe",
    "\u{e0061}",
];
const TYPES: &[&str] = &["image/png", "image/svg+xml", "text/html", "video/mp4", "application/zip", "a/../b", "", "x"];
const HEADS: &[&[u8]] =
    &[b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"<svg", b"<html>", b"PK\x03\x04", b"RIFF", b"{"];

impl<'a> Arbitrary<'a> for Download {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let name = if u.ratio(1, 4)? { None } else { Some(name(u)?) };
        let url = format!("https://v3.fal.media/files/{}", self::name(u)?);
        let content_type = if u.arbitrary()? { Some((*u.choose(TYPES)?).to_owned()) } else { None };
        let mut head = if u.arbitrary()? { u.choose(HEADS)?.to_vec() } else { Vec::new() };
        head.extend_from_slice(u.arbitrary::<&[u8]>()?);
        Ok(Download { name, url, content_type, head })
    }
}

fn name(u: &mut Unstructured<'_>) -> Result<String> {
    let mut name = String::new();
    for _ in 0..u.int_in_range(0..=8)? {
        match u.int_in_range(0..=9)? {
            0..3 => name.push_str(u.arbitrary()?),
            3 => name.push_str(&"x".repeat(u.int_in_range(0..=300)?)),
            _ => name.push_str(u.choose(NAMES)?),
        }
    }
    Ok(name)
}

fuzz_target!(|download: Download| {
    let mut file = File::new(&download.url);
    file.file_name = download.name.clone();
    file.content_type = download.content_type.clone();
    let (name, key) = fuzzing::name(&file, download.content_type.as_deref(), &download.head);

    let parts: Vec<Component<'_>> = Path::new(&name).components().collect();
    assert!(matches!(parts[..], [Component::Normal(part)] if part == name.as_str()), "{name:?}");
    assert!(name.len() <= 200, "{} bytes", name.len());
    let is_unsafe = |c: char| {
        c.is_control() || r#"/\<>:"|?*"#.contains(c) || ('\u{202a}'..='\u{202e}').contains(&c) || c == '\u{200b}'
    };
    assert!(!name.contains(is_unsafe), "{name:?}");
    assert!(!name.starts_with(['.', '-', '~', ' ']) && !name.ends_with(['.', ' ']), "{name:?}");
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let device = stem.trim_end_matches(|c: char| c.is_ascii_digit() || "\u{b9}\u{b2}\u{b3}".contains(c));
    let is_device = ["con", "prn", "aux", "nul", "com", "lpt", "conin$", "conout$", "clock$"].contains(&device);
    assert!(!is_device, "{name:?}");
    // The key does not depend on case or on the form of the name, and the same file has the same name.
    file.file_name = Some(name.clone());
    let (again, same_key) = fuzzing::name(&file, download.content_type.as_deref(), &download.head);
    assert_eq!((again, same_key), (name, key));
});

//! File names from untrusted sources: outputs and URLs.

use std::path::Path;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::files::content_type::{self, OCTET_STREAM};

/// Maximum length of a name, in bytes. File systems allow 255; the rest is for suffixes that are added.
const MAX_NAME_BYTES: usize = 150;

/// Names that refer to a device on Windows, with any extension.
const DEVICES: &[&str] = &["con", "conin$", "conout$", "prn", "aux", "nul", "com", "lpt"];

/// Chooses a name: the declared one, or else the last segment of the URL. Adds the extension of the media type if the name has
/// none.
pub(super) fn choose(declared: Option<&str>, url: &str, content_type: Option<&str>) -> String {
    let name = declared.and_then(safe).or_else(|| safe(&last_segment(url)?)).unwrap_or_else(|| "file".to_owned());
    let known = content_type.filter(|content_type| *content_type != OCTET_STREAM);
    match known {
        Some(content_type) if Path::new(&name).extension().is_none() => {
            format!("{name}.{}", content_type::extension(content_type))
        }
        _ => name,
    }
}

/// Adds a number to a name, unless the number is 1.
pub(super) fn numbered(name: &str, number: u64) -> String {
    match (number, name.rsplit_once('.')) {
        (1, _) => name.to_owned(),
        (_, Some((stem, extension))) if !stem.is_empty() => format!("{stem}-{number}.{extension}"),
        _ => format!("{name}-{number}"),
    }
}

fn last_segment(url: &str) -> Option<String> {
    let url = Url::parse(url).ok().filter(Url::has_host)?;
    let last = url.path_segments()?.next_back()?;
    Some(percent_decode_str(last).decode_utf8_lossy().into_owned())
}

/// Sanitizes a name, so that it is valid on every platform, stays in its folder, is not hidden and is not a device.
fn safe(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next()?;
    let allowed = |c: char| !c.is_control() && !is_invisible(c) && !r#"<>:"|?*"#.contains(c);
    let name: String = last.chars().filter(|c| allowed(*c)).collect();
    let name = name.trim_matches([' ', '.']);
    let name = shortened(name).trim_end_matches([' ', '.']).to_owned();
    // Windows considers the part before the first dot, ignores spaces, and treats superscripts as digits.
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '¹' | '²' | '³');
    let stem = name.split('.').next().unwrap_or_default().trim_end().trim_end_matches(is_number);
    let device = DEVICES.iter().any(|device| stem.eq_ignore_ascii_case(device));
    match name.is_empty() {
        true => None,
        false if device => Some(format!("_{name}")),
        false => Some(name),
    }
}

/// Returns true if a character is invisible or changes the text direction.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Truncates a name that is too long, and keeps its extension.
fn shortened(name: &str) -> String {
    if name.len() <= MAX_NAME_BYTES {
        return name.to_owned();
    }
    let extension = name.rsplit_once('.').map(|(_, extension)| extension).filter(|extension| extension.len() <= 16);
    let end = extension.map(|extension| format!(".{extension}")).unwrap_or_default();
    let mut stem = MAX_NAME_BYTES - end.len();
    while !name.is_char_boundary(stem) {
        stem -= 1;
    }
    format!("{}{end}", &name[..stem])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_declared_or_last_url_segment() {
        let url = "https://v3.fal.media/files/b/abc/a%20fox.png?x=1#y";
        for (declared, url, content_type, name) in [
            (Some("b.png"), url, None, "b.png"),
            (None, url, Some("image/jpeg"), "a fox.png"),
            (Some(""), url, None, "a fox.png"),
            (None, "https://v3.fal.media/files/b/abc/fox", Some("image/webp"), "fox.webp"),
            (None, "https://v3.fal.media/files/b/abc/fox", Some("application/octet-stream"), "fox"),
            (None, "https://v3.fal.media/", Some("image/png"), "file.png"),
            (None, "data:image/png;base64,AAAA/evil.exe", Some("image/png"), "file.png"),
            (None, "https://h/%2e%2e%2f%2e%2e%2fetc%2fpasswd", None, "passwd"),
        ] {
            assert_eq!(choose(declared, url, content_type), name, "{declared:?} {url}");
        }
    }

    #[test]
    fn unsafe_names_are_sanitized() {
        for (declared, name) in [
            ("../../etc/passwd", "passwd"),
            ("..\\..\\boot.ini", "boot.ini"),
            ("/etc/passwd", "passwd"),
            ("C:evil.exe", "Cevil.exe"),
            ("..", "file"),
            (".", "file"),
            ("", "file"),
            ("...", "file"),
            (" . ", "file"),
            ("<>:|?*\"", "file"),
            ("~/.ssh/id", "id"),
            (".bashrc", "bashrc"),
            ("a/", "file"),
            ("a\0b\n.png", "ab.png"),
            ("gpj.\u{202e}exe", "gpj.exe"),
            ("con", "_con"),
            ("NUL.png", "_NUL.png"),
            ("com1.txt", "_com1.txt"),
            ("LPT².txt", "_LPT².txt"),
            ("con .txt", "_con .txt"),
            ("CONOUT$", "_CONOUT$"),
            ("icon.png", "icon.png"),
            ("a. ", "a"),
            ("zoë 狐.png", "zoë 狐.png"),
        ] {
            assert_eq!(choose(Some(declared), "", None), name, "{declared:?}");
        }
        let long = format!("{}.jpeg", "狐".repeat(200));
        let name = choose(Some(&long), "", None);
        assert!(name.len() <= MAX_NAME_BYTES && name.ends_with("狐.jpeg"), "{name}");
        assert!(choose(Some(&"x".repeat(999)), "", None).len() <= MAX_NAME_BYTES);
    }

    #[test]
    fn number_is_inserted_before_the_extension() {
        assert_eq!(numbered("a.png", 1), "a.png");
        assert_eq!(numbered("a.png", 2), "a-2.png");
        assert_eq!(numbered("a.b.png", 3), "a.b-3.png");
        assert_eq!(numbered("a", 2), "a-2");
    }
}

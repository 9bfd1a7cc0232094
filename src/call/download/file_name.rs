//! File names from untrusted sources: outputs and URLs.

use std::path::Path;

use icu_normalizer::ComposingNormalizerBorrowed as Normalizer;
use percent_encoding::percent_decode_str;
use url::Url;

use super::file_type::FileType;
use crate::files::content_type;
use crate::text::is_hidden;

/// Maximum length of a name, in bytes. File systems allow 255; the rest is for suffixes that are added.
const MAX_NAME_BYTES: usize = 150;

/// Names that refer to a device on Windows, with any extension.
const DEVICES: &[&str] = &["con", "conin$", "conout$", "clock$", "prn", "aux", "nul", "com", "lpt"];

/// Chooses a name: the declared one, or else the last segment of the URL. Its extension follows the type of the file.
pub(super) fn choose(declared: Option<&str>, url: &str, file_type: &FileType) -> String {
    let name = declared.and_then(safe).or_else(|| safe(&last_segment(url)?)).unwrap_or_else(|| "file".to_owned());
    with_extension(name, file_type)
}

/// Adds the extension of a type, or replaces that of another type. Names of data keep their extension, which often says
/// more than the type, such as `weights.pt` for a ZIP file.
fn with_extension(name: String, file_type: &FileType) -> String {
    let Some(content_type) = &file_type.content_type else { return name };
    let extension = content_type::extension(content_type);
    let Some((stem, present)) = name.rsplit_once('.').filter(|_| Path::new(&name).extension().is_some()) else {
        return format!("{name}.{extension}");
    };
    let named = content_type::from_name(&name);
    let is_same = present.eq_ignore_ascii_case(extension)
        || named.is_some_and(|named| content_type::extension(named) == extension);
    let is_media = content_type::is_media(content_type);
    let is_wrong = is_media || file_type.by_bytes && named.is_some_and(content_type::is_media);
    match named {
        _ if is_same || !is_wrong || extension == content_type::UNKNOWN_EXTENSION => name,
        Some(_) => format!("{stem}.{extension}"),
        None => format!("{name}.{extension}"),
    }
}

/// Returns the key by which names are told apart. Names have the same key if any file system takes them for one: without
/// regard to case, to Unicode's normalization forms, or to compatible characters.
pub(super) fn folded(name: &str) -> String {
    let normalizer = Normalizer::new_nfkc();
    let upper = normalizer.normalize(name).to_uppercase();
    normalizer.normalize(&upper.to_lowercase()).into_owned()
}

/// Adds a number to a name, unless the number is 1.
pub(super) fn numbered(name: &str, number: u64) -> String {
    match (number, name.rsplit_once('.')) {
        (1, _) => name.to_owned(),
        (_, Some((stem, extension))) if !stem.is_empty() => format!("{stem}-{number}.{extension}"),
        _ => format!("{name}-{number}"),
    }
}

pub(super) fn last_segment(url: &str) -> Option<String> {
    let url = Url::parse(url).ok().filter(Url::has_host)?;
    let last = url.path_segments()?.next_back()?;
    Some(percent_decode_str(last).decode_utf8_lossy().into_owned())
}

/// Sanitizes a name, so that it is valid on every platform, stays in its folder, is not hidden, is not a device, looks like
/// what it is, and is not an option or a home folder for a program that it is passed to.
fn safe(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next()?;
    let allowed = |c: &char| !is_invisible(*c) && !r#"<>:"|?*"#.contains(*c);
    let name: String = last.chars().filter(allowed).map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    // One form for all platforms: some file systems normalize names themselves.
    let name = Normalizer::new_nfc().normalize(&name);
    let name = name.trim_matches([' ', '.']);
    let name = shortened(name).trim_end_matches([' ', '.']).to_owned();
    match name.is_empty() {
        true => None,
        false if is_device(&name) || name.starts_with(['-', '~']) => Some(format!("_{name}")),
        false => Some(name),
    }
}

/// Returns true if Windows takes a name for a device. It considers the part before the first dot, ignores spaces, and
/// treats superscripts as digits.
fn is_device(name: &str) -> bool {
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '¹' | '²' | '³');
    let stem = name.split('.').next().unwrap_or_default().trim_end().trim_end_matches(is_number);
    DEVICES.iter().any(|device| stem.eq_ignore_ascii_case(device))
}

/// Returns true if a character is not visible in a name: also the blank of braille, and the form of an emoji.
fn is_invisible(c: char) -> bool {
    is_hidden(c) || matches!(c, '\u{2800}' | '\u{fe0f}' | '\u{fffe}' | '\u{ffff}')
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

    const UNKNOWN: &FileType = &FileType { content_type: None, by_bytes: false };

    fn by_host(content_type: Option<&str>) -> FileType {
        FileType { content_type: content_type.map(str::to_owned), by_bytes: false }
    }

    #[test]
    fn name_is_declared_or_last_url_segment() {
        let url = "https://v3.fal.media/files/b/abc/a%20fox.png?x=1#y";
        for (declared, url, content_type, name) in [
            (Some("b.png"), url, None, "b.png"),
            (None, url, Some("image/jpeg"), "a fox.jpg"),
            (Some(""), url, None, "a fox.png"),
            (None, "https://v3.fal.media/files/b/abc/fox", Some("image/webp"), "fox.webp"),
            (None, "https://v3.fal.media/files/b/abc/fox", None, "fox"),
            (None, "https://v3.fal.media/", Some("image/png"), "file.png"),
            (None, "data:image/png;base64,AAAA/evil.exe", Some("image/png"), "file.png"),
            (None, "https://h/%2e%2e%2f%2e%2e%2fetc%2fpasswd", None, "passwd"),
        ] {
            assert_eq!(choose(declared, url, &by_host(content_type)), name, "{declared:?} {url}");
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
            ("-rf", "_-rf"),
            ("--output=x.png", "_--output=x.png"),
            ("~root", "_~root"),
            (" .-a", "_-a"),
            ("~", "_~"),
            ("clock$", "_clock$"),
            ("fox\u{e0061}\u{e007f}.png", "fox.png"),
            ("a\u{ad}b\u{2028}c\u{3164}d\u{fe0f}.png", "abcd.png"),
            ("a\u{a0}b\u{3000}c.png\u{a0}", "a b c.png"),
            ("\u{200b}.\u{200b}", "file"),
            ("\u{85}\u{9b}31m.png", "31m.png"),
            ("zoe\u{308}.png", "zoë.png"),
            ("zoë 狐.png", "zoë 狐.png"),
        ] {
            assert_eq!(choose(Some(declared), "", UNKNOWN), name, "{declared:?}");
        }
        let long = format!("{}.jpeg", "狐".repeat(200));
        let name = choose(Some(&long), "", UNKNOWN);
        assert!(name.len() <= MAX_NAME_BYTES && name.ends_with("狐.jpeg"), "{name}");
        assert!(choose(Some(&"x".repeat(999)), "", UNKNOWN).len() <= MAX_NAME_BYTES);
    }

    #[test]
    fn extension_follows_the_type() {
        for (name, content_type, by_bytes, expected) in [
            ("fox.png", "image/webp", false, "fox.webp"),
            ("fox.png", "image/webp", true, "fox.webp"),
            ("fox.PNG", "image/png", true, "fox.PNG"),
            ("fox.jpeg", "image/jpg", false, "fox.jpeg"),
            ("fox.v2", "image/png", true, "fox.v2.png"),
            ("fox.png", "application/zip", true, "fox.zip"),
            ("fox.png", "text/plain", false, "fox.png"),
            ("fox.png", "image/x-unheard-of", false, "fox.png"),
            ("fox", "image/x-unheard-of", false, "fox.bin"),
            ("weights.pt", "application/zip", true, "weights.pt"),
            ("pytorch_model.bin", "application/zip", true, "pytorch_model.bin"),
            ("a.bin", "video/mp4", true, "a.mp4"),
            ("words.srt", "text/plain", false, "words.srt"),
            ("voice.m4a", "audio/mp4", false, "voice.m4a"),
            ("a.tar", "application/gzip", true, "a.tar"),
            ("fox", "audio/mpeg; rate=1", false, "fox.mp3"),
        ] {
            let file_type = FileType { content_type: Some(content_type.to_owned()), by_bytes };
            assert_eq!(choose(Some(name), "", &file_type), expected, "{name} {content_type}");
        }
    }

    #[test]
    fn names_that_a_file_system_may_take_for_one_have_the_same_key() {
        for (a, b) in [
            ("A.png", "a.PNG"),
            ("zoë.png", "zoe\u{308}.png"),
            ("ZOË.png", "zoe\u{308}.PNG"),
            ("straße", "STRASSE"),
            ("ﬁ", "fi"),
            ("ｆｏｘ", "fox"),
            ("K", "\u{212a}"),
            ("ſ", "S"),
            ("ς", "Σ"),
            ("각", "\u{1100}\u{1161}\u{11a8}"),
        ] {
            assert_eq!(folded(a), folded(b), "{a} {b}");
        }
        assert_ne!(folded("a"), folded("ä"));
    }

    #[test]
    fn number_is_inserted_before_the_extension() {
        assert_eq!(numbered("a.png", 1), "a.png");
        assert_eq!(numbered("a.png", 2), "a-2.png");
        assert_eq!(numbered("a.b.png", 3), "a.b-3.png");
        assert_eq!(numbered("a", 2), "a-2");
    }
}

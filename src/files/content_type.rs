//! Media types of files, detected from the name or from the first bytes.

use std::path::Path;

/// The media type of unknown files.
pub(crate) const OCTET_STREAM: &str = "application/octet-stream";

/// Bytes at the beginning of a file that detection needs.
pub(crate) const HEAD_BYTES: usize = 512;

/// File name extensions of the media types that models use. If types share an extension, it maps to the first of them.
const EXTENSIONS: &[(&str, &str)] = &[
    ("application/gzip", "gz"),
    ("application/json", "json"),
    ("application/pdf", "pdf"),
    ("application/x-7z-compressed", "7z"),
    ("application/x-tar", "tar"),
    ("application/zip", "zip"),
    ("audio/aac", "aac"),
    ("audio/flac", "flac"),
    ("audio/mp4", "m4a"),
    ("audio/m4a", "m4a"),
    ("audio/mpeg", "mp3"),
    ("audio/ogg", "ogg"),
    ("audio/wav", "wav"),
    ("audio/x-wav", "wav"),
    ("image/avif", "avif"),
    ("image/bmp", "bmp"),
    ("image/gif", "gif"),
    ("image/heic", "heic"),
    ("image/jpeg", "jpg"),
    ("image/png", "png"),
    ("image/svg+xml", "svg"),
    ("image/tiff", "tiff"),
    ("image/webp", "webp"),
    ("model/gltf-binary", "glb"),
    ("model/gltf+json", "gltf"),
    ("model/obj", "obj"),
    ("text/csv", "csv"),
    ("text/plain", "txt"),
    ("video/mp4", "mp4"),
    ("video/quicktime", "mov"),
    ("video/webm", "webm"),
    ("video/x-matroska", "mkv"),
    ("video/x-msvideo", "avi"),
];

/// Magic numbers at the beginning of files.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"<svg", "image/svg+xml"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
    (b"\xff\xf1", "audio/aac"),
    (b"\xff\xf9", "audio/aac"),
    (b"OggS", "audio/ogg"),
    (b"glTF\x02\0\0\0", "model/gltf-binary"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
];

/// Returns the declared media type, else the one of the name, else the one of the first [`HEAD_BYTES`] bytes.
pub(crate) fn detect<'a>(declared: Option<&'a str>, name: Option<&str>, head: &[u8]) -> &'a str {
    declared.or_else(|| name.and_then(from_name)).or_else(|| from_bytes(head)).unwrap_or(OCTET_STREAM)
}

fn from_name(name: &str) -> Option<&'static str> {
    let extension = Path::new(name).extension()?;
    let known = EXTENSIONS.iter().find(|(_, known)| extension.eq_ignore_ascii_case(known));
    known.map(|(content_type, _)| *content_type).or_else(|| mime_guess::from_path(name).first_raw())
}

fn from_bytes(head: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, magic: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    if let Some((_, content_type)) = SIGNATURES.iter().find(|(magic, _)| at(0, magic)) {
        return Some(content_type);
    }
    // Containers declare their contents after the magic number.
    if at(0, b"RIFF") {
        let forms: [(&[u8], _); 3] = [(b"WEBP", "image/webp"), (b"WAVE", "audio/wav"), (b"AVI ", "video/x-msvideo")];
        return forms.into_iter().find(|(form, _)| at(8, form)).map(|(_, content_type)| content_type);
    }
    if at(4, b"ftyp") {
        return Some(match head.get(8..12)? {
            b"avif" | b"avis" => "image/avif",
            b"heic" | b"heix" | b"mif1" | b"msf1" => "image/heic",
            b"qt  " => "video/quicktime",
            b"M4A " | b"M4B " => "audio/mp4",
            _ => "video/mp4",
        });
    }
    if at(0, b"\x1a\x45\xdf\xa3") {
        let webm = head[..head.len().min(64)].windows(4).any(|window| window == b"webm");
        return Some(if webm { "video/webm" } else { "video/x-matroska" });
    }
    if at(0, b"BM") && at(6, &[0; 4]) {
        return Some("image/bmp");
    }
    at(257, b"ustar").then_some("application/x-tar")
}

/// Returns the file name extension of a media type, or `bin` if it is unknown.
pub(crate) fn extension(content_type: &str) -> &'static str {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let known = EXTENSIONS.iter().find(|(name, _)| name.eq_ignore_ascii_case(essence));
    known.map_or("bin", |(_, extension)| extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_type_precedes_name_and_bytes() {
        let gif = b"GIF89a";
        assert_eq!(detect(Some("image/webp"), Some("a.png"), gif), "image/webp");
        assert_eq!(detect(None, Some("a.png"), gif), "image/png");
        assert_eq!(detect(None, Some("a.safetensors"), gif), "image/gif");
        assert_eq!(detect(None, None, gif), "image/gif");
        assert_eq!(detect(None, None, b"?"), "application/octet-stream");
    }

    #[test]
    fn names_are_mapped_to_types() {
        for (name, content_type) in [
            ("a.png", Some("image/png")),
            ("A.JPG", Some("image/jpeg")),
            ("folder.png/a.mp4", Some("video/mp4")),
            ("a.jpeg", Some("image/jpeg")),
            ("a.obj", Some("model/obj")),
            ("a.m4a", Some("audio/mp4")),
            ("a.tar.gz", Some("application/gzip")),
            ("a", None),
            (".png", None),
            ("a.safetensors", None),
            ("", None),
        ] {
            assert_eq!(from_name(name), content_type, "{name}");
        }
    }

    #[test]
    fn first_bytes_are_mapped_to_types() {
        let tar = [&[0; 257][..], b"ustar\x0000"].concat();
        for (head, content_type) in [
            (&b"\x89PNG\r\n\x1a\n\0\0"[..], Some("image/png")),
            (b"\xff\xd8\xff\xe0", Some("image/jpeg")),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"RIFF\x24\0\0\0WAVEfmt ", Some("audio/wav")),
            (b"RIFF\x24\0\0\0????", None),
            (b"\0\0\0\x20ftypisom", Some("video/mp4")),
            (b"\0\0\0\x20ftypqt  ", Some("video/quicktime")),
            (b"\0\0\0\x20ftypavif", Some("image/avif")),
            (b"\0\0\0\x20ftyp", None),
            (b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f\x42\x82\x84webm", Some("video/webm")),
            (b"\x1a\x45\xdf\xa3", Some("video/x-matroska")),
            (b"BM\x36\0\0\0\0\0\0\0", Some("image/bmp")),
            (b"BMW is a car", None),
            (b"PK\x03\x04", Some("application/zip")),
            (&tar, Some("application/x-tar")),
            (b"just text", None),
            (b"", None),
        ] {
            assert_eq!(from_bytes(head), content_type, "{head:?}");
        }
    }

    #[test]
    fn types_are_mapped_to_extensions() {
        for (content_type, name) in [
            ("image/png", "png"),
            ("IMAGE/JPEG", "jpg"),
            ("text/plain; charset=utf-8", "txt"),
            ("application/octet-stream", "bin"),
            ("", "bin"),
        ] {
            assert_eq!(extension(content_type), name, "{content_type}");
        }
    }
}

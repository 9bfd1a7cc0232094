//! Media types of files, detected from the first bytes and from the name.

use std::path::Path;

use super::signatures::from_bytes;

/// The media type of unknown files.
pub(crate) const OCTET_STREAM: &str = "application/octet-stream";

/// The file name extension of unknown types.
pub(crate) const UNKNOWN_EXTENSION: &str = "bin";

/// Bytes at the beginning of a file that detection needs.
pub(crate) const HEAD_BYTES: usize = 4096;

/// File name extensions of the media types that models use. If types share an extension, it maps to the first of them.
const EXTENSIONS: &[(&str, &str)] = &[
    ("application/gzip", "gz"),
    ("application/json", "json"),
    ("application/pdf", "pdf"),
    ("application/vnd.rar", "rar"),
    ("application/x-7z-compressed", "7z"),
    ("application/x-bzip2", "bz2"),
    ("application/x-tar", "tar"),
    ("application/x-xz", "xz"),
    ("application/xhtml+xml", "xhtml"),
    ("application/xml", "xml"),
    ("text/xml", "xml"),
    ("application/zip", "zip"),
    ("application/zstd", "zst"),
    ("audio/aac", "aac"),
    ("audio/aiff", "aiff"),
    ("audio/x-aiff", "aiff"),
    ("audio/amr", "amr"),
    ("audio/basic", "au"),
    ("audio/flac", "flac"),
    ("audio/x-flac", "flac"),
    ("audio/midi", "mid"),
    ("audio/mp4", "m4a"),
    ("audio/m4a", "m4a"),
    ("audio/x-m4a", "m4a"),
    ("audio/mpeg", "mp3"),
    ("audio/mp3", "mp3"),
    ("audio/ogg", "ogg"),
    ("audio/vnd.audible.aax", "aax"),
    ("audio/wav", "wav"),
    ("audio/wave", "wav"),
    ("audio/x-wav", "wav"),
    ("audio/vnd.wave", "wav"),
    ("audio/webm", "weba"),
    ("audio/x-ape", "ape"),
    ("audio/x-caf", "caf"),
    ("audio/x-wavpack", "wv"),
    ("image/apng", "apng"),
    ("image/avif", "avif"),
    ("image/bmp", "bmp"),
    ("image/flif", "flif"),
    ("image/gif", "gif"),
    ("image/heic", "heic"),
    ("image/heif", "heif"),
    ("image/icns", "icns"),
    ("image/j2c", "j2c"),
    ("image/jp2", "jp2"),
    ("image/jpeg", "jpg"),
    ("image/jpg", "jpg"),
    ("image/jph", "jph"),
    ("image/jpm", "jpm"),
    ("image/jpx", "jpx"),
    ("image/jxl", "jxl"),
    ("image/jxr", "jxr"),
    ("image/ktx", "ktx"),
    ("image/ktx2", "ktx2"),
    ("image/png", "png"),
    ("image/qoi", "qoi"),
    ("image/svg+xml", "svg"),
    ("image/tiff", "tiff"),
    ("image/vnd-ms.dds", "dds"),
    ("image/vnd.adobe.photoshop", "psd"),
    ("image/vnd.radiance", "hdr"),
    ("image/webp", "webp"),
    ("image/x-canon-cr3", "cr3"),
    ("image/x-exr", "exr"),
    ("image/x-icon", "ico"),
    ("image/x-xcf", "xcf"),
    ("image/vnd.microsoft.icon", "ico"),
    ("model/gltf-binary", "glb"),
    ("model/gltf+json", "gltf"),
    ("model/obj", "obj"),
    ("model/ply", "ply"),
    ("text/csv", "csv"),
    ("text/html", "html"),
    ("text/plain", "txt"),
    ("video/3gpp", "3gp"),
    ("video/3gpp2", "3g2"),
    ("video/mj2", "mj2"),
    ("video/mp2t", "ts"),
    ("video/mp4", "mp4"),
    ("video/mpeg", "mpg"),
    ("video/ogg", "ogv"),
    ("video/quicktime", "mov"),
    ("video/webm", "webm"),
    ("video/x-flv", "flv"),
    ("video/x-m4v", "m4v"),
    ("video/x-matroska", "mkv"),
    ("video/x-ms-asf", "asf"),
    ("video/x-msvideo", "avi"),
];

/// Returns the declared media type, else the one of the first [`HEAD_BYTES`] bytes and of the name: the bytes are right
/// unless the name says more about the same format.
pub(crate) fn detect<'a>(declared: Option<&'a str>, name: Option<&str>, head: &[u8]) -> &'a str {
    declared.or_else(|| sniffed(name, head)).or_else(|| name.and_then(from_name)).unwrap_or(OCTET_STREAM)
}

/// Returns the media type of the first bytes, or a more specific one that the name has.
pub(crate) fn sniffed(name: Option<&str>, head: &[u8]) -> Option<&'static str> {
    let by_bytes = from_bytes(&head[..head.len().min(HEAD_BYTES)])?;
    let refined = name.and_then(from_name).filter(|by_name| refines(by_name, by_bytes));
    Some(refined.unwrap_or(by_bytes))
}

/// Returns true if files of the type `specific` have the bytes of the type `general`.
pub(crate) fn refines(specific: &str, general: &str) -> bool {
    let is_one_of = |types: &[&str]| types.contains(&specific);
    match general {
        "application/zip" => {
            let is_package = specific.starts_with("application/vnd.") || specific.ends_with("+zip");
            let packages = &[
                "application/java-archive",
                "application/x-xpinstall",
                "application/x-cbz",
                "model/3mf",
                "image/openraster",
            ];
            is_package && specific != "application/vnd.rar" || is_one_of(packages)
        }
        "application/gzip" => is_one_of(&["application/x-compressed", "application/x-gtar", "application/x-tgz"]),
        "application/json" => specific.ends_with("json") || specific.starts_with("text/") && specific != "text/html",
        "application/xml" => specific.ends_with("xml") || is_text(specific),
        "text/html" => is_text(specific) || specific == "application/xhtml+xml",
        "application/xhtml+xml" | "image/svg+xml" => is_one_of(&["text/html", "application/xml", "text/xml"]),
        // The raw formats of many cameras.
        "image/tiff" => specific.starts_with("image/") && !is_detected(specific),
        "image/png" => specific == "image/apng",
        "image/heic" => is_one_of(&["image/heif", "image/heic-sequence"]),
        "image/heif" => is_one_of(&["image/heic", "image/heif-sequence"]),
        "image/jp2" => is_one_of(&["image/jpx", "image/jpm"]),
        "video/mp4" => is_one_of(&[
            "audio/mp4",
            "audio/m4a",
            "audio/x-m4a",
            "audio/x-m4b",
            "video/x-m4v",
            "video/x-f4v",
            "video/iso.segment",
        ]),
        "video/x-m4v" => specific == "video/mp4",
        "video/3gpp" => is_one_of(&["audio/3gpp", "video/3gpp2"]),
        "video/3gpp2" => is_one_of(&["audio/3gpp2", "video/3gpp"]),
        "video/x-matroska" => specific == "audio/x-matroska",
        "video/webm" => specific == "audio/webm",
        "audio/ogg" => is_one_of(&["application/ogg", "audio/opus"]),
        "video/x-ms-asf" => is_one_of(&["video/x-ms-wmv", "audio/x-ms-wma"]),
        _ => false,
    }
}

/// Returns true for the types of texts of every kind.
fn is_text(content_type: &str) -> bool {
    content_type.starts_with("text/")
}

/// Returns true if files of a type have a signature of their own.
fn is_detected(content_type: &str) -> bool {
    EXTENSIONS.iter().any(|(known, _)| *known == content_type)
}

pub(crate) fn from_name(name: &str) -> Option<&'static str> {
    let extension = Path::new(name).extension()?;
    let known = EXTENSIONS.iter().find(|(_, known)| extension.eq_ignore_ascii_case(known));
    known.map(|(content_type, _)| *content_type).or_else(|| mime_guess::from_path(name).first_raw())
}

/// Returns true for images, videos and audio.
pub(crate) fn is_media(content_type: &str) -> bool {
    ["image/", "video/", "audio/"].iter().any(|class| content_type.starts_with(class))
}

/// Returns true for archives, documents and models that have a signature.
pub(crate) fn is_archive_or_model(content_type: &str) -> bool {
    let others = ["application/zip", "application/gzip", "application/x-tar", "application/pdf", "model/gltf-binary"];
    others.contains(&content_type)
}

/// Returns the file name extension of a media type, or `bin` if it is unknown.
pub(crate) fn extension(content_type: &str) -> &'static str {
    let essence = essence(content_type);
    let known = EXTENSIONS.iter().find(|(name, _)| *name == essence);
    known.map_or(UNKNOWN_EXTENSION, |(_, extension)| extension)
}

/// Returns a media type without its parameters, in lower case.
pub(crate) fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_type_precedes_bytes_and_name() {
        let gif = b"GIF89a";
        assert_eq!(detect(Some("image/webp"), Some("a.png"), gif), "image/webp");
        assert_eq!(detect(None, Some("a.png"), gif), "image/gif");
        assert_eq!(detect(None, Some("a.png"), b"?"), "image/png");
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
    fn bytes_beat_names_unless_the_name_says_more() {
        let zip = b"PK\x03\x04\x14\0";
        let mp4 = b"\0\0\0\x18ftypisom\0\0\0\0isommp42";
        for (name, head, content_type) in [
            ("IMG_0001.JPG", &b"\0\0\0\x14ftypheic\0\0\0\0mif1"[..], "image/heic"),
            ("fox.png", b"\xff\xd8\xff\xe0", "image/jpeg"),
            ("fox.png", b"<!doctype html><title>", "text/html"),
            ("fox.jpeg", b"\xff\xd8\xff\xe0", "image/jpeg"),
            ("voice.m4a", mp4, "audio/mp4"),
            ("voice.mp3", mp4, "video/mp4"),
            ("clip.mov", mp4, "video/mp4"),
            ("drawing.svg", b"<?xml version='1.0'?><!-- a long one", "image/svg+xml"),
            ("letter.docx", zip, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            ("book.epub", zip, "application/epub+zip"),
            ("fox.png", zip, "application/zip"),
            ("notes.txt", zip, "application/zip"),
            ("photo.nef", b"II*\0", "image/x-nikon-nef"),
            ("scene.gltf", b"{ \"asset\"", "model/gltf+json"),
            ("notes.md", b"<html>", "text/markdown"),
        ] {
            assert_eq!(detect(None, Some(name), head), content_type, "{name}");
        }
    }

    #[test]
    fn types_are_mapped_to_extensions() {
        for (content_type, name) in [
            ("image/ktx", "ktx"),
            ("image/ktx2", "ktx2"),
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

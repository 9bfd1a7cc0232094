//! Files in the page: as data URIs, or as links.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// The way of files into the page.
#[derive(Debug)]
pub(super) struct Embedding {
    /// The folder of the page.
    folder: PathBuf,
    /// The bytes that may still be embedded.
    left: u64,
    /// The number of files that are linked.
    pub(super) linked: usize,
}

/// The kind of a file, which decides how it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Image,
    Video,
    Audio,
    Other,
}

impl Kind {
    pub(super) const ALL: [Kind; 4] = [Kind::Image, Kind::Video, Kind::Audio, Kind::Other];

    /// Returns the name in the page.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Image => "Images",
            Kind::Video => "Videos",
            Kind::Audio => "Audio",
            Kind::Other => "Other",
        }
    }
}

/// Returns the kind and the media type of a file by its extension. A type that a service has declared is not trusted.
pub(super) fn kind(file: &Path) -> (Kind, &'static str) {
    let extension = file.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    match extension.as_deref().unwrap_or_default() {
        "png" => (Kind::Image, "image/png"),
        "jpg" | "jpeg" => (Kind::Image, "image/jpeg"),
        "gif" => (Kind::Image, "image/gif"),
        "webp" => (Kind::Image, "image/webp"),
        "avif" => (Kind::Image, "image/avif"),
        "bmp" => (Kind::Image, "image/bmp"),
        "svg" => (Kind::Image, "image/svg+xml"),
        "mp4" | "m4v" => (Kind::Video, "video/mp4"),
        "webm" => (Kind::Video, "video/webm"),
        "mov" => (Kind::Video, "video/quicktime"),
        "mp3" => (Kind::Audio, "audio/mpeg"),
        "wav" => (Kind::Audio, "audio/wav"),
        "ogg" | "oga" | "opus" => (Kind::Audio, "audio/ogg"),
        "flac" => (Kind::Audio, "audio/flac"),
        "m4a" | "aac" => (Kind::Audio, "audio/mp4"),
        _ => (Kind::Other, "application/octet-stream"),
    }
}

impl Embedding {
    /// Creates the way into a page, with at most `limit` embedded bytes.
    pub(super) fn new(page: &Path, limit: u64) -> Self {
        Embedding { folder: page.parent().unwrap_or(Path::new("")).to_owned(), left: limit, linked: 0 }
    }

    /// Returns the URL of a file: with its bytes as long as there is room, or else relative to the page.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub(super) fn url(&mut self, file: &Path) -> io::Result<String> {
        let (kind, media_type) = kind(file);
        let size = fs::metadata(file)?.len();
        if kind == Kind::Other || size > self.left {
            self.linked += 1;
            return Ok(link(&self.folder, file));
        }
        self.left -= size;
        let mut url = format!("data:{media_type};base64,");
        BASE64_STANDARD.encode_string(fs::read(file)?, &mut url);
        Ok(url)
    }
}

/// Returns the path from a folder to a file as a relative URL.
fn link(folder: &Path, file: &Path) -> String {
    let absolute = |path: &Path| {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
    };
    let (folder, file) = (absolute(folder), absolute(file));
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (folder.components().collect(), file.components().collect());
    let shared = from.iter().zip(&to).take_while(|(from, to)| from == to).count();
    let up = from[shared..].iter().map(|_| "..".to_owned());
    let down = to[shared..].iter().map(|part| encode(&part.as_os_str().to_string_lossy()));
    let url = up.chain(down).collect::<Vec<_>>().join("/");
    // A name with a colon would be read as a scheme.
    format!("./{url}")
}

/// Encodes a segment of a URL.
fn encode(segment: &str) -> String {
    let mut encoded = String::new();
    for byte in segment.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(byte.into()),
            byte => encoded += &format!("%{byte:02X}"),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_relative_and_encoded() {
        for (folder, file, url) in [
            ("/a/b", "/a/b/c.png", "./c.png"),
            ("/a/b", "/a/b/c d/#1?.png", "./c%20d/%231%3F.png"),
            ("/a/x", "/a/b/c.png", "./../b/c.png"),
            ("/a", "/a/javascript:x.png", "./javascript%3Ax.png"),
        ] {
            assert_eq!(link(Path::new(folder), Path::new(file)), url);
        }
    }
}

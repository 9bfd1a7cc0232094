//! The type of a file that arrives, and whether what arrives is the file at all.

use super::file_name::last_segment;
use crate::files::content_type::{OCTET_STREAM, essence, from_name, is_archive_or_model, is_media, refines, sniffed};
use crate::files::data_uri;
use crate::media::MediaUrl;

/// The known facts about the media type of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct FileType {
    pub(super) content_type: Option<String>,
    /// True if the file's first bytes say so, and not only its host.
    pub(super) by_bytes: bool,
}

/// Something else than the file.
#[derive(Debug)]
pub(super) struct Impostor {
    /// The file, for people.
    expected: String,
    /// The kind of content that arrives instead, for people.
    found: String,
}

impl FileType {
    /// Returns the type of a file as far as the output says: that of the bytes in a data URI, or else the declared one.
    pub(super) fn declared(media: &MediaUrl) -> Self {
        match data_uri::decode(media.as_str()).filter(|_| data_uri::is_data_uri(media.as_str())) {
            Some((content_type, bytes)) => FileType::of(media, Some(&content_type), &bytes),
            None => FileType::of(media, media.content_type.as_deref(), &[]),
        }
    }

    /// Returns the type of a file by its first bytes, or else by its host.
    pub(super) fn of(media: &MediaUrl, by_host: Option<&str>, head: &[u8]) -> Self {
        let name = media.name.clone().or_else(|| last_segment(media.as_str()));
        match sniffed(name.as_deref(), head) {
            Some(content_type) => FileType { content_type: Some(content_type.to_owned()), by_bytes: true },
            None => FileType {
                content_type: by_host.map(essence).filter(|by_host| by_host != OCTET_STREAM),
                by_bytes: false,
            },
        }
    }
}

impl Impostor {
    /// Returns what arrives instead of a file, if the output, a name or the host says that the file is an image, a video,
    /// audio, an archive or a model: a page, JSON, another text, or nothing.
    pub(super) fn of(media: &MediaUrl, by_host: Option<&str>, head: &[u8]) -> Option<Self> {
        let by_host = by_host.map(essence);
        let expected = expected(media, by_host.as_deref())?;
        let found = match sniffed(None, head) {
            _ if head.is_empty() => "an empty file".to_owned(),
            Some(found) if is_text(found) && !refines(&expected, found) => described(found),
            Some(_) => return None,
            None => match by_host {
                _ if !is_textual(&expected) && is_whole_json(head) => described("application/json"),
                Some(found) if is_text(&found) && !is_textual(&expected) && (is_data(&found) || is_plain(head)) => {
                    described(&found)
                }
                _ => return None,
            },
        };
        Some(Impostor { expected: described(&expected), found })
    }

    /// Returns the message of an error, with the words of what arrives.
    pub(super) fn message(&self, words: Option<&str>) -> String {
        let words = words.map(|words| format!(": {words}")).unwrap_or_default();
        format!("the file's host returned {} instead of {}{words}", self.found, self.expected)
    }
}

const SVG: &str = "image/svg+xml";

/// Returns the type that a file has by the output, its names or its host, if it is not a text. The first of them that says
/// something decides.
fn expected(media: &MediaUrl, by_host: Option<&str>) -> Option<String> {
    let said = |content_type: &str| Some(essence(content_type)).filter(|essence| essence != OCTET_STREAM);
    let by_names = || {
        let by_url = || from_name(&last_segment(media.as_str())?);
        media.name.as_deref().and_then(from_name).or_else(by_url)
    };
    let declared = media.content_type.as_deref().and_then(said);
    let by_names = || by_names().and_then(said);
    let expected = declared.or_else(by_names).or_else(|| media.class.and_then(said)).or_else(|| said(by_host?))?;
    (is_media(&expected) || is_archive_or_model(&expected)).then_some(expected)
}

/// Returns true for types of texts, among which SVG does not count.
fn is_text(content_type: &str) -> bool {
    content_type.starts_with("text/") || is_data(content_type) && content_type != SVG
}

/// Returns true for pages and structured data.
fn is_data(content_type: &str) -> bool {
    let suffixes = ["/html", "/json", "/xml", "+json", "+xml"];
    suffixes.iter().any(|suffix| content_type.ends_with(suffix))
}

/// Returns true for media whose files may be texts. TypeScript has the extension of transport streams.
fn is_textual(content_type: &str) -> bool {
    let netpbm = "image/x-portable-";
    let others = [SVG, "audio/x-mpegurl", "audio/mpegurl", "image/x-xbitmap", "image/x-xpixmap", "video/mp2t"];
    content_type.starts_with(netpbm) || others.contains(&content_type)
}

/// Returns true if bytes are a JSON array, object or string as a whole.
fn is_whole_json(head: &[u8]) -> bool {
    let is_compound = matches!(head.trim_ascii_start(), [b'[' | b'{' | b'"', ..]);
    is_compound && serde_json::from_slice::<serde::de::IgnoredAny>(head).is_ok()
}

/// Returns true if bytes are a text, which may be cut within a character.
fn is_plain(head: &[u8]) -> bool {
    let is_utf8 = std::str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true);
    is_utf8 && !head.contains(&0)
}

/// Describes a type for people.
fn described(content_type: &str) -> String {
    match content_type {
        "text/html" | "application/xhtml+xml" => "a page".to_owned(),
        "application/json" => "JSON".to_owned(),
        "application/xml" | "text/xml" => "XML".to_owned(),
        "image/*" => "an image".to_owned(),
        "video/*" => "a video".to_owned(),
        "audio/*" => "audio".to_owned(),
        other => other.to_owned(),
    }
}

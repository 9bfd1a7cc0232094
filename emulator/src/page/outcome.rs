//! The input and the output of a job: its prompt, and the files in them.

use serde_json::Value;

use crate::documents::schema::{expand, kind as kind_of};
use crate::queue::job::Job;

/// The most files that are shown.
const MAX_FILES: usize = 60;
/// The most values that are searched for files.
const MAX_VALUES: usize = 100_000;

/// A file that a value refers to.
#[derive(Debug, PartialEq)]
pub(super) struct Media {
    pub(super) url: String,
    pub(super) kind: MediaKind,
    /// The name of the field: `images/0`.
    pub(super) field: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MediaKind {
    Image,
    Audio,
    Video,
    Other,
}

/// Returns the text of an input by which a person recognises the request.
pub(super) fn prompt(job: &Job) -> Option<&str> {
    let input = job.received.input().ok()?;
    let fields =
        ["prompt", "text", "input", "lyrics", "gen_text", "script", "question", "image_url", "video_url", "audio_url"];
    fields.iter().find_map(|name| input.get(name)?.as_str()).filter(|text| !text.trim().is_empty())
}

/// Returns the longest text of an output that is not a URL, if it is the text that the model wrote.
pub(super) fn text(output: &Value) -> Option<&str> {
    ["output", "text", "transcription", "result", "response"]
        .iter()
        .find_map(|name| output.get(name)?.as_str())
        .filter(|text| !text.is_empty() && !is_url(text))
}

/// Returns whether the output of a job is a text that grows.
pub(super) fn writes_text(job: &Job) -> bool {
    let schemas = &job.endpoint.document.schemas;
    let output = expand(&schemas.root, &schemas.output, &mut Vec::new());
    let text = output.pointer("/properties/output").map(|text| expand(&schemas.root, text, &mut Vec::new()));
    text.is_some_and(|text| kind_of(&text) == Some("string"))
}

/// Returns the files that a value refers to, in order.
pub(super) fn media(value: &Value) -> Vec<Media> {
    let (mut found, mut left) = (Vec::new(), MAX_VALUES);
    search(value, &mut Vec::new(), None, &mut found, &mut left);
    found
}

fn search(value: &Value, path: &mut Vec<String>, content_type: Option<&str>, found: &mut Vec<Media>, left: &mut usize) {
    if found.len() >= MAX_FILES || *left == 0 || path.len() > 32 {
        return;
    }
    *left -= 1;
    match value {
        Value::String(url) if is_url(url) => {
            if found.iter().any(|known| known.url == *url) {
                return;
            }
            let path = if path.last().is_some_and(|last| last == "url") { &path[..path.len() - 1] } else { path };
            found.push(Media { kind: kind(url, content_type), url: url.clone(), field: path.join("/") });
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push(index.to_string());
                search(item, path, None, found, left);
                path.pop();
            }
        }
        Value::Object(members) => {
            let content_type = members.get("content_type").and_then(Value::as_str);
            for (name, member) in members {
                path.push(name.clone());
                search(member, path, content_type.filter(|_| name == "url"), found, left);
                path.pop();
            }
        }
        _ => {}
    }
}

pub(super) fn is_url(text: &str) -> bool {
    let is_web = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
    (is_web && text.len() <= 8_192 && !text.contains(char::is_whitespace))
        || (text.starts_with("data:") && text.split_once(',').is_some_and(|(head, _)| head.len() < 200))
}

/// Returns the kind of a file from its content type, or else from its extension.
pub(super) fn kind(url: &str, content_type: Option<&str>) -> MediaKind {
    let content_type = content_type.or_else(|| url.strip_prefix("data:")?.split([';', ',']).next());
    let of_type = content_type.and_then(|content_type| match content_type.split('/').next()? {
        "image" => Some(MediaKind::Image),
        "audio" => Some(MediaKind::Audio),
        "video" => Some(MediaKind::Video),
        _ => None,
    });
    let path = url.split(['?', '#']).next().unwrap_or(url);
    of_type.unwrap_or_else(|| match path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "png" | "jpg" | "jpeg" | "webp" | "gif" | "avif" | "svg" | "bmp" => MediaKind::Image,
        "wav" | "mp3" | "ogg" | "flac" | "m4a" | "aac" | "opus" => MediaKind::Audio,
        "mp4" | "webm" | "mov" | "m4v" => MediaKind::Video,
        _ => MediaKind::Other,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_are_found_with_their_kind() {
        let output = json!({
            "audio": { "url": "https://x.test/a", "content_type": "audio/wav" },
            "images": [{ "url": "https://x.test/a.PNG?x=.mp4" }, { "url": "data:image/png;base64,AA==" }],
            "again": "https://x.test/a.PNG?x=.mp4",
            "text": "https is not a URL",
            "mesh": "https://x.test/a.glb",
        });
        let found: Vec<_> = media(&output).into_iter().map(|media| (media.field, media.kind)).collect();
        for expected in [("audio", MediaKind::Audio), ("images/1", MediaKind::Image), ("mesh", MediaKind::Other)] {
            assert!(found.contains(&(expected.0.to_owned(), expected.1)), "{expected:?}");
        }
        assert_eq!(found.len(), 4);
    }
}

//! Detects files among inputs, and components that are media types of the runtime.

use heck::ToSnakeCase;
use serde_json::{Map, Value};

use super::file_limits;
use crate::model::Side;
use crate::types::RuntimeType;

/// The playground's names for a field that takes a file.
const FILE_FIELDS: &[&str] = &["archive", "audio", "file", "image", "image_mask", "mask", "url", "video"];

/// Returns true if an input's property is a file or an array of files.
pub(super) fn is_file(name: &str, schema: &Value) -> bool {
    let string = match schema.get("type").and_then(Value::as_str) {
        Some("string") => schema,
        Some("array") => match schema.get("items") {
            Some(items) if items.get("type").and_then(Value::as_str) == Some("string") => items,
            _ => return false,
        },
        _ => return false,
    };
    if string.get("enum").is_some() {
        return false;
    }
    let hint = schema.get("ui").and_then(|ui| ui.get("field")).or(schema.get("_fal_ui_field")).and_then(Value::as_str);
    let name = name.to_ascii_lowercase();
    hint.is_some_and(|hint| FILE_FIELDS.contains(&hint))
        || [schema, string].into_iter().any(file_limits::are_in)
        || string.get("format").and_then(Value::as_str) == Some("uri")
        || name.ends_with("url")
        || name.ends_with("urls")
}

/// Returns true if an input's union has a file or an array of files among its members.
pub(super) fn takes_files(name: &str, schema: &Value) -> bool {
    let members = schema.get("anyOf").and_then(Value::as_array);
    let is_file = |member: &Value| self::is_file(name, member) || self::is_file(name, &with_hint(member, schema));
    members.is_some_and(|members| members.iter().any(is_file))
}

/// Adds the union's hints for the playground, and its limits of files, to a member.
fn with_hint(member: &Value, whole: &Value) -> Value {
    let mut member = member.clone();
    for key in ["ui", "_fal_ui_field", "x-fal"] {
        if let (Some(member), Some(hint)) = (member.as_object_mut(), whole.get(key)) {
            member.insert(key.to_owned(), hint.clone());
        }
    }
    member
}

/// The fields of each media type, with their JSON types. The first are those of every file.
const FILE: Fields = &[
    ("url", "string"),
    ("content_type", "string"),
    ("file_name", "string"),
    ("file_size", "integer"),
    ("file_data", "string"),
];
const IMAGE: Fields = &[("width", "integer"), ("height", "integer")];
const VIDEO: Fields = &[("fps", "number"), ("duration", "number"), ("num_frames", "integer")];
const AUDIO: Fields =
    &[("duration", "number"), ("sample_rate", "integer"), ("channels", "integer"), ("bitrate", "string")];

type Fields = &'static [(&'static str, &'static str)];

/// Words at the end of a name that do not name the medium: `audio_file`, `Video-Output`, `ImageFile`.
const NEUTRAL_WORDS: &[&str] = &["file", "input", "output", "url"];

/// Returns the runtime's type for an object, if all fields of the object are fields of that type.
///
/// Several types may have all the fields, because a schema may declare no more than a URL. The component's name decides
/// then, or the property's if the component is a `File`.
pub(super) fn shared(
    component: Option<&str>,
    property: &str,
    fields: &Map<String, Value>,
    side: Side,
) -> Option<RuntimeType> {
    if is_image_size(fields) {
        return Some(RuntimeType::ImageSize);
    }
    if side == Side::Input || !fields.contains_key("url") {
        return None;
    }
    let fits = |of: &RuntimeType| {
        let known: &[Fields] = match of {
            RuntimeType::Image => &[FILE, IMAGE],
            RuntimeType::Audio => &[FILE, AUDIO],
            RuntimeType::Video => &[FILE, IMAGE, VIDEO],
            _ => &[FILE],
        };
        fields.iter().all(|(name, schema)| {
            let kind = schema.get("type").and_then(Value::as_str);
            // Some durations are whole seconds.
            let is = |declared: &str| kind == Some(declared) || (declared == "number" && kind == Some("integer"));
            known.iter().flat_map(|fields| fields.iter()).any(|(known, declared)| known == name && is(declared))
        })
    };
    let named = component.and_then(medium).or_else(|| medium(property));
    let by_shape = [RuntimeType::File, RuntimeType::Image, RuntimeType::Audio, RuntimeType::Video];
    named.into_iter().chain(by_shape).find(fits)
}

/// Returns true if the fields of an object are those of a size of an image.
pub(super) fn is_image_size(fields: &Map<String, Value>) -> bool {
    let is_integer =
        |name: &str| fields.get(name).and_then(|field| field.get("type")).is_some_and(|kind| kind == "integer");
    fields.len() == 2 && is_integer("width") && is_integer("height")
}

/// Returns the medium that a name ends with: `preview_image`, `VideoFile`, `audios`.
fn medium(name: &str) -> Option<RuntimeType> {
    let words = name.to_snake_case();
    let last = words.rsplit('_').map(|word| word.strip_suffix('s').unwrap_or(word));
    match last.into_iter().find(|word| !NEUTRAL_WORDS.contains(word))? {
        "audio" => Some(RuntimeType::Audio),
        "image" => Some(RuntimeType::Image),
        "video" => Some(RuntimeType::Video),
        _ => None,
    }
}

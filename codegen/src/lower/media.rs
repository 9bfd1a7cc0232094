//! Detects files among inputs, and components that are media types of the runtime.

use serde_json::{Map, Value};

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

/// Adds the union's hints for the playground to a member.
fn with_hint(member: &Value, whole: &Value) -> Value {
    let mut member = member.clone();
    for key in ["ui", "_fal_ui_field"] {
        if let (Some(member), Some(hint)) = (member.as_object_mut(), whole.get(key)) {
            member.insert(key.to_owned(), hint.clone());
        }
    }
    member
}

/// Returns the runtime's type for a component, if all fields of the component are fields of that type.
pub(super) fn shared(fields: &Map<String, Value>, side: Side) -> Option<RuntimeType> {
    let integers =
        |name: &str| fields.get(name).and_then(|field| field.get("type")).is_some_and(|kind| kind == "integer");
    if fields.len() == 2 && integers("width") && integers("height") {
        return Some(RuntimeType::ImageSize);
    }
    if side == Side::Input || !fields.contains_key("url") {
        return None;
    }
    let file = [
        ("url", "string"),
        ("content_type", "string"),
        ("file_name", "string"),
        ("file_size", "integer"),
        ("file_data", "string"),
    ];
    let image = [("width", "integer"), ("height", "integer")];
    let video = [("fps", "number"), ("duration", "number"), ("num_frames", "integer")];
    let audio = [("duration", "number"), ("sample_rate", "integer"), ("channels", "integer"), ("bitrate", "string")];
    let fits = |known: &[&[(&str, &str)]]| {
        fields.iter().all(|(name, schema)| {
            let kind = schema.get("type").and_then(Value::as_str);
            known.iter().flat_map(|fields| fields.iter()).any(|(known, type_)| known == name && kind == Some(*type_))
        })
    };
    if fits(&[&file]) {
        Some(RuntimeType::File)
    } else if fits(&[&file, &image]) {
        Some(RuntimeType::Image)
    } else if fits(&[&file, &image, &video]) {
        Some(RuntimeType::Video)
    } else if fits(&[&file, &audio]) {
        Some(RuntimeType::Audio)
    } else {
        None
    }
}

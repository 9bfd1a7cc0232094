use serde::ser::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, ValidationError};
use crate::files::FileInput;
use crate::protocol::LocSegment;
use crate::schema::{EndpointInput, validate_files};

/// An untyped input: JSON, with files in it.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use fal_client::{FileInput, JsonInput};
/// use serde_json::json;
///
/// let input = JsonInput::from(json!({ "prompt": "a fox", "references": [{}] }))
///     .file("image_url", FileInput::path("room.png"))?
///     .file("/references/0/url", FileInput::path("fox.png"))?;
/// let response = client.endpoint("fal-ai/flux/dev").subscribe(input).await?;
/// # let _ = response;
/// # Ok(())
/// # }
/// ```
///
/// An untyped call also accepts a plain [`Value`]. Strings in it are never opened as files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JsonInput {
    value: Value,
    /// Files, each with the JSON pointer to its field.
    files: Vec<(String, FileInput)>,
}

impl JsonInput {
    /// Sets a field to a file. The field is given by its name, or by a JSON pointer such as `/loras/0/path`.
    ///
    /// A missing field is added, and an existing one is replaced. Anything that is not a URL is uploaded when the call is
    /// awaited.
    ///
    /// # Errors
    ///
    /// - The parent of the field is not an object, or an array does not have the index.
    /// - The name of a new field contains a dot or a bracket, as in `loras[0].path`. Use a pointer for nested fields.
    pub fn file(mut self, field: impl AsRef<str>, file: impl Into<FileInput>) -> Result<Self, Error> {
        let field = field.as_ref();
        let pointer = if field.starts_with('/') {
            field.to_owned()
        } else {
            format!("/{}", field.replace('~', "~0").replace('/', "~1"))
        };
        if !field.starts_with('/') && field.contains(['.', '[']) && self.value.get(field).is_none() {
            let pointer = field.replace(['.', '['], "/").replace(']', "");
            let message = format!("unknown field `{field}`: use the JSON pointer `/{pointer}` for a nested field");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let slot = slot(&mut self.value, &pointer).ok_or_else(|| {
            let message = format!(
                "cannot set `{field}` to a file: its parent is not an object, or the array does not have the index"
            );
            Error::new(ErrorKind::InvalidInput, message)
        })?;
        *slot = Value::Null;
        // Files inside the replaced value are replaced with it.
        let below = format!("{pointer}/");
        self.files.retain(|(known, _)| *known != pointer && !known.starts_with(&below));
        self.files.push((pointer, file.into()));
        Ok(self)
    }
}

/// Returns the value at a pointer. Adds the last field of the pointer if it is missing.
fn slot<'a>(value: &'a mut Value, pointer: &str) -> Option<&'a mut Value> {
    if value.pointer(pointer).is_some() {
        return value.pointer_mut(pointer);
    }
    let (parent, field) = pointer.rsplit_once('/')?;
    let fields = value.pointer_mut(parent)?.as_object_mut()?;
    Some(fields.entry(unescape(field)).or_insert(Value::Null))
}

/// Decodes the key in a segment of a JSON pointer (RFC 6901).
fn unescape(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

impl From<Value> for JsonInput {
    fn from(value: Value) -> Self {
        JsonInput { value, files: Vec::new() }
    }
}

impl From<Map<String, Value>> for JsonInput {
    fn from(fields: Map<String, Value>) -> Self {
        Value::Object(fields).into()
    }
}

impl Serialize for JsonInput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.files.is_empty() {
            return self.value.serialize(serializer);
        }
        let mut value = self.value.clone();
        for (pointer, file) in &self.files {
            if let Some(slot) = value.pointer_mut(pointer) {
                *slot = serde_json::to_value(file).map_err(serde::ser::Error::custom)?;
            }
        }
        value.serialize(serializer)
    }
}

/// Converts a pointer to the location format of validation errors.
fn loc(pointer: &str) -> Vec<LocSegment> {
    let segment = |segment: &str| match segment.parse() {
        Ok(index) => LocSegment::Index(index),
        Err(_) => LocSegment::Key(unescape(segment)),
    };
    std::iter::once(LocSegment::Key("body".to_owned())).chain(pointer.split('/').skip(1).map(segment)).collect()
}

/// Validates only the files, because the JSON has no schema.
impl EndpointInput for JsonInput {
    fn validate(&self) -> Result<(), ValidationError> {
        validate_files(self.files.iter().map(|(pointer, file)| (loc(pointer), file)))
    }

    fn visit_files(&mut self, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        for (pointer, file) in &mut self.files {
            let field = pointer.strip_prefix('/').filter(|field| !field.contains('/')).unwrap_or(pointer);
            visit(field, file);
        }
    }
}

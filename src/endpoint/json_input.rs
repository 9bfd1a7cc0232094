use serde::ser::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, ValidationError};
use crate::files::FileInput;
use crate::protocol::LocSegment;
use crate::schema::{EndpointInput, validate_files};

/// What is sent to an endpoint of which there are no types: JSON, and files in it.
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
/// A call takes plain JSON, too. It is taken as it is: text in it is never opened as a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JsonInput {
    value: Value,
    /// Files, by the JSON pointers to their places.
    files: Vec<(String, FileInput)>,
}

impl JsonInput {
    /// Puts a file into a place: the name of a field, or a JSON pointer (`/loras/0/path`). What is no URL is uploaded when
    /// the call is made. A field that is not there yet comes into being; one that is there is replaced.
    ///
    /// # Errors
    ///
    /// There is no such place: what is to have the field is no object, or the list has no such item. A new field cannot
    /// have a dot or a bracket in its name, as in `loras[0].path`: places below the first level are pointers.
    pub fn file(mut self, field: impl AsRef<str>, file: impl Into<FileInput>) -> Result<Self, Error> {
        let field = field.as_ref();
        let pointer = if field.starts_with('/') {
            field.to_owned()
        } else {
            format!("/{}", field.replace('~', "~0").replace('/', "~1"))
        };
        if !field.starts_with('/') && field.contains(['.', '[']) && self.value.get(field).is_none() {
            let pointer = field.replace(['.', '['], "/").replace(']', "");
            let message = format!(
                "`{field}` is not the name of a field of the input; if a place in it is meant, say `/{pointer}`"
            );
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let slot = slot(&mut self.value, &pointer).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, format!("the input has no place `{field}` for a file"))
        })?;
        *slot = Value::Null;
        // What was below the place has gone with it.
        let below = format!("{pointer}/");
        self.files.retain(|(known, _)| *known != pointer && !known.starts_with(&below));
        self.files.push((pointer, file.into()));
        Ok(self)
    }
}

/// The place that a pointer leads to; the last step may make a new field.
fn slot<'a>(value: &'a mut Value, pointer: &str) -> Option<&'a mut Value> {
    if value.pointer(pointer).is_some() {
        return value.pointer_mut(pointer);
    }
    let (parent, field) = pointer.rsplit_once('/')?;
    let fields = value.pointer_mut(parent)?.as_object_mut()?;
    Some(fields.entry(unescape(field)).or_insert(Value::Null))
}

/// Turns a step of a JSON pointer into the key that it names (RFC 6901).
fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
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

/// Where a pointer leads to, as errors say it.
fn loc(pointer: &str) -> Vec<LocSegment> {
    let step = |step: &str| match step.parse() {
        Ok(index) => LocSegment::Index(index),
        Err(_) => LocSegment::Key(unescape(step)),
    };
    std::iter::once(LocSegment::Key("body".to_owned())).chain(pointer.split('/').skip(1).map(step)).collect()
}

/// JSON is taken as it is; a file has to be one.
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

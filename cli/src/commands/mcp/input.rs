//! The arguments of a tool call become an input.

use fal_client::JsonInput;
use serde_json::{Map, Value};

use super::files::Folders;
use super::server::Endpoint;
use crate::input::Builder;

/// Builds the input of an endpoint. Everything is checked before anything is sent.
///
/// # Errors
///
/// The arguments do not fit the document, or a file is not in an allowed folder. The error lists all problems, for the model to
/// correct its arguments.
pub(super) fn build(
    endpoint: &Endpoint,
    mut arguments: Map<String, Value>,
    folders: &Folders,
) -> Result<JsonInput, String> {
    drop_unset(endpoint, &mut arguments);
    let builder = Builder::new(&endpoint.entry).map_err(|error| error.to_string())?;
    builder.build_with(Value::Object(arguments), &|name| folders.file(name)).map_err(|error| error.to_string())
}

/// Removes nulls that stand for unset fields. Clients with strict schemas send them.
fn drop_unset(endpoint: &Endpoint, arguments: &mut Map<String, Value>) {
    arguments.retain(|name, value| {
        let field = endpoint.fields.iter().find(|field| field.name == *name);
        !(value.is_null() && field.is_some_and(|field| !field.required && !field.nullable))
    });
}

use bytes::Bytes;
use serde_json::Value;

use super::files;
use super::options::SendOptions;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::schema::EndpointInput;

/// Uploads the files of an input and writes it as JSON, once.
pub(super) async fn body<I: EndpointInput>(
    client: &Client,
    mut input: I,
    options: &mut SendOptions,
) -> Result<Bytes, Error> {
    files::upload(client, &mut input, options.inline_below).await?;
    let extra = std::mem::take(&mut options.extra);
    let unwritable = |error: serde_json::Error| {
        Error::new(ErrorKind::InvalidInput, format!("the input cannot be written as JSON: {error}")).caused_by(error)
    };
    if extra.is_empty() {
        return serde_json::to_vec(&input).map(Bytes::from).map_err(unwritable);
    }
    match serde_json::to_value(&input).map_err(unwritable)? {
        Value::Object(mut fields) => {
            fields.extend(extra);
            serde_json::to_vec(&fields).map(Bytes::from).map_err(unwritable)
        }
        _ => Err(Error::new(ErrorKind::InvalidInput, "only an input that is a JSON object can have extra fields")),
    }
}

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::{EndpointInput, Error, ErrorKind, FileInput};

/// Puts its files into an input and writes it as JSON, once.
pub(super) async fn body<I: EndpointInput>(mut input: I, extra: Map<String, Value>) -> Result<Bytes, Error> {
    inline_files(&mut input).await?;
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

/// Puts data URIs in the place of bytes and of files on this machine.
async fn inline_files<I: EndpointInput>(input: &mut I) -> Result<(), Error> {
    let mut files: Vec<(String, FileInput)> = Vec::new();
    input.files_mut(&mut |path, file| {
        if file.as_url().is_none() {
            files.push((path.to_owned(), file.clone()));
        }
    });
    if files.is_empty() {
        return Ok(());
    }
    let mut inlined = Vec::with_capacity(files.len());
    for (path, file) in files {
        inlined.push(file.into_url().await.map_err(|error| {
            Error::new(ErrorKind::File, format!("the file of the field `{path}`: {error}")).caused_by(error)
        })?);
    }
    let mut inlined = inlined.into_iter();
    input.files_mut(&mut |_, file| {
        if file.as_url().is_none()
            && let Some(url) = inlined.next()
        {
            *file = url;
        }
    });
    Ok(())
}

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value};
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

use super::any_input::AnyInput;
use super::hold::Hold;
use super::send_options::SendOptions;
use super::{input_check, input_files};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::protocol::EndpointId;
use crate::schema::EndpointInput;
use crate::transport::{Bucket, OnUpload, Operation, Request, join};

/// An input to be sent to an endpoint, with its options.
pub(crate) struct Outgoing {
    pub(crate) client: Client,
    pub(crate) endpoint: Cow<'static, str>,
    /// The path below the endpoint, if the caller has set it.
    pub(crate) path: Option<String>,
    input: Box<dyn AnyInput>,
    pub(crate) options: SendOptions,
    /// Receives the progress of uploads.
    pub(crate) on_upload: Option<OnUpload>,
}

/// A request that is ready to be sent. All checks have passed and all files are uploaded.
pub(crate) struct Prepared {
    pub(crate) endpoint: EndpointId,
    pub(crate) request: Request,
    /// Held until the request is finished, if the client limits its requests in flight.
    pub(crate) turn: Option<OwnedSemaphorePermit>,
    pub(crate) hold: Hold,
}

impl Outgoing {
    pub(crate) fn new(client: Client, endpoint: Cow<'static, str>, input: impl EndpointInput) -> Self {
        let (input, options) = (Box::new(input), SendOptions::default());
        Outgoing { client, endpoint, path: None, input, options, on_upload: None }
    }

    /// Takes the input and the options, and leaves the client and the endpoint. A stream that has begun has setters nevertheless,
    /// which then have no effect.
    pub(crate) fn take(&mut self) -> Self {
        let empty = Outgoing::new(self.client.clone(), self.endpoint.clone(), Value::Null);
        std::mem::replace(self, empty)
    }

    /// Returns the caller's bucket for outputs.
    pub(crate) fn bucket(&self) -> Option<Bucket> {
        let url = self.options.bucket.as_ref()?;
        Some(Bucket::new(url, &self.client.context().hosts))
    }

    /// Checks the options and the input, waits for a turn, reserves the expected cost, uploads the files and serializes the
    /// body, in this order. `is_out` is true while fal may have received the request.
    pub(crate) async fn prepare(
        self,
        operation: Operation,
        host: &Url,
        is_out: Arc<AtomicBool>,
    ) -> Result<Prepared, Error> {
        let bucket = self.bucket();
        let Outgoing { client, endpoint, path, mut input, mut options, on_upload } = self;
        options.check(&client.context().hosts)?;
        if !options.unchecked {
            input_check::check(&*input).await?;
        }
        let endpoint = EndpointId::parse(&endpoint)?;
        let path = path.as_deref().unwrap_or_else(|| default_path(operation, &endpoint)).trim_start_matches('/');
        // The characters of a path are those of an id.
        let below = (!path.is_empty()).then(|| EndpointId::parse(&format!("{endpoint}/{path}"))).transpose()?;
        if let Some(bucket) = bucket {
            client.context().buckets.remember(bucket);
        }
        let turn = client.turn().await;
        let hold = Hold::reserve(client.context(), endpoint.as_str(), Some(&options), &is_out)?;
        input_files::upload(&client, &mut *input, options.inline_below, on_upload).await?;
        let mut url = join(host, below.as_ref().unwrap_or(&endpoint).as_str());
        for (name, value) in &options.query {
            url.query_pairs_mut().append_pair(name, value);
        }
        let body = Some(body(&*input, options.extra)?);
        let headers = options.headers;
        let request = Request { operation, method: Method::POST, url, headers, body, may_have_arrived: is_out };
        Ok(Prepared { endpoint, request, turn, hold })
    }
}

/// Returns the path below the endpoint to which fal's own clients send an operation.
fn default_path(operation: Operation, endpoint: &EndpointId) -> &'static str {
    match operation {
        Operation::Stream { .. } if !endpoint.as_str().ends_with("/stream") => "stream",
        _ => "",
    }
}

/// Serializes an input. Extra fields replace fields of the same name.
fn body(input: &dyn AnyInput, extra: Map<String, Value>) -> Result<Bytes, Error> {
    let failed = |error: serde_json::Error| {
        Error::new(ErrorKind::InvalidInput, format!("cannot serialize the input: {error}")).caused_by(error)
    };
    if extra.is_empty() {
        return input.to_json().map(Bytes::from).map_err(failed);
    }
    match input.to_value().map_err(failed)? {
        Value::Object(mut fields) => {
            fields.extend(extra);
            serde_json::to_vec(&fields).map(Bytes::from).map_err(failed)
        }
        _ => {
            let message = "cannot add extra fields: the input is not a JSON object";
            Err(Error::new(ErrorKind::InvalidInput, message))
        }
    }
}

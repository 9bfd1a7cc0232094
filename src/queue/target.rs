use std::sync::Arc;

use http::Method;
use url::Url;

use super::job::RequestRef;
use crate::error::{Error, ErrorKind};
use crate::protocol::EndpointId;
use crate::transport::{Context, Operation, Request, join};

/// A submitted request, with everything that HTTP requests about it need.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) context: Arc<Context>,
    pub(crate) endpoint: String,
    request: RequestRef,
}

impl Target {
    pub(crate) fn new(context: Arc<Context>, endpoint: impl Into<String>, request: impl Into<RequestRef>) -> Self {
        Target { context, endpoint: endpoint.into(), request: request.into() }
    }

    pub(crate) fn request_id(&self) -> &str {
        &self.request.request_id
    }

    pub(crate) fn status(&self, logs: bool) -> Result<Request, Error> {
        let mut url = self.url(self.request.status_url.as_deref(), "/status")?;
        url.query_pairs_mut().append_pair("logs", if logs { "1" } else { "0" });
        Ok(Request::new(Operation::Status, Method::GET, url))
    }

    pub(crate) fn status_stream(&self, logs: bool) -> Result<Request, Error> {
        let mut url = self.url(self.request.status_url.as_deref(), "/status")?;
        url = join(&url, "stream");
        url.query_pairs_mut().append_pair("logs", if logs { "1" } else { "0" });
        Ok(Request::new(Operation::StatusStream, Method::GET, url))
    }

    pub(crate) fn result(&self) -> Result<Request, Error> {
        let url = self.url(self.request.response_url.as_deref(), "")?;
        Ok(Request::new(Operation::Result, Method::GET, url))
    }

    pub(crate) fn cancel(&self) -> Result<Request, Error> {
        let url = self.url(self.request.cancel_url.as_deref(), "/cancel")?;
        Ok(Request::new(Operation::Cancel, Method::PUT, url))
    }

    /// Adds the endpoint and the request id to an error.
    pub(crate) fn explain(&self, error: Error) -> Error {
        error.with_endpoint(&self.endpoint).with_request_id(self.request_id())
    }

    /// Returns the URL that fal returned, or else the one derived from the ids.
    fn url(&self, returned: Option<&str>, suffix: &str) -> Result<Url, Error> {
        if let Some(returned) = returned {
            return Url::parse(returned).map_err(|error| {
                let message = format!("fal returned an invalid URL for the request: {returned:?}");
                Error::new(ErrorKind::UnexpectedResponse, message).caused_by(error)
            });
        }
        let id = EndpointId::parse(&self.endpoint)?;
        let request_id = self.request_id();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
        if request_id.is_empty() || matches!(request_id, "." | "..") || !request_id.bytes().all(allowed) {
            let message = format!("invalid request id {request_id:?}: expected letters, digits, `-`, `_`, `.` and `~`");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let path = format!("{}/requests/{request_id}{suffix}", id.app());
        Ok(join(&self.context.hosts.queue, &path))
    }
}

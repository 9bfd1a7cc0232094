use std::fmt;
use std::sync::Arc;

use http::Method;

use super::job::RequestRef;
use crate::error::Error;
use crate::protocol::{EndpointId, RequestId};
use crate::text::shown;
use crate::transport::{Context, Operation, Request, join};

/// A submitted request, with everything that HTTP requests about it need.
///
/// Its URLs follow from the queue host of the client, the application and the request id. URLs in responses and in saved
/// jobs are not used, because their author could direct the key to another address.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) context: Arc<Context>,
    /// The endpoint id. Shortened and escaped if it is invalid.
    pub(crate) endpoint: String,
    /// The request id. Shortened and escaped if it is invalid.
    request_id: String,
    /// The path of the result on the queue host, or the error of an invalid id, or of a job of another endpoint.
    path: Result<String, Error>,
}

impl Target {
    pub(crate) fn new(context: Arc<Context>, endpoint: impl Into<String>, request: impl Into<RequestRef>) -> Self {
        let (endpoint, request) = (endpoint.into(), request.into());
        let checked = request.check(&endpoint);
        let RequestRef { request_id, .. } = request;
        match checked.and_then(|()| path(&endpoint, &request_id)) {
            Ok(path) => Target { context, endpoint, request_id, path: Ok(path) },
            Err(error) => {
                let (endpoint, request_id) = (shown(&endpoint), shown(&request_id));
                Target { context, endpoint, request_id, path: Err(error) }
            }
        }
    }

    pub(crate) fn request_id(&self) -> &str {
        &self.request_id
    }

    pub(crate) fn status(&self, logs: bool) -> Result<Request, Error> {
        let mut request = self.request(Operation::Status, Method::GET, "/status")?;
        request.url.set_query(Some(logs_query(logs)));
        Ok(request)
    }

    pub(crate) fn status_stream(&self, logs: bool) -> Result<Request, Error> {
        let mut request = self.request(Operation::StatusStream, Method::GET, "/status/stream")?;
        request.url.set_query(Some(logs_query(logs)));
        Ok(request)
    }

    pub(crate) fn result(&self) -> Result<Request, Error> {
        self.request(Operation::Result, Method::GET, "")
    }

    pub(crate) fn cancel(&self) -> Result<Request, Error> {
        self.request(Operation::Cancel, Method::PUT, "/cancel")
    }

    fn request(&self, operation: Operation, method: Method, tail: &str) -> Result<Request, Error> {
        let path = self.path.as_ref().map_err(Error::clone)?;
        Ok(Request::new(operation, method, join(&self.context.hosts.queue, &format!("{path}{tail}"))))
    }

    /// Adds the endpoint and the request id to an error.
    pub(crate) fn explain(&self, error: Error) -> Error {
        let error = error.with_endpoint(&self.endpoint);
        if self.path.is_ok() { error.with_request_id(self.request_id()) } else { error }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", shown(&self.request_id), shown(&self.endpoint))
    }
}

fn path(endpoint: &str, request_id: &str) -> Result<String, Error> {
    let endpoint = EndpointId::parse(endpoint)?;
    let request_id = RequestId::parse(request_id)?;
    Ok(format!("{}/requests/{}", endpoint.app(), request_id.as_str()))
}

fn logs_query(logs: bool) -> &'static str {
    if logs { "logs=1" } else { "logs=0" }
}

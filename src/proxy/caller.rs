use std::fmt;

use http::{Extensions, HeaderMap};

use super::operation::Operation;
use crate::protocol::{EndpointId, RequestId};

/// A request to a [`Proxy`](super::Proxy), as its authentication sees it.
///
/// ```
/// use fal_client::proxy::{Caller, Operation};
/// use http::StatusCode;
///
/// async fn authenticate(caller: Caller) -> Result<(), StatusCode> {
///     let session = caller.headers().get("cookie").and_then(|cookie| cookie.to_str().ok());
///     match session {
///         Some("session=alice") => Ok(()),
///         Some(_) if caller.operation() == Operation::Status => Ok(()),
///         _ => Err(StatusCode::UNAUTHORIZED),
///     }
/// }
/// ```
pub struct Caller {
    pub(super) headers: HeaderMap,
    pub(super) extensions: Extensions,
    pub(super) operation: Operation,
    pub(super) endpoint: Option<EndpointId>,
    pub(super) request_id: Option<RequestId>,
}

impl Caller {
    /// Returns the headers of the request, with its cookies and its `Authorization`.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the extensions of the request: what a middleware before the proxy has added, such as a user.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Returns the purpose of the request.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// Returns the endpoint id of a run or a submission. Of a request about a queued request, it is usually the application
    /// alone, such as `fal-ai/flux`. `None` for uploads and tokens.
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_ref().map(EndpointId::as_str)
    }

    /// Returns the id of the queued request that the request is about.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_ref().map(RequestId::as_str)
    }
}

/// Shows neither headers nor extensions, which have the caller's secrets.
impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("operation", &self.operation)
            .field("endpoint", &self.endpoint())
            .field("request_id", &self.request_id())
            .finish_non_exhaustive()
    }
}

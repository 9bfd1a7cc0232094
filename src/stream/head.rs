use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::error::Error;
use crate::protocol::RawResponse;

/// The beginning of the response to a stream request.
pub(crate) struct Head {
    status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) request_id: Option<Arc<str>>,
}

impl Head {
    pub(crate) fn new(status: StatusCode, headers: HeaderMap) -> Self {
        let response = RawResponse { status, headers, body: Bytes::new() };
        Head { request_id: response.request_id().map(Arc::from), status, headers: response.headers }
    }

    /// Returns the response with the data of one event as its body.
    pub(super) fn with_body(&self, body: Bytes) -> RawResponse {
        RawResponse { status: self.status, headers: self.headers.clone(), body }
    }

    /// Completes the error of a stream that fal has accepted.
    pub(super) fn accepted(&self, error: Error) -> Error {
        let error = match &self.request_id {
            Some(request_id) => error.with_request_id(request_id),
            None => error,
        };
        error.with_acceptance()
    }
}

use std::sync::Arc;

use serde_json::Value;

use crate::request::mistake;
use crate::request::operation::Operation;
use crate::request::received::Received;

/// A request that the emulator received, or a message of a WebSocket. A message has the path, the query and the headers of its
/// handshake.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = fal_emulator::Emulator::start().await?;
/// use fal_emulator::Operation;
///
/// for request in emulator.requests() {
///     if request.operation() == Operation::Submit {
///         println!("{} with the prompt {}", request.path(), request.input()["prompt"]);
///     }
///     assert_eq!(request.mistake(), None);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ReceivedRequest(pub(crate) Arc<Received>);

impl ReceivedRequest {
    /// Returns the operation that the request addresses.
    pub fn operation(&self) -> Operation {
        self.0.operation
    }

    /// Returns the HTTP method, such as `POST`.
    pub fn method(&self) -> &str {
        self.0.method.as_str()
    }

    /// Returns the path as it was sent, with the fal host first: `/queue.fal.run/fal-ai/flux/dev`.
    pub fn path(&self) -> &str {
        self.0.uri.path()
    }

    /// Returns a query parameter, such as `fal_webhook`.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.0.query(name)
    }

    /// Returns a header by its case-insensitive name, or `None` if it is missing or not a string.
    ///
    /// The options of a call are headers: `x-fal-queue-priority`, `x-fal-runner-hint`, `x-fal-tags`, `x-fal-store-io`
    /// and others.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.header(name)
    }

    /// Returns the body as it was sent.
    ///
    /// Empty while the body is being read, if it exceeded 64 MiB, and if it is an uploaded file. The bytes of uploads
    /// are in [`Emulator::files`](crate::Emulator::files).
    pub fn body(&self) -> &[u8] {
        self.0.body()
    }

    /// Returns the size of the body in bytes, also for an uploaded file.
    pub fn body_size(&self) -> u64 {
        self.0.body.get().map_or(0, |body| body.size)
    }

    /// Returns the body as JSON, or null if it is not JSON. A MessagePack message is decoded; binary data in it is Base64.
    pub fn input(&self) -> &Value {
        self.0.input().unwrap_or(&Value::Null)
    }

    /// Returns the id of the endpoint that the request is about, or only its application if the request id is unknown.
    pub fn endpoint(&self) -> Option<&str> {
        self.0.endpoint.as_deref()
    }

    /// Returns the id of the fal request that this request created or is about.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.get().map(String::as_str)
    }

    /// Returns the number of requests of the same operation that were in flight when this one arrived, itself included.
    /// It shows the concurrency of a client. The handshake of a WebSocket is in flight as long as its connection.
    pub fn in_flight(&self) -> usize {
        self.0.in_flight
    }

    /// Returns the HTTP status of the response, or `None` before it is decided and if the connection was dropped. An input of a
    /// realtime connection has 200 or 500, or `None` if a newer one replaced it.
    pub fn status(&self) -> Option<u16> {
        self.0.status.get().copied()
    }

    /// Returns whether the request is a call of an endpoint, with an input.
    pub(crate) fn has_input(&self) -> bool {
        matches!(
            self.operation(),
            Operation::Run | Operation::Submit | Operation::Stream | Operation::RealtimeInput | Operation::WebSocketRun
        )
    }

    /// Returns the request in a line, without secrets: keys are headers, and tokens and signatures are in the query.
    pub(crate) fn line(&self) -> String {
        match self.status() {
            Some(status) => format!("{} {}, status {status}", self.method(), self.path()),
            None => format!("{} {}, without a response", self.method(), self.path()),
        }
    }

    /// Returns a description of a client mistake that fal does not report.
    ///
    /// Examples are a key that is sent to a file host, and an option that fal silently ignores. Tests assert that it is
    /// `None`.
    pub fn mistake(&self) -> Option<&'static str> {
        mistake::find(&self.0)
    }
}

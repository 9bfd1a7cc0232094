use std::sync::Arc;

use serde_json::Value;

use crate::request::mistake;
use crate::request::operation::Operation;
use crate::request::received::Received;

/// A request that the emulator received.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # let emulator = fal_emulator::Emulator::start().await?;
/// use fal_emulator::Operation;
///
/// for request in emulator.requests() {
///     if request.operation() == Operation::Submit {
///         println!("{} asks for {}", request.path(), request.input()["prompt"]);
///     }
///     assert_eq!(request.mistake(), None);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ReceivedRequest(pub(crate) Arc<Received>);

impl ReceivedRequest {
    /// What it asked for.
    pub fn operation(&self) -> Operation {
        self.0.operation
    }

    /// The method, `POST`.
    pub fn method(&self) -> &str {
        self.0.method.as_str()
    }

    /// The path as it was sent, the fal host first: `/queue.fal.run/fal-ai/flux/dev`.
    pub fn path(&self) -> &str {
        self.0.uri.path()
    }

    /// A parameter of the URL, such as `fal_webhook`.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.0.query(name)
    }

    /// A header, by its name in any case; none if its value is not text. What a call was asked to be is here:
    /// `x-fal-queue-priority`, `x-fal-runner-hint`, `x-fal-tags`, `x-fal-store-io` and so on.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.header(name)
    }

    /// The body as it was sent. Empty where it was larger than the emulator takes, and before it was read to its end.
    pub fn body(&self) -> &[u8] {
        self.0.body()
    }

    /// How many bytes the body has: where it is a file, more than there are in [`body`](Self::body), which is empty
    /// then. The bytes are in [`Emulator::files`](crate::Emulator::files).
    pub fn body_size(&self) -> u64 {
        self.0.body.get().map_or(0, |body| body.size)
    }

    /// The body as JSON, null where it was none.
    pub fn input(&self) -> &Value {
        self.0.input().unwrap_or(&Value::Null)
    }

    /// The endpoint that it was about. Where a queued request is not known, only its application is.
    pub fn endpoint(&self) -> Option<&str> {
        self.0.endpoint.as_deref()
    }

    /// The id of the fal request that it made or was about.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.get().map(String::as_str)
    }

    /// How many requests of its operation were under way when it came, itself included: how much a client does at once.
    pub fn at_once(&self) -> usize {
        self.0.in_flight
    }

    /// The HTTP status of the answer. None before there is one, and where the connection was dropped instead.
    pub fn status(&self) -> Option<u16> {
        self.0.status.get().copied()
    }

    /// What a client must not do and fal does not notice, in words: the key was sent where files are, or an option that
    /// fal ignores without a word.
    pub fn mistake(&self) -> Option<&'static str> {
        mistake::find(&self.0)
    }
}

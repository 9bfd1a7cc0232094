use serde_json::{Value, json};

/// A frame that the emulator sends on a WebSocket, for [`Fault::frames`](crate::Fault::frames).
///
/// ```
/// # use fal_emulator::{Emulator, Fault, Frame, Operation};
/// # fn example(emulator: &Emulator) {
/// // The next input of a realtime connection gets an unexpected text, and the connection closes.
/// let frames = [Frame::text("plain"), Frame::close(1011, "Error while forwarding the request")];
/// emulator.inject_fault(Operation::RealtimeInput, Fault::frames(frames));
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame(pub(crate) FrameKind);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    Text(String),
    Binary(Vec<u8>),
    Close { code: u16, reason: String },
}

/// The most bytes of the reason in a close frame, by RFC 6455.
const MAX_REASON_BYTES: usize = 123;

impl Frame {
    /// Creates a text frame.
    pub fn text(text: impl Into<String>) -> Self {
        Frame(FrameKind::Text(text.into()))
    }

    /// Creates a text frame with JSON.
    pub fn json(value: &Value) -> Self {
        Frame::text(value.to_string())
    }

    /// Creates a binary frame.
    pub fn binary(bytes: impl Into<Vec<u8>>) -> Self {
        Frame(FrameKind::Binary(bytes.into()))
    }

    /// Creates the text frame of a realtime error, such as `INTERNAL_ERROR` or `TIMEOUT`.
    pub fn error(error: &str, reason: &str) -> Self {
        Frame::json(&json!({ "type": "x-fal-error", "error": error, "reason": reason }))
    }

    /// Creates the text frame that fal sends on a realtime connection whose token is invalid or expired.
    pub fn unauthorized() -> Self {
        Frame::json(&json!({ "status": "error", "error": "Unauthorized" }))
    }

    /// Creates a close frame. No frame follows it. A reason is cut after 123 bytes, the most that a frame can have.
    ///
    /// The gateway of fal closes with the code 1011 and `Error while forwarding the request` when it loses the runner.
    pub fn close(code: u16, reason: &str) -> Self {
        let end = (0..=reason.len().min(MAX_REASON_BYTES)).rev().find(|end| reason.is_char_boundary(*end));
        Frame(FrameKind::Close { code, reason: reason[..end.unwrap_or(0)].to_owned() })
    }
}

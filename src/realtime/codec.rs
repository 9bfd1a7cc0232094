use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_tungstenite::tungstenite::Message;

use super::control::{self, Control};
use super::message_pack;
use crate::error::{Error, ErrorKind};
use crate::protocol::{RawResponse, json};
use crate::schema::report::Reported;

/// A frame of a realtime connection, as a custom codec reads and writes it.
///
/// ```
/// use fal_client::realtime::RealtimeFrame;
///
/// let frame = RealtimeFrame::Text(r#"{"x":1}"#.to_owned());
/// assert_eq!(frame, RealtimeFrame::from(r#"{"x":1}"#.to_owned()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RealtimeFrame {
    /// A text frame.
    Text(String),
    /// A binary frame.
    Binary(Bytes),
}

impl From<String> for RealtimeFrame {
    fn from(text: String) -> Self {
        RealtimeFrame::Text(text)
    }
}

impl From<Vec<u8>> for RealtimeFrame {
    fn from(bytes: Vec<u8>) -> Self {
        RealtimeFrame::Binary(bytes.into())
    }
}

type Encode<I> = Arc<dyn Fn(&I) -> Result<RealtimeFrame, Error> + Send + Sync>;
type Decode<O> = Arc<dyn Fn(RealtimeFrame) -> Result<O, Error> + Send + Sync>;

/// Writes inputs.
pub(super) enum Encoder<I> {
    MessagePack,
    Json,
    Custom(Encode<I>),
}

/// Reads results.
pub(super) enum Decoder<O> {
    /// Text as JSON, and bytes as MessagePack: see [`standard`].
    Standard(fn(&Message) -> Result<O, Error>),
    Custom(Decode<O>),
}

impl<I: Serialize> Encoder<I> {
    pub(super) fn encode(&self, input: &I) -> Result<Message, Error> {
        match self {
            Encoder::MessagePack => message_pack::encode(input).map(Message::binary).map_err(failed),
            Encoder::Json => serde_json::to_string(input).map(Message::text).map_err(failed),
            Encoder::Custom(encode) => Ok(match encode(input)? {
                RealtimeFrame::Text(text) => Message::text(text),
                RealtimeFrame::Binary(bytes) => Message::binary(bytes),
            }),
        }
    }
}

impl<O> Decoder<O> {
    /// Reads a frame. `None` if it is neither a result nor an error.
    pub(super) fn decode(&self, message: Message) -> Option<Result<O, Error>> {
        let control = match &message {
            Message::Text(text) => control::of_text(text),
            Message::Binary(bytes) => control::of_bytes(bytes),
            _ => Some(Control::Note),
        };
        match (control, self) {
            (Some(Control::Note), _) => None,
            (Some(Control::Failed(error)), _) => Some(Err(error)),
            (None, Decoder::Custom(decode)) => Some(decode(match message {
                Message::Text(text) => RealtimeFrame::Text(text.as_str().to_owned()),
                other => RealtimeFrame::Binary(other.into_data()),
            })),
            (None, Decoder::Standard(decode)) => Some(decode(&message)),
        }
    }
}

/// Reads a frame of text as JSON, and one of bytes as MessagePack.
pub(super) fn standard<O: DeserializeOwned + 'static>(message: &Message) -> Result<O, Error> {
    let read = match message {
        Message::Text(text) => json::from_slice::<Reported<O>>(text.as_bytes()).map_err(|error| error.to_string()),
        Message::Binary(bytes) => message_pack::decode::<O>(bytes),
        _ => Err("it has no data".to_owned()),
    };
    let words = match read {
        Ok(Reported { data, report }) => {
            let lacks_all = report
                .outermost
                .is_some_and(|outermost| outermost.required_read == 0 && outermost.required().next().is_some());
            if !lacks_all {
                return Ok(data);
            }
            "it has none of the output's required fields".to_owned()
        }
        Err(words) => words,
    };
    let form = if message.is_text() { "text" } else { "binary" };
    let message_text = format!("the {form} frame is not an output: {words}; see `Error::body` for the whole frame");
    let raw = RawResponse {
        status: StatusCode::SWITCHING_PROTOCOLS,
        headers: HeaderMap::new(),
        body: message.clone().into_data(),
    };
    Err(match message.is_text() {
        true => Error::unexpected(message_text, raw),
        false => Error::new(ErrorKind::UnexpectedResponse, message_text).with_response(raw),
    })
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("cannot serialize the input: {error}")).caused_by(error)
}

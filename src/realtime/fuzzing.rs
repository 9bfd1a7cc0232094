//! Entrances for the fuzz targets.

use serde::de::DeserializeOwned;
use tokio_tungstenite::tungstenite::Message;

use super::codec::{Decoder, Encoder, standard};
use crate::error::Error;

pub(crate) fn decode<O: DeserializeOwned + 'static>(is_text: bool, bytes: &[u8]) -> Option<Result<O, Error>> {
    let message = match is_text {
        true => Message::text(String::from_utf8_lossy(bytes).into_owned()),
        false => Message::binary(bytes.to_vec()),
    };
    Decoder::Standard(standard).decode(message)
}

pub(crate) fn encode(input: &serde_json::Value) -> Result<Vec<u8>, Error> {
    Encoder::MessagePack.encode(input).map(|message| message.into_data().to_vec())
}

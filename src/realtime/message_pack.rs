//! MessagePack, as fal's realtime applications speak it: records are maps, and bytes are binary values.

use std::any::TypeId;

use rmp_serde::decode::{Deserializer, Error as DecodeError};
use rmp_serde::encode::Error as EncodeError;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::narrow::Narrow;
use super::plain::Plain;
use crate::schema::report::Reported;

/// Maximum nesting, the same as of JSON.
const MAX_DEPTH: usize = 128;

/// Writes a value. Types that differ for people and machines are written as in JSON.
pub(super) fn encode(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::with_capacity(128);
    let mut serializer = rmp_serde::Serializer::new(&mut bytes).with_struct_map().with_human_readable();
    Narrow(value).serialize(&mut serializer)?;
    Ok(bytes)
}

/// Reads an output. Bytes are bytes where its type has them, and base64 in JSON and in strings.
pub(super) fn decode<O: DeserializeOwned + 'static>(bytes: &[u8]) -> Result<Reported<O>, String> {
    // A JSON value has no bytes, so that it would often be read twice.
    let first = match TypeId::of::<O>() == TypeId::of::<Value>() {
        true => None,
        false => match read(bytes) {
            Ok(output) => return Ok(output),
            Err(error) => Some(error.to_string()),
        },
    };
    let Plain(value) = read(bytes).map_err(|error| first.clone().unwrap_or_else(|| error.to_string()))?;
    serde_json::from_value(value).map_err(|error| first.unwrap_or_else(|| error.to_string()))
}

/// Reads one value with nothing after it.
pub(super) fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    let mut deserializer = Deserializer::from_read_ref(bytes).with_human_readable();
    deserializer.set_max_depth(MAX_DEPTH);
    let value = T::deserialize(&mut deserializer)?;
    match IgnoredAny::deserialize(&mut deserializer) {
        Err(DecodeError::InvalidMarkerRead(end)) if end.kind() == std::io::ErrorKind::UnexpectedEof => Ok(value),
        _ => Err(DecodeError::Uncategorized("bytes follow the value".to_owned())),
    }
}

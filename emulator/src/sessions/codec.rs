use std::cell::Cell;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Error, Map, Number, Value};

use crate::request::received::{MAX_WEIGHT, weight};

/// The deepest nesting of a message, as in JSON.
const MAX_DEPTH: usize = 128;
/// The bytes that a value takes in memory, apart from a text.
const VALUE_BYTES: usize = 64;

/// Decodes MessagePack, and returns the value with the bytes that it takes in memory. Binary data becomes Base64.
pub(super) fn decode(bytes: &[u8]) -> Result<(Value, usize), Error> {
    let mut source = rmp_serde::Deserializer::new(bytes);
    source.set_max_depth(MAX_DEPTH);
    let left = Cell::new(MAX_WEIGHT);
    let value = Decoder { left: &left }.deserialize(&mut source).map_err(Error::custom)?;
    match source.get_ref() {
        [] => Ok((value, MAX_WEIGHT - left.get())),
        _ => Err(Error::custom("unexpected bytes after the message")),
    }
}

/// Decodes JSON, and returns the value with the bytes that it takes in memory.
pub(super) fn decode_json(bytes: &[u8]) -> Result<(Value, usize), Error> {
    let weight = weight(bytes);
    if weight > MAX_WEIGHT {
        return Err(too_heavy());
    }
    Ok((serde_json::from_slice(bytes)?, weight))
}

fn too_heavy<E: serde::de::Error>() -> E {
    E::custom(format_args!("more than {} MiB as JSON", MAX_WEIGHT >> 20))
}

/// Encodes a value as MessagePack.
pub(super) fn encode(value: &Value) -> Result<Vec<u8>, String> {
    rmp_serde::to_vec_named(value).map_err(|error| error.to_string())
}

/// Reads a value, and counts the memory that it takes: a small message can declare many values.
#[derive(Clone, Copy)]
struct Decoder<'a> {
    left: &'a Cell<usize>,
}

impl Decoder<'_> {
    fn take<E: serde::de::Error>(self, bytes: usize) -> Result<(), E> {
        let left = self.left.get().checked_sub(bytes);
        self.left.set(left.ok_or_else(too_heavy)?);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Decoder<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Value, D::Error> {
        self.take(VALUE_BYTES)?;
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Decoder<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON has, or binary data")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        self.take(text.len())?;
        Ok(text.into())
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Value, E> {
        self.take(bytes.len() * 4 / 3)?;
        Ok(STANDARD.encode(bytes).into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut source: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = source.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut source: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = source.next_key::<String>()? {
            self.take(VALUE_BYTES + name.len())?;
            members.insert(name, source.next_value_seed(self)?);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_the_same_in_both_directions() {
        for value in [
            json!({ "a": [1, -1, 1.5, "ü", true, null], "b": { "c": {} } }),
            json!(u64::MAX),
            json!(i64::MIN),
            json!([]),
            json!("x".repeat(100_000)),
        ] {
            let bytes = encode(&value).expect("a value is encoded");
            assert_eq!(decode(&bytes).expect("a value is decoded").0, value);
        }
    }

    #[test]
    fn binary_data_is_base64() {
        assert_eq!(decode(&[0xc4, 2, 0, 255]).expect("binary data is decoded").0, json!("AP8="));
    }

    #[test]
    fn invalid_messages_are_errors() {
        let deep = [[0x91; 200].as_slice(), &[0xc0]].concat();
        for bytes in [
            &[][..],
            &[0xc1],                     // reserved
            &[0xdd, 255, 255, 255, 255], // an array of 2^32 - 1 items, all of them missing
            &[0xdf, 255, 255, 255, 255],
            &[0xdb, 255, 255, 255, 255],
            &[0xc6, 255, 255, 255, 255],
            &[0x81, 1, 2], // a number as a name
            &[0xd4, 1, 2], // an extension
            &[0xc0, 0xc0], // two values
            &deep,
        ] {
            assert!(decode(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn many_small_values_are_refused() {
        let mut bytes = vec![0xdd, 0, 0x40, 0, 0];
        bytes.resize(5 + 0x40_0000, 0xc0);
        assert!(decode(&bytes).is_err());
        let json = [b"[".as_slice(), &b"0,".repeat(0x40_0000), b"0]"].concat();
        assert!(decode_json(&json).is_err());
    }
}

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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn integers_of_128_bits_are_written_as_integers() {
        for (integer, bytes) in [
            (7, &b"\x07"[..]),
            (-1, b"\xff"),
            (i128::from(u64::MAX), b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
            (i128::from(i64::MIN), b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
            (1 << 64, b"\xcb\x43\xf0\x00\x00\x00\x00\x00\x00"),
        ] {
            assert_eq!(encode(&integer).expect("bytes"), bytes, "{integer}");
            let nested = BTreeMap::from([("a", (vec![Some(integer)], ()))]);
            let expected = [b"\x81\xa1a\x92\x91", bytes, b"\xc0"].concat();
            assert_eq!(encode(&nested).expect("bytes"), expected, "{integer}");
        }
        assert_eq!(encode(&u128::from(u64::MAX)).expect("bytes"), b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff");
    }

    #[test]
    fn json_is_read_as_it_was_written() {
        for value in [
            json!({ "a": [1, -1, 1.5, true, null, "é", {}, []], "b": u64::MAX, "c": i64::MIN }),
            json!([[[[]]]]),
            json!("text"),
            json!(null),
        ] {
            let bytes = encode(&value).expect("bytes");
            assert_eq!(decode::<Value>(&bytes).expect("a value").data, value);
        }
    }

    #[test]
    fn keys_and_extensions_without_a_form_in_json_become_strings() {
        for (bytes, value) in [
            (&b"\x82\x01\xa1a\xc3\xc0"[..], json!({ "1": "a", "true": null })),
            (b"\x81\xa1t\xd6\xff\x00\x00\x00\x01", json!({ "t": [-1, "AAAAAQ=="] })),
            (b"\x92\xca\x7f\xc0\x00\x00\xc4\x00", json!([null, ""])),
        ] {
            assert_eq!(decode::<Value>(bytes).expect("a value").data, value);
        }
    }

    #[test]
    fn one_value_is_read_up_to_a_depth() {
        for bytes in [&b""[..], b"\xc0\xc0", b"\x01\xc1", b"\x92\x01", b"\xa5abc", b"\xdf\xff\xff\xff\xff"] {
            assert!(decode::<Value>(bytes).is_err(), "{bytes:?}");
        }
        let nested = |depth: usize| [vec![0x91; depth], vec![0xc0]].concat();
        assert!(decode::<Value>(&nested(100)).is_ok());
        assert!(decode::<Value>(&nested(200)).is_err());
        assert!(decode::<Vec<Value>>(&nested(100_000)).is_err());
        // Maps as keys of maps, which would need twice the memory for each level.
        let keys = [vec![0x81; 100], vec![0x80; 101]].concat();
        assert!(decode::<Value>(&keys).is_err());
        assert!(decode::<Value>(b"\x81\x90\x01").is_err());
    }
}

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// Returns the canonical form of JSON: equal inputs have equal text.
///
/// Keys are sorted, whitespace is removed, strings have their shortest escapes, and numbers of equal value are equal: `1`, `1.0`
/// and `1e0`, or `0` and `-0`. Null and an absent key differ, because they mean different things to some endpoints. So do strings
/// of different characters that look alike. Integers of any size are exact.
pub(crate) fn canonical(json: &str) -> Result<String, serde_json::Error> {
    let mut text = String::with_capacity(json.len());
    write(serde_json::from_str(json)?, &mut text)?;
    Ok(text)
}

fn write(value: &RawValue, text: &mut String) -> Result<(), serde_json::Error> {
    let raw = value.get();
    match raw.as_bytes().first() {
        Some(b'{') => {
            // Of several values of a key, the last one applies, as in every parser.
            let fields: BTreeMap<String, &RawValue> = serde_json::from_str(raw)?;
            text.push('{');
            for (index, (name, value)) in fields.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&serde_json::to_string(&name)?);
                text.push(':');
                write(value, text)?;
            }
            text.push('}');
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(raw)?;
            text.push('[');
            for (index, item) in items.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, text)?;
            }
            text.push(']');
        }
        Some(b'"') => text.push_str(&serde_json::to_string(&serde_json::from_str::<String>(raw)?)?),
        Some(b'-' | b'0'..=b'9') => text.push_str(&number(raw)),
        _ => text.push_str(raw),
    }
    Ok(())
}

/// Returns the canonical form of a number.
fn number(raw: &str) -> String {
    /// Up to this value, an `f64` without a fraction is exactly one integer.
    const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
    let is_integer = raw.bytes().all(|byte| matches!(byte, b'-' | b'0'..=b'9'));
    match raw.parse::<f64>() {
        _ if raw == "-0" => "0".to_owned(),
        _ if is_integer => raw.to_owned(),
        // Adding zero removes the sign of a negative zero.
        Ok(float) if float.fract() == 0.0 && float.abs() <= MAX_EXACT => format!("{:.0}", float + 0.0),
        Ok(float) if float.is_finite() => {
            serde_json::Number::from_f64(float).map_or_else(|| raw.to_owned(), |n| n.to_string())
        }
        _ => raw.to_owned(),
    }
}

/// Returns the SHA-256 of a text in hexadecimal.
pub(crate) fn hash(text: &str) -> String {
    hexadecimal(Sha256::new_with_prefix(text))
}

/// Returns a SHA-256 in hexadecimal.
pub(crate) fn hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the automatic key of the first job of an input.
pub(crate) fn derived(endpoint: &str, input_hash: &str) -> String {
    format!("{endpoint}#{input_hash}")
}

/// Returns the automatic key of the job after another one of the same input: `…#2` after the first, and so on.
pub(crate) fn next(first: &str, key: &str) -> String {
    let number = key.strip_prefix(first).and_then(|rest| rest.strip_prefix('#')).and_then(|number| number.parse().ok());
    format!("{first}#{}", number.unwrap_or(1_u64).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_inputs_have_equal_text() {
        for (one, other) in [
            (r#"{"a":1,"b":[true,null]}"#, " { \"b\" : [ true , null ] ,\n\"a\" : 1 } "),
            (r#"{"a":1}"#, r#"{"a":1.0}"#),
            (r#"{"a":1}"#, r#"{"a":1e0}"#),
            (r#"{"a":1200}"#, r#"{"a":1.2E+3}"#),
            (r#"{"a":0}"#, r#"{"a":-0}"#),
            (r#"{"a":0}"#, r#"{"a":-0.0}"#),
            (r#"{"a":0.5}"#, r#"{"a":5e-1}"#),
            (r#"{"a":-7}"#, r#"{"a":-7.00}"#),
            (r#"{"é":"🦊/"}"#, r#"{"\u00e9":"\ud83e\udd8a\/"}"#),
            (r#"{"a":"\n"}"#, r#"{"a":"\u000a"}"#),
            (r#"{"a":2}"#, r#"{"a":1,"a":2}"#),
            ("[]", "[ ]"),
        ] {
            assert_eq!(canonical(one).expect(one), canonical(other).expect(other), "{one} {other}");
        }
    }

    #[test]
    fn different_inputs_have_different_text() {
        for (one, other) in [
            (r#"{"a":1}"#, r#"{"a":"1"}"#),
            (r#"{"a":null}"#, "{}"),
            (r#"{"a":18446744073709551616}"#, r#"{"a":18446744073709551617}"#),
            (r#"{"a":9007199254740993}"#, r#"{"a":9007199254740992.0}"#),
            (r#"{"a":0.1}"#, r#"{"a":0.10000000000000002}"#),
            (r#"{"a":"é"}"#, r#"{"a":"e\u0301"}"#),
            (r#"{"a":" x"}"#, r#"{"a":"x"}"#),
            ("[1,2]", "[2,1]"),
            ("[12]", "[1,2]"),
        ] {
            assert_ne!(canonical(one).expect(one), canonical(other).expect(other), "{one} {other}");
        }
    }

    #[test]
    fn canonical_text_is_canonical() {
        for json in [
            r#"{"b":1e400,"a":[1.5,-0.0,1e22,123456789012345678901234567890],"c":{"":"\u0000\ud83e\udd8a"}}"#,
            "null",
            "\"x\"",
        ] {
            let text = canonical(json).expect(json);
            assert_eq!(canonical(&text).expect(json), text);
        }
    }

    #[test]
    fn invalid_and_deep_json_is_an_error() {
        let deep = "[".repeat(100_000);
        for json in ["", "{", "{]", "nul", "\"\\ud83e\"", &deep] {
            assert!(canonical(json).is_err());
        }
    }

    #[test]
    fn automatic_keys_are_numbered() {
        let first = derived("a/b", "00");
        assert_eq!((first.as_str(), next(&first, &first).as_str()), ("a/b#00", "a/b#00#2"));
        assert_eq!(next(&first, "a/b#00#2"), "a/b#00#3");
    }
}

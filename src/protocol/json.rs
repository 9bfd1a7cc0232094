//! A reader of JSON that tolerates what other languages' writers let through, so that one character does not cost a
//! whole response.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

/// A replacement character, as an escape.
const REPLACEMENT: &[u8] = br"\ufffd";

/// Parses JSON as serde_json does. Only if that fails, parses a repaired copy, if there is anything to repair:
///
/// | in the body | in the copy |
/// | --- | --- |
/// | a byte order mark | skipped |
/// | `NaN`, `Infinity`, `-Infinity` in any case, a number above the range of `f64` | `null` |
/// | bytes that are not UTF-8, half of a surrogate pair | U+FFFD |
/// | a control character in a string | the same character, escaped |
/// | a backslash that begins no escape | the same backslash, escaped |
///
/// Everything else stays an error: truncated JSON, deep nesting, other syntax.
///
/// # Errors
///
/// The error of the copy, if there is one. Its line and column may differ from those in `bytes`.
pub(crate) fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    parse_with(bytes, |text| serde_json::from_str(text)).map_err(|(error, _)| error)
}

/// Parses JSON as [`from_slice`] does, by a function that parses text. An error has the text in which it has its position.
pub(crate) fn parse_with<T>(
    bytes: &[u8],
    parse: impl FnMut(&str) -> Result<T, serde_json::Error>,
) -> Result<T, (serde_json::Error, Cow<'_, str>)> {
    // serde_json would check each string of bytes on its own. A check of the whole is much faster.
    parse_text_with(str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed), parse)
}

/// Parses JSON as [`from_slice`] does.
pub(crate) fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    parse_text_with(Cow::Borrowed(text), |text| serde_json::from_str(text)).map_err(|(error, _)| error)
}

fn parse_text_with<T>(
    text: Cow<'_, str>,
    mut parse: impl FnMut(&str) -> Result<T, serde_json::Error>,
) -> Result<T, (serde_json::Error, Cow<'_, str>)> {
    let error = match parse(&text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    // A value of another type has that type in the copy, too.
    let repaired = if error.is_data() { None } else { repair(text.as_bytes()) };
    let repaired = repaired.and_then(|repaired| String::from_utf8(repaired).ok());
    // Nothing is left of a document that is a single `NaN`.
    let Some(repaired) = repaired.filter(|repaired| repaired.trim_ascii() != "null") else { return Err((error, text)) };
    parse(&repaired).map_err(|error| (error, Cow::Owned(repaired)))
}

/// Returns a repaired copy of JSON, or `None` if there is nothing to repair.
pub(crate) fn repair(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(bytes);
    let mut rest = text.trim_start_matches('\u{feff}').as_bytes();
    let mut repaired = Vec::with_capacity(bytes.len());
    while let Some(first) = rest.first() {
        let length = match first {
            b'"' => string(rest, &mut repaired),
            byte if is_word(*byte) => word(rest, &mut repaired),
            byte => {
                repaired.push(*byte);
                1
            }
        };
        rest = &rest[length..];
    }
    (repaired != bytes).then_some(repaired)
}

/// Copies the string at the beginning of `json`, up to its closing quote. Returns its length.
fn string(json: &[u8], copy: &mut Vec<u8>) -> usize {
    copy.push(b'"');
    let mut at = 1;
    while let Some(byte) = json.get(at) {
        at += match byte {
            b'"' => {
                copy.push(b'"');
                return at + 1;
            }
            b'\\' => escape(&json[at..], copy),
            0..=0x1f => {
                copy.extend(format!("\\u{byte:04x}").bytes());
                1
            }
            byte => {
                copy.push(*byte);
                1
            }
        };
    }
    at
}

/// Copies the escape at the beginning of `json`. Returns its length.
fn escape(json: &[u8], copy: &mut Vec<u8>) -> usize {
    let length = match (json.get(1), code_unit(json)) {
        (_, Some(0xd800..=0xdbff)) => match json.get(6..).and_then(code_unit) {
            Some(0xdc00..=0xdfff) => 12,
            _ => {
                copy.extend(REPLACEMENT);
                return 6;
            }
        },
        (_, Some(0xdc00..=0xdfff)) => {
            copy.extend(REPLACEMENT);
            return 6;
        }
        (_, Some(_)) => 6,
        (Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't'), None) => 2,
        _ => {
            copy.extend(br"\\");
            return 1;
        }
    };
    copy.extend(&json[..length]);
    length
}

/// Returns the UTF-16 code unit of the escape at the beginning of `json`.
fn code_unit(json: &[u8]) -> Option<u32> {
    let digits = json.strip_prefix(br"\u")?.first_chunk::<4>()?;
    digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))
}

/// Returns true for bytes of numbers, of `true`, `false` and `null`, and of what stands for a number that JSON lacks.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

/// Copies the word at the beginning of `json`. Returns its length.
fn word(json: &[u8], copy: &mut Vec<u8>) -> usize {
    let length = json.iter().position(|byte| !is_word(*byte)).unwrap_or(json.len());
    let word = &json[..length];
    // Rust parses `NaN`, `inf` and `Infinity` in any case, and a number that is too large as infinite.
    let number = std::str::from_utf8(word).ok().and_then(|word| word.parse::<f64>().ok());
    copy.extend(if number.is_some_and(|number| !number.is_finite()) { b"null" } else { word });
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn numbers_that_json_lacks_are_null() {
        for number in ["NaN", "-NaN", "nan", "Infinity", "-Infinity", "inf", "-inf", "1e400", "-1e999"] {
            let read: Value = from_slice(format!(r#"{{"a":[{number},1],"b":"{number}"}}"#).as_bytes()).expect(number);
            assert_eq!(read, json!({ "a": [null, 1], "b": number }));
            assert!(from_slice::<Option<f64>>(number.as_bytes()).is_err(), "{number} alone");
        }
    }

    #[test]
    fn characters_that_no_string_can_have_are_replaced() {
        for (string, expected) in [
            (&br#""fox \ud83e""#[..], "fox \u{fffd}"),
            (br#""\udd8a fox""#, "\u{fffd} fox"),
            (br#""\ud83e\ud83e\udd8a""#, "\u{fffd}\u{1f98a}"),
            (br#""\ud83e\n\ud83eA""#, "\u{fffd}\n\u{fffd}A"),
            (br#""\ud83e\u0041""#, "\u{fffd}A"),
            (br#""\\ud83e \ud83e""#, "\\ud83e \u{fffd}"),
            (b"\"a\xff\xfeb\"", "a\u{fffd}\u{fffd}b"),
            (b"\"\xed\xa0\xbd\"", "\u{fffd}\u{fffd}\u{fffd}"),
            (b"\xef\xbb\xbf\"a\"", "a"),
        ] {
            assert_eq!(from_slice::<String>(string).expect(expected), expected);
        }
    }

    #[test]
    fn characters_without_their_escape_are_kept() {
        for (string, expected) in [
            (&b"\"a\nb\tc\x1b[0m\0\""[..], "a\nb\tc\u{1b}[0m\0"),
            (br#""C:\dir\x41 \'""#, r"C:\dir\x41 \'"),
            (br#""\u12 \uzzzz""#, r"\u12 \uzzzz"),
        ] {
            assert_eq!(from_slice::<String>(string).expect(expected), expected);
        }
    }

    #[test]
    fn other_syntax_is_an_error() {
        for text in [
            "",
            "{",
            r#"{"a":"#,
            r#"{"a":NaN"#,
            r#""fox \ud83e"#,
            r#""\"#,
            "<html>",
            "[NaN,]",
            "NaN NaN",
            "nano",
            "1.2.3",
        ] {
            assert!(from_slice::<Value>(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_an_error() {
        for depth in [200, 1_000_000] {
            for open in ["[", r#"{"a":"#] {
                let text = format!("{}NaN", open.repeat(depth));
                let error = from_slice::<Value>(text.as_bytes()).expect_err("deep");
                assert!(error.to_string().contains("recursion limit"), "{error}");
            }
        }
    }

    #[test]
    fn valid_json_is_not_copied() {
        for text in [r#"{"a": [1, -2.5e3, true, null, "\ud83e\udd8a \\ \/"], "a": 2}"#, "18446744073709551616", "1e308"]
        {
            assert_eq!(repair(text.as_bytes()), None, "{text}");
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map(any::<String>(), inner, 0..6).prop_map(Value::from_iter),
            ]
        })
    }

    /// Pieces of JSON, of which some break it.
    fn pieces() -> impl Strategy<Value = Vec<u8>> {
        let pieces: &[&[u8]] = &[
            b"{",
            b"}",
            b"[",
            b"]",
            b",",
            b":",
            b"\"",
            b"\\",
            b"\\u",
            b"d83e",
            b"\\udd8a",
            b"NaN",
            b"-",
            b"Infinity",
            b"1e999",
            b"null",
            b"0",
            b"a",
            b" ",
            b"\n",
            b"\xff",
            b"\xef\xbb\xbf",
            b"\xf0\x9f",
            b"\"a\":",
            b"\\\"",
        ];
        proptest::collection::vec(proptest::sample::select(pieces), 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn valid_json_is_read_as_serde_json_reads_it(value in value(), is_pretty in any::<bool>()) {
            let written = if is_pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let written = written.expect("JSON");
            prop_assert_eq!(repair(written.as_bytes()), None);
            let read: Value = from_slice(written.as_bytes()).expect("JSON");
            prop_assert_eq!(read, serde_json::from_str::<Value>(&written).expect("JSON"));
        }

        #[test]
        fn any_bytes_are_read_or_an_error(bytes in any::<Vec<u8>>(), pieces in pieces()) {
            for bytes in [bytes, pieces] {
                let read = from_slice::<Value>(&bytes);
                if let Ok(strict) = serde_json::from_slice::<Value>(&bytes) {
                    prop_assert_eq!(read.expect("JSON"), strict);
                }
                if let Some(repaired) = repair(&bytes) {
                    prop_assert_eq!(repair(&repaired), None, "repaired once and for all");
                }
            }
        }

        #[test]
        fn any_bytes_in_a_string_are_read(bytes in any::<Vec<u8>>()) {
            let text: Vec<u8> = bytes.into_iter().filter(|byte| !matches!(byte, b'"' | b'\\')).collect();
            let body = [b"{\"a\":\"", &text[..], b"\"}"].concat();
            let read: Value = from_slice(&body).expect("an object");
            prop_assert_eq!(&read["a"], &Value::from(String::from_utf8_lossy(&text)));
        }
    }
}

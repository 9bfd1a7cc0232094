//! A lenient reader of JSON objects. A value that does not fit is absent, so that it never costs the rest of a response.

use std::collections::HashMap;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::timestamp::Timestamp;
use crate::money::IntoAmount;
use crate::protocol::json;

/// The fields of an object. The values are kept as they are written, because a number of JSON has more digits than an `f64`.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Fields<'a>(#[serde(borrow)] HashMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    /// Reads the object of a response, which is repaired if it is not valid JSON. `None` for any other response.
    pub(super) fn read<T>(body: &[u8], read: impl FnOnce(Fields<'_>) -> Option<T>) -> Option<T> {
        match serde_json::from_slice(body) {
            Ok(fields) => read(fields),
            Err(_) => serde_json::from_slice(&json::repair(body)?).ok().and_then(read),
        }
    }

    /// Parses an object of a response. `None` for any other JSON.
    pub(super) fn parse(raw: &'a RawValue) -> Option<Self> {
        serde_json::from_str(raw.get()).ok()
    }

    /// Returns the JSON of a value. Null is absent.
    pub(super) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.0.get(name).copied().filter(|value| value.get() != "null")
    }

    fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        read(self.raw(name)?)
    }

    /// Returns a string that is not empty. A number or a boolean is one, too.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        text(self.raw(name)?)
    }

    /// Returns a boolean, which may be in a string or a number.
    pub(super) fn boolean(&self, name: &str) -> Option<bool> {
        match &*self.text(name)?.to_ascii_lowercase() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    /// Returns a finite number, which may be in a string.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.text(name)?.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// Returns an exact decimal number, which may be in a string. It is rounded to 28 digits after the point.
    pub(super) fn decimal(&self, name: &str) -> Option<Decimal> {
        let text = self.text(name)?;
        let exact = text.as_str().into_amount().or_else(|_| text.parse()).ok();
        // The difference of two floats may be 5.551115123125783e-17.
        let tiny = || text.parse().ok().filter(|number: &f64| number.abs() < 1.0);
        exact.or_else(|| format!("{:.28}", tiny()?).parse().ok())
    }

    /// Returns a time, valid or not.
    pub(super) fn time(&self, name: &str) -> Option<Timestamp> {
        self.text(name).map(Timestamp::from)
    }

    /// Returns any JSON.
    pub(super) fn json(&self, name: &str) -> Option<Value> {
        self.get(name)
    }

    /// Returns an object.
    pub(super) fn object(&self, name: &str) -> Option<Fields<'a>> {
        Fields::parse(self.raw(name)?)
    }

    /// Returns an array. Null is an empty one.
    pub(super) fn list(&self, name: &str) -> Option<Vec<&'a RawValue>> {
        match self.0.get(name)?.get() {
            "null" => Some(Vec::new()),
            list => serde_json::from_str(list).ok(),
        }
    }

    /// Returns the strings of an array.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        self.list(name).unwrap_or_default().into_iter().filter_map(text).collect()
    }
}

fn read<T: DeserializeOwned>(raw: &RawValue) -> Option<T> {
    json::from_slice(raw.get().as_bytes()).ok()
}

fn text(raw: &RawValue) -> Option<String> {
    let text = match raw.get().as_bytes().first()? {
        b'"' => read::<String>(raw)?,
        b'{' | b'[' | b'n' => return None,
        _ => raw.get().to_owned(),
    };
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_leniently() {
        let body = br#"{ "a": 1, "b": "x ", "c": true, "d": "false", "e": " 2.5 ", "f": null,
            "g": [1, "y", {}, ""], "h": {}, "i": "\ud83e" }"#;
        let fields: Fields<'_> = serde_json::from_slice(body).expect("an object");
        assert_eq!(fields.text("a").as_deref(), Some("1"));
        assert_eq!(fields.text("b").as_deref(), Some("x"));
        assert_eq!(
            (fields.boolean("a"), fields.boolean("c"), fields.boolean("d")),
            (Some(true), Some(true), Some(false))
        );
        assert_eq!((fields.boolean("b"), fields.boolean("f"), fields.boolean("z")), (None, None, None));
        assert_eq!((fields.number("e"), fields.number("b"), fields.number("h")), (Some(2.5), None, None));
        assert_eq!(fields.texts("g"), ["1", "y"]);
        assert_eq!((fields.texts("f"), fields.texts("h")), (Vec::<String>::new(), Vec::new()));
        assert!(fields.object("h").is_some() && fields.object("g").is_none() && fields.raw("f").is_none());
        assert!(fields.list("f").is_some() && fields.list("z").is_none() && fields.list("h").is_none());
        assert_eq!(fields.text("i").as_deref(), Some("\u{fffd}"));
        assert!(Fields::read(b"[]", |_| Some(())).is_none());
    }

    #[test]
    fn decimals_are_exact() {
        let decimal = |json: &str| {
            let body = format!(r#"{{"n":{json}}}"#);
            Fields::read(body.as_bytes(), |fields| Some(fields.decimal("n")?.normalize().to_string()))
        };
        for (json, expected) in [
            ("0.1", Some("0.1")),
            ("0.30000000000000004", Some("0.30000000000000004")),
            ("12345678901234567890.123456", Some("12345678901234567890.123456")),
            ("\"0.025\"", Some("0.025")),
            ("2.5e-3", Some("0.0025")),
            ("1E3", Some("1000")),
            ("0", Some("0")),
            ("-7.50", Some("-7.5")),
            ("0.33333333333333333333333333333333", Some("0.3333333333333333333333333333")),
            ("5.551115123125783e-17", Some("0.0000000000000000555111512313")),
            ("1e-300", Some("0")),
            ("1e400", None),
            ("NaN", None),
            ("\"free\"", None),
            ("true", None),
            ("[1]", None),
        ] {
            assert_eq!(decimal(json).as_deref(), expected, "{json}");
        }
    }
}

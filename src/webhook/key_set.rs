//! A set of public keys.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::Value;

/// Maximum bytes of a JSON Web Key Set. A key has about 100.
const MAX_DOCUMENT: usize = 1 << 20;

/// Maximum number of keys that are tried.
const MAX_KEYS: usize = 1024;

/// The key may be written with padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The keys of a set that can verify a signature.
#[derive(Debug, Default)]
pub(super) struct KeySet(Vec<VerifyingKey>);

impl KeySet {
    /// Parses a JSON Web Key Set. Keys that cannot verify an ED25519 signature are left out.
    ///
    /// # Errors
    ///
    /// The reason, if no key is left.
    pub(super) fn parse(document: &[u8]) -> Result<Self, &'static str> {
        if document.len() > MAX_DOCUMENT {
            return Err("the key set is larger than 1 MiB");
        }
        let document: Value = serde_json::from_slice(document).map_err(|_| "the key set is not JSON")?;
        let listed = document.get("keys").and_then(Value::as_array).ok_or("the key set has no array `keys`")?;
        let mut keys = Vec::new();
        for key in listed.iter().filter_map(key) {
            if keys.len() < MAX_KEYS && !keys.contains(&key) {
                keys.push(key);
            }
        }
        if keys.is_empty() { Err("the key set has no ED25519 key") } else { Ok(KeySet(keys)) }
    }

    /// Returns true if one of the keys has signed the message.
    pub(super) fn fits(&self, message: &[u8], signature: &Signature) -> bool {
        self.0.iter().any(|key| key.verify_strict(message, signature).is_ok())
    }

    /// Returns the keys of an earlier set, and of `older`, that are not in this one. Keeps the latest 32.
    pub(super) fn retired(&self, earlier: &KeySet, older: &KeySet) -> KeySet {
        const MAX_RETIRED: usize = 32;
        let mut retired: Vec<VerifyingKey> = Vec::new();
        for key in earlier.0.iter().chain(&older.0) {
            if retired.len() < MAX_RETIRED && !self.0.contains(key) && !retired.contains(key) {
                retired.push(*key);
            }
        }
        KeySet(retired)
    }
}

/// Parses a key of a set. A weak key would fit signatures that anyone can make.
fn key(key: &Value) -> Option<VerifyingKey> {
    let field = |name: &str| key.get(name).and_then(Value::as_str);
    if field("kty") != Some("OKP") || field("crv") != Some("Ed25519") {
        return None;
    }
    let bytes: [u8; 32] = BASE64.decode(field("x")?).ok()?.try_into().ok()?;
    VerifyingKey::from_bytes(&bytes).ok().filter(|key| !key.is_weak())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The key of the first test vector of RFC 8032.
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn parse(keys: Value) -> Result<usize, &'static str> {
        KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).map(|set| set.0.len())
    }

    fn jwk(x: &str) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": x })
    }

    #[test]
    fn other_keys_are_left_out() {
        let other = [
            json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" }),
            json!({ "kty": "EC", "crv": "P-256", "x": X, "y": X }),
            json!({ "kty": "OKP", "crv": "X25519", "x": X }),
            json!({ "kty": "OKP", "crv": "Ed25519" }),
            json!({ "kty": "OKP", "crv": "Ed25519", "x": 7 }),
            json!({ "kty": ["OKP"], "crv": "Ed25519", "x": X }),
            jwk(""),
            jwk("AAAA"),
            jwk(&format!("{X}AAAA")),
            jwk("!!qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
            json!(null),
            json!([]),
            json!("key"),
        ];
        for key in &other {
            assert_eq!(parse(json!([key])), Err("the key set has no ED25519 key"), "{key}");
        }
        let all: Vec<Value> = other.into_iter().chain([jwk(X), jwk(X), jwk(&format!("{X}="))]).collect();
        assert_eq!(parse(json!(all)), Ok(1));
    }

    #[test]
    fn weak_keys_are_left_out() {
        // The points of small order in their canonical encodings.
        for point in [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        ] {
            let bytes: Vec<u8> =
                (0..32).map(|at| u8::from_str_radix(&point[2 * at..2 * at + 2], 16).expect("hex")).collect();
            assert!(parse(json!([jwk(&BASE64.encode(bytes))])).is_err(), "{point}");
        }
    }

    #[test]
    fn documents_that_are_not_key_sets_are_refused() {
        for document in ["", "<html>", "null", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[]}"#, "\u{feff}{\"keys\":[]}"]
        {
            assert!(KeySet::parse(document.as_bytes()).is_err(), "{document}");
        }
        assert_eq!(KeySet::parse(&vec![b' '; (1 << 20) + 1]).err(), Some("the key set is larger than 1 MiB"));
    }

    #[test]
    fn retired_keys_are_those_that_the_new_set_lacks() {
        let old = KeySet::parse(json!({ "keys": [jwk(X)] }).to_string().as_bytes()).expect("a key");
        let none = KeySet::default();
        assert_eq!(none.retired(&old, &none).0.len(), 1);
        assert_eq!(none.retired(&old, &old).0.len(), 1);
        assert_eq!(old.retired(&old, &old).0.len(), 0);
    }
}

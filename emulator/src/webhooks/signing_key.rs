//! The key that signs webhooks.

use std::sync::Mutex;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::random;
use crate::sync::lock;

/// The key pair of an emulator, which can be replaced.
pub(crate) struct Signatory(Mutex<SigningKey>);

/// The signed headers of an attempt.
pub(crate) struct Signed<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) user_id: &'a str,
    pub(crate) timestamp: u64,
}

impl Default for Signatory {
    fn default() -> Self {
        Signatory(Mutex::new(key()))
    }
}

impl Signatory {
    /// Replaces the key. The old one is not published any more.
    pub(crate) fn rotate(&self) {
        *lock(&self.0) = key();
    }

    /// Returns the published keys, as a JSON Web Key Set.
    pub(crate) fn jwks(&self) -> Value {
        let x = BASE64_URL_SAFE_NO_PAD.encode(lock(&self.0).verifying_key().as_bytes());
        json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": x, "use": "sig", "alg": "EdDSA" }] })
    }

    /// Returns the signature of a delivery as hexadecimal digits.
    pub(crate) fn sign(&self, headers: &Signed<'_>, body: &[u8]) -> String {
        sign(&lock(&self.0), headers, body)
    }
}

/// Returns a signature that fits no published key.
pub(crate) fn sign_wrongly(headers: &Signed<'_>, body: &[u8]) -> String {
    sign(&key(), headers, body)
}

fn sign(key: &SigningKey, headers: &Signed<'_>, body: &[u8]) -> String {
    let Signed { request_id, user_id, timestamp } = headers;
    let message = format!("{request_id}\n{user_id}\n{timestamp}\n{}", hex(&Sha256::digest(body)));
    hex(&key.sign(message.as_bytes()).to_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&Sha256::digest(random::secret()).into())
}

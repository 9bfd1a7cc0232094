use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::random;

/// Signs webhooks as fal does, with a key pair of its own.
///
/// ```
/// use std::time::SystemTime;
///
/// use fal_emulator::webhook::{self, Signer};
///
/// let signer = Signer::generate();
/// let body = webhook::body("request-id", None, br#"{ "images": [] }"#);
/// let headers = signer.headers("request-id", "user-id", SystemTime::now(), &body);
/// let jwks = signer.jwks(); // what the receiver verifies with
/// # assert_eq!((headers.len(), jwks["keys"][0]["crv"].as_str()), (4, Some("Ed25519")));
/// ```
#[derive(Clone)]
pub struct Signer(SigningKey);

impl Signer {
    /// Creates a signer with a random key. Good enough for tests and development, and nothing else.
    pub fn generate() -> Self {
        Signer(SigningKey::from_bytes(&Sha256::digest(random::secret()).into()))
    }

    /// Creates the signer of a secret key.
    pub fn from_secret(secret: &[u8; 32]) -> Self {
        Signer(SigningKey::from_bytes(secret))
    }

    /// Returns the secret key.
    pub fn secret(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Returns the public key as a JSON Web Key Set, such as fal publishes at `https://rest.fal.ai/.well-known/jwks.json`.
    pub fn jwks(&self) -> Value {
        let x = BASE64_URL_SAFE_NO_PAD.encode(self.0.verifying_key().as_bytes());
        json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": x, "use": "sig", "alg": "EdDSA" }] })
    }

    /// Returns the signed headers of a delivery, in lower case.
    pub fn headers(
        &self,
        request_id: &str,
        user_id: &str,
        sent_at: SystemTime,
        body: &[u8],
    ) -> [(&'static str, String); 4] {
        use ed25519_dalek::Signer;

        let timestamp = sent_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_string();
        let message = format!("{request_id}\n{user_id}\n{timestamp}\n{}", hex(&Sha256::digest(body)));
        let signature = hex(&self.0.sign(message.as_bytes()).to_bytes());
        [
            ("x-fal-webhook-request-id", request_id.to_owned()),
            ("x-fal-webhook-user-id", user_id.to_owned()),
            ("x-fal-webhook-timestamp", timestamp),
            ("x-fal-webhook-signature", signature),
        ]
    }
}

/// Does not show the key.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

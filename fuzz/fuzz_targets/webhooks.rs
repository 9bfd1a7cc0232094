//! Webhook deliveries: arbitrary headers and key sets are never accepted, and arbitrary signed bodies are parsed.
//!
//! `cargo +nightly fuzz run webhooks`

#![no_main]

use std::fmt::Write;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, UNIX_EPOCH};

use arbitrary::Arbitrary;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::webhook::{Delivery, Verifier, Webhook};
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const NOW: u64 = 1_760_000_000;
const NAMES: [&str; 4] =
    ["x-fal-webhook-request-id", "x-fal-webhook-user-id", "x-fal-webhook-timestamp", "x-fal-webhook-signature"];

#[derive(Arbitrary, Debug)]
enum Case {
    /// A key set.
    Keys(Vec<u8>),
    /// Headers by their index, and a body.
    Forged(Vec<(u8, Vec<u8>)>, Vec<u8>),
    /// A signed delivery with one changed header or a changed byte of the body.
    Altered { header: u8, at: u16, byte: u8, body: Vec<u8> },
    /// A signed body.
    Signed(Vec<u8>),
    /// A signed body with the fields of a webhook.
    Fields { status: String, error: Option<String>, payload: Vec<u8>, payload_error: Option<String> },
}

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[7; 32]));
static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let x = BASE64_URL_SAFE_NO_PAD.encode(KEY.verifying_key().as_bytes());
    let jwks = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": x }] }).to_string();
    let verifier = Verifier::from_jwks(jwks).expect("a key");
    verifier.clock(|| UNIX_EPOCH + Duration::from_secs(NOW))
});

fn sign(body: &[u8]) -> HeaderMap {
    let hex = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string");
            text
        })
    };
    let message = format!("R1\nU1\n{NOW}\n{}", hex(&Sha256::digest(body)));
    let signature = hex(&KEY.sign(message.as_bytes()).to_bytes());
    let values = ["R1", "U1", &NOW.to_string(), &signature].map(|value| HeaderValue::from_str(value).expect("a value"));
    NAMES.into_iter().map(HeaderName::from_static).zip(values).collect()
}

/// Verifies a delivery. With given keys and a small body, that is done at the first poll.
fn verify(headers: &HeaderMap, body: Vec<u8>) -> Option<Delivery> {
    let verified = pin!(VERIFIER.verify(headers, body));
    let Poll::Ready(verified) = verified.poll(&mut Context::from_waker(Waker::noop())) else { panic!("not ready") };
    match verified {
        Ok(delivery) => Some(delivery),
        Err(error) => {
            assert!(error.webhook_rejection().is_some());
            check(&error.to_string());
            check(&format!("{error:?}"));
            None
        }
    }
}

fn check(text: &str) {
    assert!(!text.contains(|c: char| c.is_control() && c != '\n' || c == '\u{202e}'), "{text:?}");
}

fn parse(body: Vec<u8>) {
    let delivery = verify(&sign(&body), body).expect("a signed delivery");
    let typed: Webhook<redux::Output> = delivery.clone().parse();
    let untyped: Webhook<Value> = delivery.parse();
    assert_eq!(typed.request_id, untyped.request_id);
    assert!(!untyped.needs_fetch() || untyped.result.is_err());
    if let Err(error) = &typed.result {
        assert_eq!(error.request_id(), Some(&*typed.request_id));
        check(&error.to_string());
    }
    check(&format!("{typed:?}"));
}

fuzz_target!(|case: Case| {
    match case {
        Case::Keys(document) => drop(Verifier::from_jwks(document)),
        Case::Forged(headers, body) if body.len() < 100_000 => {
            let headers = headers.into_iter().filter_map(|(name, value)| {
                let name = HeaderName::from_static(NAMES[usize::from(name) % NAMES.len()]);
                Some((name, HeaderValue::from_bytes(&value).ok()?))
            });
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(name, value);
            }
            assert!(verify(&map, body).is_none());
        }
        Case::Altered { header, at, byte, mut body } if body.len() < 100_000 => {
            let mut headers = sign(&body);
            let value = NAMES.get(usize::from(header)).map(|name| &headers[*name]);
            if let Some(value) = value {
                let mut value = value.as_bytes().to_vec();
                let at = usize::from(at) % value.len();
                if value[at].eq_ignore_ascii_case(&byte) {
                    return;
                }
                value[at] = byte;
                let Ok(value) = HeaderValue::from_bytes(&value) else { return };
                headers.insert(HeaderName::from_static(NAMES[usize::from(header)]), value);
            } else {
                body.push(byte);
            }
            assert!(verify(&headers, body).is_none());
        }
        Case::Signed(body) if body.len() < 100_000 => parse(body),
        Case::Fields { status, error, payload, payload_error } if payload.len() < 100_000 => {
            let fields = json!({ "status": status, "error": error, "payload_error": payload_error }).to_string();
            let payload = String::from_utf8_lossy(&payload);
            parse(format!("{},\"payload\":{payload}}}", fields.trim_end_matches('}')).into_bytes());
        }
        _ => {}
    }
});

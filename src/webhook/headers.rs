//! The signed headers of a delivery.

use std::fmt::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use ed25519_dalek::Signature;
use http::HeaderMap;

use crate::error::{Error, ErrorKind, Rejection};
use crate::transport::Sha256;

const REQUEST_ID: &str = "X-Fal-Webhook-Request-Id";
const USER_ID: &str = "X-Fal-Webhook-User-Id";
const TIMESTAMP: &str = "X-Fal-Webhook-Timestamp";
const SIGNATURE: &str = "X-Fal-Webhook-Signature";

/// Maximum bytes of a header. fal's longest is the signature, with 128.
const MAX_HEADER: usize = 512;

/// Bytes that are hashed in place. More would block the runtime.
const MAX_IN_PLACE: usize = 256 << 10;

/// The headers of a delivery, in the right format. Nothing is verified yet.
pub(super) struct SignedHeaders {
    pub(super) request_id: String,
    pub(super) user_id: String,
    /// The timestamp as fal wrote it, because the signature is about the text.
    timestamp: String,
    pub(super) sent_at: SystemTime,
    pub(super) signature: Signature,
}

impl SignedHeaders {
    pub(super) fn parse(headers: &HeaderMap) -> Result<Self, Error> {
        let request_id = text(headers, REQUEST_ID)?.to_owned();
        // fal's documentation does not say that it is never empty.
        let user_id = text(headers, USER_ID)?.to_owned();
        let timestamp = text(headers, TIMESTAMP)?.to_owned();
        let signature = text(headers, SIGNATURE)?;
        if request_id.is_empty() {
            return Err(invalid(REQUEST_ID, "expected a request id"));
        }
        let sent_at = seconds(&timestamp).ok_or_else(|| invalid(TIMESTAMP, "expected Unix time in seconds"))?;
        let signature = hex(signature).ok_or_else(|| invalid(SIGNATURE, "expected 128 hexadecimal digits"))?;
        Ok(SignedHeaders { request_id, user_id, timestamp, sent_at, signature: Signature::from_bytes(&signature) })
    }

    /// Returns the bytes that fal signs: the three headers and the hash of the body, a line each.
    pub(super) async fn message(&self, body: &Bytes) -> Result<Vec<u8>, Error> {
        let mut message = format!("{}\n{}\n{}\n", self.request_id, self.user_id, self.timestamp);
        for byte in hash(body).await? {
            // Writing to a string does not fail.
            let _ = write!(message, "{byte:02x}");
        }
        Ok(message.into_bytes())
    }
}

async fn hash(body: &Bytes) -> Result<[u8; 32], Error> {
    if body.len() <= MAX_IN_PLACE {
        return Ok(Sha256::of(body));
    }
    let body = body.clone();
    let hash = tokio::task::spawn_blocking(move || Sha256::of(&body)).await;
    hash.map_err(|error| Error::new(ErrorKind::Webhook, "cannot hash the body of the webhook").caused_by(error))
}

/// Returns the only value of a header.
fn text<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<&'h str, Error> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        let details = format!("`{name}`; pass all headers of fal's request");
        return Err(Error::rejected(Rejection::MissingHeader, details));
    };
    if values.next().is_some() {
        return Err(invalid(name, "it is given more than once"));
    }
    if value.len() > MAX_HEADER {
        return Err(invalid(name, "it is too long"));
    }
    value.to_str().map_err(|_| invalid(name, "expected printable ASCII characters"))
}

fn invalid(name: &str, expected: &str) -> Error {
    Error::rejected(Rejection::InvalidHeader, format_args!("`{name}`: {expected}"))
}

/// Parses a time in seconds, without a sign or spaces.
fn seconds(text: &str) -> Option<SystemTime> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: u64 = text.parse().ok().filter(|_| is_number)?;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// Parses hexadecimal digits of either case.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = [0; N];
    let pairs = text.as_bytes().chunks(2);
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let [high, low] = pair else { return None };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_digits() {
        assert_eq!(seconds("1700000000"), UNIX_EPOCH.checked_add(Duration::from_secs(1_700_000_000)));
        assert_eq!(seconds("0"), Some(UNIX_EPOCH));
        for text in ["", "-1", "+1", " 1", "1 ", "1.0", "1e9", "0x1", "18446744073709551615", "99999999999999999999"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn signatures_are_pairs_of_digits() {
        assert_eq!(hex("00ffAb"), Some([0, 255, 0xab]));
        for text in ["", "00ffa", "00ffabc", "00ffabcd", "00ff g", "0x00ff", "+0ffab", "00ffé"] {
            assert_eq!(hex::<3>(text), None, "{text}");
        }
    }
}

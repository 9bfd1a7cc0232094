use std::time::Duration;

use fal_client::ErrorKind;
use fal_client::webhook::{Rejection, Verifier};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::support::{Clock, Key, NOW, REQUEST_ID, USER_ID, header, jwks, verifier};

const BODY: &[u8] = br#"{"request_id":"b1f6f7a0-53a5-4f57-9f0e-3d1b6a0c2e11","status":"OK","payload":{"seed":7}}"#;

/// The signature of the body as Node.js makes it, with the key of the seed 7.
const SIGNATURE: &str = "4adbd5819be2396bee40ad0d77e2c079b96196c443a137621b835a86f739355df1237f82fe062789b6c68fbb253c62c62596bd1f6dadcf149c3f800e2b51e40c";

async fn rejection(verifier: &Verifier, headers: &HeaderMap, body: &[u8]) -> Option<Rejection> {
    let error = verifier.verify(headers, body.to_vec()).await.err()?;
    assert_eq!(error.kind(), ErrorKind::Webhook, "{error}");
    assert!(!error.is_retryable(), "{error}");
    error.webhook_rejection()
}

fn signed() -> HeaderMap {
    Key::new(7).sign(&NOW.to_string(), BODY)
}

#[tokio::test]
async fn delivery_has_what_was_signed() {
    let delivery = verifier(&Key::new(7)).verify(&signed(), BODY).await.expect("a valid delivery");
    assert_eq!((delivery.request_id(), delivery.user_id()), (REQUEST_ID, USER_ID));
    assert_eq!(delivery.sent_at(), std::time::UNIX_EPOCH + Duration::from_secs(NOW));
    assert_eq!(&delivery.body()[..], BODY);
    assert!(!format!("{delivery:?}").contains("seed"));
}

#[tokio::test]
async fn message_has_the_documented_format() {
    let mut headers = signed();
    assert_eq!(headers[header("signature")], SIGNATURE);
    headers.insert(header("signature"), HeaderValue::from_static(SIGNATURE));
    assert_eq!(rejection(&verifier(&Key::new(7)), &headers, BODY).await, None);
}

#[tokio::test]
async fn wrong_signatures_are_rejected() {
    let verifier = verifier(&Key::new(7));
    let other = Key::new(8).sign(&NOW.to_string(), BODY);
    assert_eq!(rejection(&verifier, &other, BODY).await, Some(Rejection::Signature));
    let mut zero = signed();
    zero.insert(header("signature"), HeaderValue::from_str(&"0".repeat(128)).expect("a value"));
    assert_eq!(rejection(&verifier, &zero, BODY).await, Some(Rejection::Signature));
    assert_eq!(rejection(&verifier, &signed(), b"").await, Some(Rejection::Signature));
    let mut spaced = BODY.to_vec();
    spaced.push(b'\n');
    assert_eq!(rejection(&verifier, &signed(), &spaced).await, Some(Rejection::Signature));
}

#[tokio::test]
async fn missing_headers_are_rejected() {
    let verifier = verifier(&Key::new(7));
    assert_eq!(rejection(&verifier, &HeaderMap::new(), BODY).await, Some(Rejection::MissingHeader));
    for name in ["request-id", "user-id", "timestamp", "signature"] {
        let mut headers = signed();
        headers.remove(header(name));
        assert_eq!(rejection(&verifier, &headers, BODY).await, Some(Rejection::MissingHeader), "{name}");
    }
}

#[tokio::test]
async fn odd_headers_are_rejected() {
    let verifier = verifier(&Key::new(7));
    let long = "1".repeat(100_000);
    for (name, value) in [
        ("request-id", ""),
        ("request-id", "é"),
        ("request-id", &*long),
        ("user-id", "é"),
        ("user-id", &*long),
        ("timestamp", ""),
        ("timestamp", "-1760000000"),
        ("timestamp", "+1760000000"),
        ("timestamp", "1760000000.0"),
        ("timestamp", "18446744073709551616"),
        ("timestamp", "18446744073709551615"),
        ("timestamp", "now"),
        ("timestamp", &*long),
        ("signature", ""),
        ("signature", "00"),
        ("signature", "é"),
        ("signature", &"z".repeat(128)),
        ("signature", &"0".repeat(127)),
        ("signature", &"0".repeat(130)),
        ("signature", &*long),
    ] {
        let mut headers = signed();
        headers.insert(header(name), HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
        assert_eq!(rejection(&verifier, &headers, BODY).await, Some(Rejection::InvalidHeader), "{name}");
    }
    for name in ["request-id", "user-id", "timestamp", "signature"] {
        let mut headers = signed();
        let value = headers[header(name)].clone();
        headers.append(header(name), value);
        assert_eq!(rejection(&verifier, &headers, BODY).await, Some(Rejection::InvalidHeader), "{name}");
    }
}

#[tokio::test]
async fn signature_may_be_in_upper_case() {
    let mut headers = signed();
    let upper = headers[header("signature")].to_str().expect("text").to_ascii_uppercase();
    headers.insert(header("signature"), HeaderValue::from_str(&upper).expect("a value"));
    assert_eq!(rejection(&verifier(&Key::new(7)), &headers, BODY).await, None);
}

#[tokio::test]
async fn user_id_may_be_empty() {
    let headers = Key::new(7).sign_as(REQUEST_ID, "", &NOW.to_string(), BODY);
    let delivery = verifier(&Key::new(7)).verify(&headers, BODY).await.expect("a valid delivery");
    assert_eq!(delivery.user_id(), "");
}

#[tokio::test]
async fn timestamps_have_a_tolerance_in_both_directions() {
    let (key, verifier) = (Key::new(7), verifier(&Key::new(7)));
    for (timestamp, is_valid) in
        [(NOW - 300, true), (NOW + 300, true), (NOW - 301, false), (NOW + 301, false), (0, false), (1 << 60, false)]
    {
        let headers = key.sign(&timestamp.to_string(), BODY);
        let expected = (!is_valid).then_some(Rejection::Timestamp);
        assert_eq!(rejection(&verifier, &headers, BODY).await, expected, "{timestamp}");
    }
    let strict = verifier.clone().tolerance(Duration::ZERO);
    assert_eq!(rejection(&strict, &signed(), BODY).await, None);
    assert_eq!(rejection(&strict, &key.sign(&(NOW - 1).to_string(), BODY), BODY).await, Some(Rejection::Timestamp));
    let endless = verifier.tolerance(Duration::MAX);
    assert_eq!(rejection(&endless, &key.sign("0", BODY), BODY).await, None);
}

#[tokio::test]
async fn timestamp_is_signed_as_it_is_written() {
    let headers = Key::new(7).sign(&format!("000{NOW}"), BODY);
    assert_eq!(rejection(&verifier(&Key::new(7)), &headers, BODY).await, None);
}

#[tokio::test]
async fn deliveries_of_other_users_can_be_refused() {
    let verifier = verifier(&Key::new(7)).user_id(USER_ID);
    assert_eq!(rejection(&verifier, &signed(), BODY).await, None);
    let other = Key::new(7).sign_as(REQUEST_ID, "user-4712", &NOW.to_string(), BODY);
    assert_eq!(rejection(&verifier, &other, BODY).await, Some(Rejection::User));
}

#[tokio::test]
async fn every_key_is_tried() {
    let keys: Vec<Key> = (0..40).map(Key::new).collect();
    let all: Vec<&Key> = keys.iter().collect();
    let verifier = Clock::new().apply(Verifier::from_jwks(jwks(&all)).expect("keys"));
    for key in [&keys[0], &keys[17], &keys[39]] {
        assert_eq!(rejection(&verifier, &key.sign(&NOW.to_string(), BODY), BODY).await, None);
    }
    let unknown = Key::new(41).sign(&NOW.to_string(), BODY);
    assert_eq!(rejection(&verifier, &unknown, BODY).await, Some(Rejection::Signature));
}

#[tokio::test]
async fn large_bodies_are_verified() {
    let body = vec![b'x'; 3 << 20];
    let headers = Key::new(7).sign(&NOW.to_string(), &body);
    assert_eq!(rejection(&verifier(&Key::new(7)), &headers, &body).await, None);
    assert_eq!(rejection(&verifier(&Key::new(7)), &headers, &body[1..]).await, Some(Rejection::Signature));
}

#[test]
fn unusable_keys_are_configuration_errors() {
    for document in ["", "{}", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"RSA"}]}"#] {
        let error = Verifier::from_jwks(document).expect_err("no keys");
        assert_eq!((error.kind(), error.webhook_rejection()), (ErrorKind::Configuration, None), "{document}");
    }
}

#[test]
fn rejections_have_fitting_statuses() {
    for (rejection, status) in [
        (Rejection::MissingHeader, 401),
        (Rejection::InvalidHeader, 400),
        (Rejection::Timestamp, 401),
        (Rejection::Signature, 401),
        (Rejection::RetiredKey, 401),
        (Rejection::User, 403),
        (Rejection::KeysUnavailable, 503),
        (Rejection::IncompleteBody, 400),
        (Rejection::BodyTooLarge, 413),
        (Rejection::Replayed, 200),
    ] {
        assert_eq!(rejection.status(), StatusCode::from_u16(status).expect("a status"), "{rejection:?}");
    }
}

#[tokio::test]
async fn errors_have_neither_the_signature_nor_the_body() {
    let mut headers = signed();
    let secret = headers[header("signature")].to_str().expect("text").to_owned();
    headers.insert(header("request-id"), HeaderValue::from_static("another"));
    let error = verifier(&Key::new(7)).verify(&headers, BODY).await.expect_err("another message");
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains(&secret[..16]) && !text.contains("seed"), "{text}");
    }
}

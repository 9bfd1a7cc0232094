use fal_client::webhook::Rejection;
use http::HeaderValue;
use proptest::prelude::*;
use tokio::runtime::Runtime;

use crate::support::{Key, NOW, header, verifier};

const NAMES: [&str; 4] = ["request-id", "user-id", "timestamp", "signature"];

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_signed_delivery_is_valid(
        body in prop::collection::vec(any::<u8>(), 0..2000),
        request_id in "[!-~]{1,60}",
        user_id in "[!-~]{0,60}",
        offset in 0_u64..=600,
    ) {
        let headers = Key::new(3).sign_as(&request_id, &user_id, &(NOW - 300 + offset).to_string(), &body);
        let delivery = runtime().block_on(verifier(&Key::new(3)).verify(&headers, body.clone()));
        let delivery = delivery.expect("a valid delivery");
        prop_assert_eq!(&delivery.body()[..], &body[..]);
    }

    #[test]
    fn any_altered_byte_of_the_body_fails(
        mut body in prop::collection::vec(any::<u8>(), 1..500), at: prop::sample::Index, bits in 1..=255_u8,
    ) {
        let headers = Key::new(3).sign(&NOW.to_string(), &body);
        let at = at.index(body.len());
        body[at] ^= bits;
        let error = runtime().block_on(verifier(&Key::new(3)).verify(&headers, body)).expect_err("altered");
        prop_assert_eq!(error.webhook_rejection(), Some(Rejection::Signature));
    }

    #[test]
    fn any_altered_header_fails(name in prop::sample::select(&NAMES[..]), at: prop::sample::Index, byte in b'!'..=b'~') {
        let mut headers = Key::new(3).sign(&NOW.to_string(), b"{}");
        let mut value = headers[header(name)].as_bytes().to_vec();
        let at = at.index(value.len());
        prop_assume!(!value[at].eq_ignore_ascii_case(&byte) || name != "signature" && value[at] != byte);
        value[at] = byte;
        headers.insert(header(name), HeaderValue::from_bytes(&value).expect("a value"));
        let error = runtime().block_on(verifier(&Key::new(3)).verify(&headers, "{}")).expect_err("altered");
        prop_assert!(error.webhook_rejection().is_some());
    }

    #[test]
    fn any_headers_and_any_body_have_an_outcome(
        values in prop::collection::vec(prop::option::of(prop::collection::vec(any::<u8>(), 0..200)), 4),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let headers = NAMES.iter().zip(values).filter_map(|(name, value)| {
            Some((header(name), HeaderValue::from_bytes(&value?).ok()?))
        });
        let error = runtime().block_on(verifier(&Key::new(3)).verify(&headers.collect(), body)).expect_err("unsigned");
        prop_assert!(error.webhook_rejection().is_some());
    }

    #[test]
    fn any_signed_body_is_parsed(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let headers = Key::new(3).sign(&NOW.to_string(), &body);
        let webhook = runtime().block_on(verifier(&Key::new(3)).receive::<serde_json::Value>(&headers, body));
        prop_assert!(webhook.expect("a valid delivery").result.is_err());
    }
}

//! Responses of a model. Each becomes an output that keeps the whole body, or an error whose text is safe to print.
//!
//! `cargo +nightly fuzz run responses`

#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting;
use fal_client::{Error, fuzzing};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

#[derive(Debug)]
struct Response {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

const HEADERS: &[&str] = &[
    "content-type",
    "content-encoding",
    "retry-after",
    "date",
    "x-fal-request-id",
    "x-fal-billable-units",
    "x-fal-error-type",
    "x-fal-needs-retry",
    "x-fal-retryable",
    "x-fal-request-timeout-type",
    "x-fal-served-from",
];

/// Pieces of bodies, of which some break them.
const PIECES: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"null",
    b"true",
    b"0",
    b"-1.5e300",
    b"1e999",
    b"NaN",
    b"-Infinity",
    b"\"images\":",
    b"\"url\":\"https://v3.fal.media/files/a.png\"",
    b"\"width\":",
    b"\"content_type\":",
    b"\"timings\":",
    b"\"seed\":",
    b"\"has_nsfw_concepts\":",
    b"\"prompt\":\"a fox\"",
    b"\"detail\":",
    b"\"loc\":[\"body\",0]",
    b"\"msg\":\"too long\"",
    b"\"type\":\"string_too_long\"",
    b"\"error\":",
    b"\"message\":",
    b"\"error_type\":\"internal_error\"",
    b"\"status\":\"IN_QUEUE\"",
    b"<html><title>502</title>",
    b"\\ud83e",
    b"\\u0000",
    b"\x1b[31m",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    "\u{202e}".as_bytes(),
];

impl<'a> Arbitrary<'a> for Response {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let status =
            *u.choose(&[200, 200, 201, 202, 400, 401, 404, 408, 422, 425, 429, 499, 500, 502, 503, 504, 530])?;
        let mut headers = Vec::new();
        for _ in 0..u.int_in_range(0..=4)? {
            headers.push(((*u.choose(HEADERS)?).to_owned(), u.arbitrary()?));
        }
        let mut body = Vec::new();
        for _ in 0..u.int_in_range(0..=40)? {
            if u.ratio(1, 6)? {
                body.extend_from_slice(u.arbitrary::<&[u8]>()?);
            } else {
                body.extend_from_slice(u.choose(PIECES)?);
            }
        }
        Ok(Response { status, headers, body })
    }
}

fuzz_target!(|response: Response| {
    let Response { status, headers, body } = response;
    match fuzzing::response::<inpainting::Output>(status, &headers, &body) {
        Some(Ok(response)) => {
            assert_eq!(response.body, body);
            assert!(response.billable_units.is_none_or(f64::is_finite));
            // What was read can be written, and read again.
            let written = serde_json::to_vec(&response.data).expect("JSON");
            serde_json::from_slice::<inpainting::Output>(&written).expect("the same output");
        }
        Some(Err(error)) => check(&error, &body),
        None => {}
    }
    if let Some(Err(error)) = fuzzing::response::<Value>(status, &headers, &body) {
        check(&error, &body);
    }
});

fn check(error: &Error, body: &[u8]) {
    assert_eq!(error.body().map(|body| &body[..]), Some(body));
    let texts = [error.to_string(), format!("{error:?}")];
    for text in texts.iter().chain(&error.field_errors().iter().map(ToString::to_string).collect::<Vec<_>>()) {
        let is_safe = |c: char| !c.is_control() && !('\u{202a}'..='\u{202e}').contains(&c);
        assert!(text.chars().all(is_safe), "{text:?}");
        assert!(text.len() < 1 << 16, "{} bytes", text.len());
    }
}

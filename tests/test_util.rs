//! Responses, outputs and errors that are built in tests. Needs the feature `test-util`.

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::{Error, ErrorKind, Image, MediaKind, Response};
use serde_json::{Value, json};

/// A function as users write it: it takes what a call returns.
fn summary(result: Result<Response<redux::Output>, Error>) -> String {
    match result {
        Ok(response) => format!("{} images, {:?} units", response.media().len(), response.billable_units),
        Err(error) if error.is_invalid_input() => format!("invalid: {}", error.field_errors()[0].path()),
        Err(error) if error.is_retryable() => "later".to_owned(),
        Err(error) if error.may_have_been_accepted() => format!("lost {:?}", error.request_id()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn response_has_an_output_that_was_filled_in() {
    let mut response = Response::<redux::Output>::blank();
    assert_eq!(response.data.images, []);
    response.data.images.push(Image::new("https://example.com/fox.png"));
    response.billable_units = Some(2.0);
    assert_eq!(summary(Ok(response)), "1 images, Some(2.0) units");

    let again = Response::new(Response::<redux::Output>::blank().data);
    assert_eq!(serde_json::from_slice::<redux::Output>(&again.body).expect("JSON"), again.data);
}

#[test]
fn response_of_json_is_read_as_fals_is() {
    let body = json!({ "images": [{ "url": "https://example.com/fox.png" }, 7], "seed": "x" });
    let response = Response::<redux::Output>::from_json(&body).expect("an output");
    assert_eq!(response.media()[0].kind, MediaKind::Image);
    assert_eq!(response.skipped(), ["images[1]", "seed"]);
    assert!(response.missing().contains(&"prompt".to_owned()), "{:?}", response.missing());
    assert_eq!(response.body, body.to_string());

    let error = Response::<redux::Output>::from_json(&json!({ "detail": "no" })).expect_err("not an output");
    assert_eq!(error.kind(), ErrorKind::Service);
    assert_eq!(Response::<Value>::from_json(&json!([1])).expect("JSON").data, json!([1]));

    let response = Response::new(json!({})).with_missing(["seed"]).with_skipped(["images[0]"]);
    assert_eq!((response.missing(), response.skipped()), (&["seed".to_owned()][..], &["images[0]".to_owned()][..]));
}

#[test]
fn errors_have_the_predicates_of_fals_responses() {
    let body = json!({ "detail": [{ "loc": ["body", "image_url"], "msg": "field required", "type": "missing" }] });
    assert_eq!(summary(Err(Error::from_response(422, &[], body))), "invalid: image_url");
    assert_eq!(summary(Err(Error::from_response(429, &[("retry-after", "3")], json!({ "detail": "slow" })))), "later");
    let lost = Error::from_response(502, &[], "<title>502 Bad Gateway</title>");
    assert_eq!(summary(Err(lost.of_request("a/b", "R1"))), "lost Some(\"R1\")");
    assert_eq!(summary(Err(Error::of_kind(ErrorKind::Connect, "no network"))), "later");
    let dropped = Error::of_kind(ErrorKind::Transport, "the connection was lost").maybe_accepted();
    assert_eq!(summary(Err(dropped)), "lost None");
    let error = Error::from_response(500, &[("x-fal-error-type", "internal_error")], json!({ "detail": "a bug" }));
    assert!(error.to_string().contains("a bug") && error.error_type().is_some(), "{error}");
    assert_eq!(Error::from_response(7, &[("a b", "c")], "").status().map(|status| status.as_u16()), Some(500));
}

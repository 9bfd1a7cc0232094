//! fal's errors as its documentation lists them: types, HTTP statuses, retryability and details.

use fal_client::{Error, ErrorType};
use serde_json::{Value, json};

use crate::support::server::{Reply, Server};

async fn refused(reply: Reply) -> Error {
    let server = Server::start(move |_, _| reply.clone()).await;
    server.client().endpoint("a/b").run(json!({})).await.expect_err("an error")
}

fn is_declared(error: &Error) -> bool {
    error.error_type().is_some_and(|error_type| error_type.as_str().parse::<ErrorType>().is_ok())
}

/// `detail` is an array, and a header says whether the request is retryable.
#[tokio::test]
async fn model_errors_have_type_fields_and_retryability() {
    let extensions = || json!([".png", ".zip"]);
    for (name, status, ctx) in [
        ("internal_server_error", 500, Value::Null),
        ("generation_timeout", 504, Value::Null),
        ("downstream_service_error", 400, Value::Null),
        ("downstream_service_error", 500, Value::Null),
        ("downstream_service_unavailable", 500, Value::Null),
        ("content_policy_violation", 422, Value::Null),
        ("no_media_generated", 422, Value::Null),
        ("image_too_small", 422, json!({ "min_height": 64, "min_width": 64 })),
        ("image_too_large", 422, json!({ "max_height": 4096, "max_width": 4096 })),
        ("image_load_error", 422, Value::Null),
        ("file_download_error", 422, Value::Null),
        ("face_detection_error", 422, Value::Null),
        ("file_too_large", 422, json!({ "max_size": 10_485_760 })),
        ("greater_than", 422, json!({ "gt": 0 })),
        ("greater_than_equal", 422, json!({ "ge": 0.5 })),
        ("less_than", 422, json!({ "lt": 8 })),
        ("less_than_equal", 422, json!({ "le": 8 })),
        ("multiple_of", 422, json!({ "multiple_of": 8 })),
        ("sequence_too_short", 422, json!({ "min_length": 1 })),
        ("sequence_too_long", 422, json!({ "max_length": 4 })),
        ("one_of", 422, json!({ "expected": ["a", 2, null] })),
        ("feature_not_supported", 422, Value::Null),
        ("invalid_archive", 422, json!({ "supported_extensions": extensions() })),
        (
            "archive_file_count_below_minimum",
            422,
            json!({ "min_count": 4, "provided_count": 3, "supported_extensions": extensions() }),
        ),
        (
            "archive_file_count_exceeds_maximum",
            422,
            json!({ "max_count": 4, "provided_count": 5, "supported_extensions": extensions() }),
        ),
        ("audio_duration_too_long", 422, json!({ "max_duration": 30, "provided_duration": 31.5 })),
        ("audio_duration_too_short", 422, json!({ "min_duration": 3, "provided_duration": 1.5 })),
        ("video_duration_too_long", 422, json!({ "max_duration": 30, "provided_duration": 31.5 })),
        ("video_duration_too_short", 422, json!({ "min_duration": 3, "provided_duration": 1.5 })),
        ("unsupported_audio_format", 422, json!({ "supported_formats": ["mp3"] })),
        ("unsupported_image_format", 422, json!({ "supported_formats": ["png"] })),
        ("unsupported_video_format", 422, json!({ "supported_formats": ["mp4"] })),
        ("missing", 422, Value::Null),
    ] {
        let mut detail = json!({
            "loc": ["body", "images", 0, "url"],
            "msg": "What is wrong.",
            "type": name,
            "url": format!("https://docs.fal.ai/errors/#{name}"),
            "input": { "any": [1] },
        });
        if !ctx.is_null() {
            detail["ctx"] = ctx.clone();
        }
        let reply = Reply::json(status, &json!({ "detail": [detail] }).to_string());
        let error = refused(reply.clone().header("x-fal-request-id", "R1")).await;
        assert_eq!((error.status().map(|status| status.as_u16()), error.request_id()), (Some(status), Some("R1")));
        assert_eq!(error.error_type().map(ErrorType::as_str), Some(name));
        assert!(is_declared(&error), "{name}");
        assert!(error.to_string().contains("images[0].url: What is wrong."), "{error}");
        let [field] = error.field_errors() else { panic!("one field of {name}: {error:?}") };
        assert_eq!(field.error_type.as_str(), name);
        assert_eq!(field.ctx.clone().map_or(Value::Null, Value::Object), ctx, "{name}");
        assert_eq!(field.input, Some(json!({ "any": [1] })));
        assert_eq!(field.url.as_deref(), Some(&*format!("https://docs.fal.ai/errors/#{name}")));
        assert_eq!((error.is_invalid_input(), error.is_timeout()), (status == 422, status == 504), "{name}");
        if status == 422 {
            assert!(!error.is_retryable(), "{name}");
        }
        for (header, word, expected) in [("X-Fal-Retryable", "true", true), ("X-Fal-Needs-Retry", "0", false)] {
            assert_eq!(refused(reply.clone().header(header, word)).await.is_retryable(), expected, "{name}");
        }
    }
}

/// `detail` is a string. The type is in the body or in a header.
#[tokio::test]
async fn platform_errors_have_type_and_retryability() {
    for (name, status, retryable) in [
        ("request_timeout", 504, true),
        ("startup_timeout", 504, true),
        ("runner_scheduling_failure", 503, true),
        ("runner_connection_timeout", 503, true),
        ("runner_disconnected", 503, true),
        ("runner_connection_refused", 503, true),
        ("runner_connection_error", 503, true),
        ("runner_incomplete_response", 502, true),
        ("runner_server_error", 500, false),
        ("internal_error", 500, false),
        ("client_disconnected", 499, false),
        ("client_cancelled", 499, false),
        ("bad_request", 400, false),
        ("concurrent_requests_limit", 429, true),
    ] {
        let in_body = Reply::json(status, &json!({ "detail": "In words.", "error_type": name }).to_string());
        let in_header = Reply::json(status, r#"{"detail":"In words."}"#).header("X-Fal-Error-Type", name);
        for reply in [in_body, in_header] {
            let error = refused(reply).await;
            assert_eq!(error.status().map(|status| status.as_u16()), Some(status), "{name}");
            assert_eq!(error.error_type().map(ErrorType::as_str), Some(name));
            assert!(is_declared(&error), "{name}");
            assert_eq!(error.is_retryable(), retryable, "{name}");
            assert_eq!((error.is_timeout(), error.is_cancelled()), (status == 504, status == 499), "{name}");
            assert!(error.to_string().contains("In words."), "{error}");
        }
    }
}

/// Undocumented types: those of pydantic, and future ones.
#[tokio::test]
async fn unknown_error_types_are_kept() {
    for name in ["string_type", "int_parsing", "enum", "value_error.missing", "brand_new", ""] {
        let body = json!({ "detail": [{ "loc": ["body"], "msg": "m", "type": name }] }).to_string();
        let error = refused(Reply::json(422, &body)).await;
        assert_eq!(error.error_type().map(ErrorType::as_str), Some(name).filter(|name| !name.is_empty()));
        assert!(!error.is_retryable() && !is_declared(&error), "{name}");
    }
}

/// Errors of the platform API have a different shape.
#[tokio::test]
async fn platform_api_errors_are_parsed() {
    let body = r#"{"error":{"type":"authorization_error","message":"No such key.","docs_url":"https://x.y","request_id":"r"}}"#;
    let error = refused(Reply::json(401, body)).await;
    assert_eq!(error.error_type().map(ErrorType::as_str), Some("authorization_error"));
    assert!(error.to_string().contains("No such key."), "{error}");
}

/// A result before completion, an unknown request, an exhausted balance, an inaccessible application.
#[tokio::test]
async fn queue_errors_have_the_request_id_and_are_not_retried() {
    for (status, body, words) in [
        // Only this one may succeed later.
        (400, r#"{"detail":"Request is still in progress"}"#, "still in progress"),
        (404, r#"{"status":"NOT_FOUND"}"#, "NOT_FOUND"),
        (403, r#"{"detail":"User is locked. Reason: Exhausted balance."}"#, "Exhausted balance"),
        (401, r#"{"detail":"Cannot access application \"a/b\""}"#, "Cannot access application"),
    ] {
        let server = Server::start(move |_, _| Reply::json(status, body).header("x-fal-request-id", "")).await;
        let error = server.client().endpoint("a/b").result("R1").await.expect_err("an error");
        assert_eq!((error.request_id(), server.seen().len()), (Some("R1"), 1));
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.is_retryable(), status == 400, "{error}");
    }
}

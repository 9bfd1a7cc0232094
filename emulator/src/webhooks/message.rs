//! The body of a webhook.

use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::webhooks::fault::WebhookFault;

/// The message of fal for an output that cannot be part of JSON.
const NOT_JSON: &str = "Response payload is not JSON serializable. Use the queue to fetch the response.";

/// Returns the body of a webhook.
///
/// `error` is the message of a request that has failed, such as `Invalid status code: 422`. `payload` is the body of the request's
/// result. If it is not JSON, the webhook has a `payload_error` instead.
///
/// ```
/// let body = fal_emulator::webhook::body("request-id", None, br#"{ "seed": 7 }"#);
/// assert!(body.starts_with(br#"{"payload": { "seed": 7 }, "#));
/// ```
pub fn body(request_id: &str, error: Option<&str>, payload: &[u8]) -> Vec<u8> {
    faulty_body(request_id, error, payload, None)
}

/// Returns the body of a webhook, with a fault.
pub(crate) fn faulty_body(
    request_id: &str,
    error: Option<&str>,
    payload: &[u8],
    fault: Option<WebhookFault>,
) -> Vec<u8> {
    let is_json = serde_json::from_slice::<IgnoredAny>(payload).is_ok() && fault != Some(WebhookFault::PayloadError);
    let mut fields: Vec<(&str, Value)> = vec![("gateway_request_id", json!(request_id))];
    match (error, fault) {
        (None, Some(WebhookFault::OldShape)) => {}
        _ => fields.push(("error", json!(error))),
    }
    if !is_json {
        fields.push(("payload_error", json!(NOT_JSON)));
    }
    fields.push(("request_id", json!(request_id)));
    fields.push(("status", json!(if error.is_some() { "ERROR" } else { "OK" })));
    let fields: Vec<String> = fields.into_iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
    // The payload stays as it is, with all digits of its numbers.
    let payload = if is_json { payload } else { b"null" };
    [b"{\"payload\": ", payload, b", ", fields.join(", ").as_bytes(), b"}"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(error: Option<&str>, payload: &str, fault: Option<WebhookFault>) -> Value {
        serde_json::from_slice(&faulty_body("R1", error, payload.as_bytes(), fault)).expect("JSON")
    }

    #[test]
    fn bodies_have_the_documented_shapes() {
        let ids = json!({ "request_id": "R1", "gateway_request_id": "R1" });
        for (body, fields) in [
            (parsed(None, r#"{"a":1}"#, None), json!({ "status": "OK", "error": null, "payload": { "a": 1 } })),
            (
                parsed(None, r#"{"a":1}"#, Some(WebhookFault::OldShape)),
                json!({ "status": "OK", "payload": { "a": 1 } }),
            ),
            (
                parsed(None, r#"{"a":1}"#, Some(WebhookFault::PayloadError)),
                json!({ "status": "OK", "error": null, "payload": null, "payload_error": NOT_JSON }),
            ),
            (
                parsed(Some("Invalid status code: 500"), "<html>", None),
                json!({
                    "status": "ERROR", "error": "Invalid status code: 500", "payload": null, "payload_error": NOT_JSON,
                }),
            ),
        ] {
            let mut expected = ids.clone();
            expected.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
            assert_eq!(body, expected);
        }
    }
}

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::delivery::Delivery;
use crate::call::Response;
use crate::error::{Error, ErrorKind};
use crate::protocol::{RawResponse, json};
use crate::text::{shown, within};

/// Maximum characters of a message of fal in `Debug` output.
const MAX_MESSAGE: usize = 1000;

/// A verified webhook about a completed request. With axum, it is an extractor that verifies before it parses.
///
/// ```no_run
/// use fal_client::endpoints::fal_ai::flux::dev::redux;
/// use fal_client::webhook::Webhook;
///
/// async fn completed(webhook: Webhook<redux::Output>) {
///     match webhook.result {
///         Ok(response) => println!("{}: {} files", webhook.request_id, response.media().len()),
///         Err(error) => eprintln!("{} failed: {error}", webhook.request_id),
///     }
/// }
/// ```
///
/// fal may deliver a webhook more than once, so handlers must be idempotent by [`request_id`](Self::request_id).
#[derive(Clone)]
#[non_exhaustive]
pub struct Webhook<O> {
    /// The queue's id of the request.
    pub request_id: String,
    /// The id of the platform's last attempt. Differs from `request_id` if fal has retried the request itself.
    pub gateway_request_id: Option<String>,
    /// The status that fal reports.
    pub status: WebhookStatus,
    /// The output, or the error of the request.
    ///
    /// If [`needs_fetch`](Self::needs_fetch) is true, it is an error although the request succeeded.
    pub result: Result<Response<O>, Error>,
    /// The reason why fal could not put the output into the webhook, if it gives one.
    pub payload_error: Option<String>,
    /// The delivery, with the user id, the time and the body.
    pub delivery: Delivery,
    pub(super) needs_fetch: bool,
}

/// The status of a request in a webhook. It does not have the values of a [`QueueUpdate`](crate::QueueUpdate).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookStatus {
    /// The request succeeded.
    Ok,
    /// The request failed.
    Error,
    /// A status that this version does not know, as fal wrote it. Empty if the webhook has no status.
    Other(String),
}

impl WebhookStatus {
    fn parse(text: &str) -> Self {
        match text.trim() {
            ok if ok.eq_ignore_ascii_case("OK") => WebhookStatus::Ok,
            error if error.eq_ignore_ascii_case("ERROR") => WebhookStatus::Error,
            _ => WebhookStatus::Other(text.to_owned()),
        }
    }
}

/// The body of a delivery. Only the payload has a fixed type: the others may be missing, null or of another type.
#[derive(Deserialize)]
struct Body<'b> {
    #[serde(default)]
    request_id: Value,
    #[serde(default)]
    gateway_request_id: Value,
    #[serde(default)]
    status: Value,
    #[serde(default)]
    error: Value,
    #[serde(default)]
    payload_error: Value,
    #[serde(default, borrow, deserialize_with = "raw")]
    payload: Option<&'b RawValue>,
}

fn raw<'de: 'b, 'b, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'b RawValue>, D::Error> {
    let payload = <&RawValue>::deserialize(deserializer)?;
    Ok(Some(payload).filter(|payload| payload.get() != "null"))
}

impl<O> Webhook<O> {
    /// Returns true if the delivery does not have the output of a request that may have succeeded: fal could not put it into
    /// the webhook, or the body cannot be read. Fetch the output with [`Handle::result`](crate::Handle::result) then.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     client: fal_client::Client, webhook: fal_client::webhook::Webhook<serde_json::Value>,
    /// # ) -> Result<(), fal_client::Error> {
    /// let response = match webhook.needs_fetch() {
    ///     true => client.endpoint("fal-ai/flux/dev").result(webhook.request_id).await?,
    ///     false => webhook.result?,
    /// };
    /// # let _ = response;
    /// # Ok(())
    /// # }
    /// ```
    pub fn needs_fetch(&self) -> bool {
        self.needs_fetch
    }
}

impl<O: DeserializeOwned + 'static> Webhook<O> {
    pub(super) fn parse(delivery: Delivery) -> Self {
        let repaired;
        let (body, source) = match serde_json::from_slice::<Body<'_>>(&delivery.body) {
            Ok(body) => (Some(body), delivery.body.clone()),
            Err(_) => {
                repaired = json::repair(&delivery.body).map(Bytes::from).unwrap_or_default();
                (serde_json::from_slice(&repaired).ok(), repaired.clone())
            }
        };
        let Some(body) = body else {
            let message = "the body of the webhook is not a JSON object";
            return Webhook::without_output(delivery, WebhookStatus::Other(String::new()), message);
        };
        let text = |value: &Value| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let request_id = text(&body.request_id).unwrap_or_else(|| delivery.request_id.clone());
        let status = WebhookStatus::parse(body.status.as_str().unwrap_or_default());
        let payload = body.payload.map(|payload| source.slice_ref(payload.get().as_bytes()));
        let (error, payload_error) = (words(&body.error), words(&body.payload_error));
        let (result, needs_fetch) = match (&status, payload) {
            (WebhookStatus::Error, payload) => {
                let words = error.as_deref().or(payload_error.as_deref()).unwrap_or_default();
                (Err(Error::reported(words, status_code(words), payload.unwrap_or_default()).with_outcome()), false)
            }
            (WebhookStatus::Ok, Some(payload)) => {
                let response = RawResponse { status: StatusCode::OK, headers: HeaderMap::new(), body: payload };
                let result = Response::parse(response).map(|mut response: Response<O>| {
                    response.request_id = Some(request_id.clone());
                    response
                });
                (result, false)
            }
            (WebhookStatus::Ok, None) => {
                let reason = payload_error.as_deref().unwrap_or("no reason given");
                let message = format!("the webhook does not have the output: {reason}; fetch it by its request id");
                (Err(Error::new(ErrorKind::UnexpectedResponse, message)), true)
            }
            (WebhookStatus::Other(other), _) => {
                let reason = match other.trim() {
                    "" => "the webhook has no status".to_owned(),
                    other => format!("unknown status `{}` of the webhook", shown(other)),
                };
                let message = format!("{reason}; fetch the result by its request id");
                (Err(Error::new(ErrorKind::UnexpectedResponse, message)), true)
            }
        };
        Webhook {
            result: result.map_err(|error| error.with_request_id(&request_id)),
            gateway_request_id: text(&body.gateway_request_id),
            request_id,
            status,
            payload_error,
            needs_fetch,
            delivery,
        }
    }

    /// Creates the webhook of a body that is of no use.
    fn without_output(delivery: Delivery, status: WebhookStatus, message: &str) -> Self {
        let error = Error::new(ErrorKind::UnexpectedResponse, format!("{message}; fetch the result by its request id"));
        Webhook {
            request_id: delivery.request_id.clone(),
            gateway_request_id: None,
            status,
            result: Err(error.with_request_id(&delivery.request_id)),
            payload_error: None,
            needs_fetch: true,
            delivery,
        }
    }
}

/// Returns the queue's id of a delivery's request. The header has the same id, or that of one of fal's attempts.
pub(super) fn queue_id(delivery: &Delivery) -> String {
    #[derive(Deserialize)]
    struct Id {
        request_id: String,
    }

    let in_body = json::from_slice::<Id>(&delivery.body).ok().map(|id| id.request_id.trim().to_owned());
    in_body.filter(|id| !id.is_empty()).unwrap_or_else(|| delivery.request_id.clone())
}

/// Returns a message: a string, or other JSON as it is written.
fn words(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        other => Some(other.to_string()),
    }
}

/// Finds the status in a message such as `Invalid status code: 422`.
fn status_code(words: &str) -> Option<StatusCode> {
    let words = words.to_ascii_lowercase();
    let (_, rest) = words.split_once("status code")?;
    let digits = rest.trim_start_matches([':', ' ']).split(|c: char| !c.is_ascii_digit()).next()?;
    let code: u16 = digits.parse().ok().filter(|code| (400..=599).contains(code))?;
    StatusCode::from_u16(code).ok()
}

impl<O: fmt::Debug> fmt::Debug for Webhook<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("request_id", &shown(&self.request_id))
            .field("gateway_request_id", &self.gateway_request_id.as_deref().map(shown))
            .field("status", &self.status)
            .field("result", &self.result)
            .field("payload_error", &self.payload_error.as_deref().map(|error| within(error, MAX_MESSAGE)))
            .field("delivery", &self.delivery)
            .finish()
    }
}

use std::fmt;

use http::StatusCode;

/// The reason why a webhook delivery was rejected. Returned by [`Error::webhook_rejection`](crate::Error::webhook_rejection).
///
/// ```no_run
/// # async fn example(
/// #     verifier: fal_client::webhook::Verifier, headers: http::HeaderMap, body: Vec<u8>,
/// # ) -> Result<(), fal_client::Error> {
/// use fal_client::webhook::Rejection;
///
/// match verifier.verify(&headers, body).await {
///     Ok(delivery) => println!("request {}", delivery.request_id()),
///     Err(error) if error.webhook_rejection() == Some(Rejection::KeysUnavailable) => eprintln!("fal retries: {error}"),
///     Err(error) => eprintln!("not from fal: {error}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// One of the four headers `X-Fal-Webhook-…` is missing.
    MissingHeader,
    /// A header is given twice, is too long, or has another format.
    InvalidHeader,
    /// The timestamp is too far from the current time, in either direction.
    Timestamp,
    /// The signature fits none of fal's keys: a byte was altered, or the sender is not fal.
    Signature,
    /// The signature fits a key that fal no longer publishes.
    RetiredKey,
    /// The signature is valid, and the delivery is about a request of another fal user.
    User,
    /// fal's public keys cannot be fetched, so that the signature was not checked.
    KeysUnavailable,
    /// The connection was lost before the body was complete.
    IncompleteBody,
    /// The body is larger than the limit.
    BodyTooLarge,
    /// The replay guard knows the delivery already.
    Replayed,
}

impl Rejection {
    /// Returns the HTTP status for the response to fal, which retries a delivery until the status is 2xx.
    ///
    /// | rejection | status |
    /// | --- | --- |
    /// | `Replayed` | 200, because fal shall not retry it |
    /// | `InvalidHeader`, `IncompleteBody` | 400 |
    /// | `MissingHeader`, `Timestamp`, `Signature`, `RetiredKey` | 401 |
    /// | `User` | 403 |
    /// | `BodyTooLarge` | 413 |
    /// | `KeysUnavailable` | 503 |
    pub fn status(self) -> StatusCode {
        match self {
            Rejection::Replayed => StatusCode::OK,
            Rejection::InvalidHeader | Rejection::IncompleteBody => StatusCode::BAD_REQUEST,
            Rejection::MissingHeader | Rejection::Timestamp | Rejection::Signature | Rejection::RetiredKey => {
                StatusCode::UNAUTHORIZED
            }
            Rejection::User => StatusCode::FORBIDDEN,
            Rejection::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Rejection::KeysUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rejection::MissingHeader => "a header of the webhook is missing",
            Rejection::InvalidHeader => "a header of the webhook is invalid",
            Rejection::Timestamp => "the timestamp of the webhook is too far from the current time",
            Rejection::Signature => "the signature of the webhook is invalid",
            Rejection::RetiredKey => "the webhook is signed with a key that fal has withdrawn",
            Rejection::User => "the webhook belongs to another user",
            Rejection::KeysUnavailable => "the keys of webhooks are unavailable",
            Rejection::IncompleteBody => "the body of the webhook is incomplete",
            Rejection::BodyTooLarge => "the body of the webhook is too large",
            Rejection::Replayed => "the webhook was already received",
        })
    }
}

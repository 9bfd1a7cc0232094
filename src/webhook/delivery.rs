use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::message::Webhook;
use crate::text::shown;

/// A verified delivery, which is not parsed yet. Created by [`Verifier::verify`](super::Verifier::verify). With axum, it is
/// an extractor.
///
/// ```no_run
/// # async fn example(
/// #     verifier: fal_client::webhook::Verifier, headers: http::HeaderMap, body: Vec<u8>,
/// # ) -> Result<(), fal_client::Error> {
/// let delivery = verifier.verify(&headers, body).await?;
/// println!("request {}, {} bytes", delivery.request_id(), delivery.body().len());
/// let webhook = delivery.parse::<serde_json::Value>();
/// # let _ = webhook;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Delivery {
    pub(super) request_id: String,
    pub(super) user_id: String,
    pub(super) sent_at: SystemTime,
    pub(super) body: Bytes,
}

impl Delivery {
    /// Returns the request id of the header.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Returns the id of the fal user who submitted the request.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// Returns the time of the signature, in whole seconds.
    pub fn sent_at(&self) -> SystemTime {
        self.sent_at
    }

    /// Returns the body as it was received.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Parses the body. A body that cannot be read is an error in [`Webhook::result`].
    pub fn parse<O: DeserializeOwned + 'static>(self) -> Webhook<O> {
        Webhook::parse(self)
    }
}

/// Shows the length of the body only.
impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("request_id", &shown(&self.request_id))
            .field("user_id", &shown(&self.user_id))
            .field("sent_at", &self.sent_at)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}

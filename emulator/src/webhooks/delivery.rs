use std::fmt;

use bytes::Bytes;

/// A webhook of a queued request, with the attempts to deliver it.
///
/// ```
/// # fn example(emulator: &fal_emulator::Emulator) {
/// for webhook in emulator.webhooks() {
///     println!("{} to {}: {} attempts, {:?}", webhook.request_id, webhook.url, webhook.attempts.len(), webhook.state);
/// }
/// # }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct WebhookDelivery {
    /// The request id.
    pub request_id: String,
    /// The URL of the submission.
    pub url: String,
    /// The body. Empty until the request is completed.
    pub body: Bytes,
    /// The attempts so far, oldest first.
    pub attempts: Vec<WebhookAttempt>,
    /// The state of the delivery.
    pub state: WebhookState,
}

/// An attempt to deliver a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookAttempt {
    /// The status of the response, or the reason why there was none.
    pub outcome: Result<u16, String>,
    /// The timestamp in the header, in Unix seconds.
    pub timestamp: u64,
}

/// The state of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookState {
    /// The request is not completed, or another attempt follows.
    Pending,
    /// An attempt was acknowledged with a 2xx status.
    Delivered,
    /// No further attempt follows, for this reason.
    Failed(String),
}

/// Shows neither the body, nor the credentials and the query of the URL.
impl fmt::Debug for WebhookDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookDelivery")
            .field("request_id", &self.request_id)
            .field("url", &without_secrets(&self.url))
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("attempts", &self.attempts)
            .field("state", &self.state)
            .finish()
    }
}

/// Removes the user, the password, the query and the fragment of a URL. The query may have a token.
pub(crate) fn without_secrets(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = url.split_once("//").unwrap_or(("", url));
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rfind('@').map_or(0, |at| at + 1);
    format!("{scheme}//{}", &rest[host..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_shown_without_secrets() {
        for (url, shown) in [
            ("http://localhost:80/hook?token=secret#secret", "http://localhost:80/hook"),
            ("http://user:secret@localhost/a@b", "http://localhost/a@b"),
            ("http://user:secret@secret@localhost", "http://localhost"),
        ] {
            assert_eq!(without_secrets(url), shown);
        }
        for url in ["", "secret@", "user:secret@localhost/hook", "//user:secret@localhost", "?secret", "http://?secret"]
        {
            assert!(!without_secrets(url).contains("secret"), "{url}");
        }
    }
}

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use serde::de::DeserializeOwned;

use super::delivery::Delivery;
use super::headers::SignedHeaders;
use super::key_set::KeySet;
use super::key_source::KeySource;
use super::message::Webhook;
use crate::client::Client;
use crate::error::{Error, ErrorKind, Rejection};
use crate::text::shown;

/// Default for the distance between the timestamp and the current time (fal's documentation of webhooks).
const TOLERANCE: Duration = Duration::from_secs(300);

/// Default for the maximum size of a body.
const MAX_BODY: usize = 32 << 20;

type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;
type ReplayGuard = Arc<dyn Fn(Delivery) -> BoxFuture<'static, bool> + Send + Sync>;

/// Verifies that webhook deliveries are from fal. Clones are cheap and share the cached keys.
///
/// ```no_run
/// # async fn example(
/// #     client: fal_client::Client, headers: http::HeaderMap, body: Vec<u8>,
/// # ) -> Result<(), fal_client::Error> {
/// use fal_client::webhook::Verifier;
///
/// let verifier = Verifier::new(&client); // one for the whole program
/// let webhook = verifier.receive::<serde_json::Value>(&headers, body).await?;
/// println!("{}: {}", webhook.request_id, webhook.result?.data);
/// # Ok(())
/// # }
/// ```
///
/// fal signs the request id, the user id, the timestamp and the hash of the body with ED25519 (fal's documentation of
/// webhooks). The verifier tries every public key that fal publishes at `https://rest.fal.ai/.well-known/jwks.json`. It
/// fetches the keys without the API key, and keeps them for 24 hours at most. If no key fits, it fetches them again, at most
/// once a minute.
///
/// A valid signature proves that fal sent the delivery, and not that the request is yours: every fal user can name your URL.
/// Check the [`request_id`](Delivery::request_id), or set your [`user_id`](Self::user_id).
#[derive(Clone)]
pub struct Verifier {
    keys: Keys,
    clock: Clock,
    tolerance: Duration,
    user_id: Option<Arc<str>>,
    pub(super) max_body: usize,
    replay_guard: Option<ReplayGuard>,
}

#[derive(Clone)]
enum Keys {
    Fetched(Arc<KeySource>),
    Given(Arc<KeySet>),
}

impl Verifier {
    /// Creates a verifier that fetches the public keys from the client's REST host.
    ///
    /// A client without an API key suffices: [`ClientBuilder::anonymous`](crate::ClientBuilder::anonymous).
    pub fn new(client: &Client) -> Self {
        Verifier::with(Keys::Fetched(Arc::new(KeySource::new(client.context().clone()))))
    }

    /// Creates a verifier with the public keys of a JSON Web Key Set. It fetches nothing.
    ///
    /// ```
    /// use fal_client::webhook::Verifier;
    ///
    /// # fn main() -> Result<(), fal_client::Error> {
    /// let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    /// let verifier = Verifier::from_jwks(format!(r#"{{ "keys": [{{ "kty": "OKP", "crv": "Ed25519", "x": "{x}" }}] }}"#))?;
    /// # let _ = verifier;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// fal changes its keys from time to time. Then deliveries are rejected until the program has the new ones.
    ///
    /// # Errors
    ///
    /// The document is not a key set, or has no ED25519 key.
    pub fn from_jwks(jwks: impl AsRef<[u8]>) -> Result<Self, Error> {
        let keys = KeySet::parse(jwks.as_ref())
            .map_err(|reason| Error::new(ErrorKind::Configuration, format!("invalid keys for webhooks: {reason}")))?;
        Ok(Verifier::with(Keys::Given(Arc::new(keys))))
    }

    fn with(keys: Keys) -> Self {
        Verifier {
            keys,
            clock: Arc::new(SystemTime::now),
            tolerance: TOLERANCE,
            user_id: None,
            max_body: MAX_BODY,
            replay_guard: None,
        }
    }

    /// Sets the maximum distance between the timestamp and the current time, in either direction and in whole seconds.
    /// Default: 300 s, as fal's documentation recommends.
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Accepts only deliveries about requests of a fal user. Default: those of every user.
    ///
    /// [`Delivery::user_id`] of a first delivery shows the id of your own user.
    pub fn user_id(mut self, user_id: impl Into<String>) -> Self {
        self.user_id = Some(user_id.into().into());
        self
    }

    /// Sets the clock for timestamps and for the age of cached keys. Default: [`SystemTime::now`].
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the maximum size of a body that the extractors and the [`Receiver`](super::Receiver) read, in bytes. Default:
    /// 32 MiB. An output may have files as data URIs.
    pub fn max_body_size(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Registers a check that returns `true` for a delivery that is new. The extractors run it after the verification. They
    /// respond to a known delivery with status 200, and do not call the handler. Default: none.
    ///
    /// fal may deliver a request more than once. Its [`request_id`](Delivery::request_id) is the key for idempotency. Record
    /// an id when it is processed, and only look it up in this check: otherwise a handler that fails loses the delivery.
    ///
    /// ```no_run
    /// # struct Database;
    /// # impl Database { async fn has_result(&self, _: &str) -> bool { false } }
    /// # fn example(client: fal_client::Client, database: &'static Database) {
    /// use fal_client::webhook::{Delivery, Verifier};
    ///
    /// let verifier = Verifier::new(&client)
    ///     .replay_guard(move |delivery: Delivery| async move { !database.has_result(delivery.request_id()).await });
    /// # }
    /// ```
    pub fn replay_guard<F>(mut self, is_new: impl Fn(Delivery) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        self.replay_guard = Some(Arc::new(move |delivery| is_new(delivery).boxed()));
        self
    }

    /// Verifies a delivery. `body` are the bytes as they were received.
    ///
    /// # Errors
    ///
    /// [`Error::webhook_rejection`] is the reason, and [`Rejection::status`] the status to respond with.
    pub async fn verify(&self, headers: &HeaderMap, body: impl Into<Bytes>) -> Result<Delivery, Error> {
        let (signed, body) = (self.check(headers)?, body.into());
        self.verify_body(signed, body).await
    }

    /// Verifies and parses a delivery. `body` are the bytes as they were received.
    ///
    /// # Errors
    ///
    /// Those of [`verify`](Self::verify). A request that failed is not among them: see [`Webhook::result`].
    pub async fn receive<O: DeserializeOwned + 'static>(
        &self,
        headers: &HeaderMap,
        body: impl Into<Bytes>,
    ) -> Result<Webhook<O>, Error> {
        Ok(self.verify(headers, body).await?.parse())
    }

    /// Checks everything that does not need the body.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<SignedHeaders, Error> {
        let signed = SignedHeaders::parse(headers)?;
        let since_epoch = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let distance = since_epoch((self.clock)()).abs_diff(since_epoch(signed.sent_at));
        if distance > self.tolerance.as_secs() {
            let details = format!("{distance} s; expected at most {} s", self.tolerance.as_secs());
            return Err(Error::rejected(Rejection::Timestamp, details));
        }
        Ok(signed)
    }

    /// Verifies the body with headers that were checked.
    pub(super) async fn verify_body(&self, signed: SignedHeaders, body: Bytes) -> Result<Delivery, Error> {
        let message = signed.message(&body).await?;
        self.verify_signature(&signed, &message).await.map_err(|error| {
            // Not as the error's request id, because it is not verified.
            error.context(format_args!("webhook for the request {}", shown(&signed.request_id)))
        })?;
        let SignedHeaders { request_id, user_id, sent_at, .. } = signed;
        if self.user_id.as_ref().is_some_and(|own| **own != *user_id) {
            return Err(Error::rejected(Rejection::User, format_args!("{}", shown(&user_id))));
        }
        Ok(Delivery { request_id, user_id, sent_at, body })
    }

    async fn verify_signature(&self, signed: &SignedHeaders, message: &[u8]) -> Result<(), Error> {
        let fits = |keys: &KeySet| keys.fits(message, &signed.signature);
        let wrong = || Err(Error::rejected(Rejection::Signature, "it fits none of the keys"));
        let source = match &self.keys {
            Keys::Given(keys) => return if fits(keys) { Ok(()) } else { wrong() },
            Keys::Fetched(source) => source,
        };
        let (now, unavailable) = ((self.clock)(), |error: Error| unavailable(error));
        let keys = source.keys(now).await.map_err(unavailable)?;
        if fits(&keys) {
            return Ok(());
        }
        // fal may have changed its keys.
        let newer = source.newer(Some(&keys), now).await.map_err(unavailable)?;
        if !Arc::ptr_eq(&newer, &keys) && fits(&newer) {
            return Ok(());
        }
        match fits(&source.retired()) {
            true => Err(Error::rejected(Rejection::RetiredKey, "fal does not publish it any more")),
            false => wrong(),
        }
    }

    /// Runs the replay guard for a verified delivery.
    pub(super) async fn check_replay(&self, delivery: &Delivery) -> Result<(), Error> {
        match &self.replay_guard {
            Some(is_new) if !is_new(delivery.clone()).await => {
                Err(Error::rejected(Rejection::Replayed, "the replay guard knows it"))
            }
            _ => Ok(()),
        }
    }
}

fn unavailable(error: Error) -> Error {
    error.context(Rejection::KeysUnavailable).with_rejection(Rejection::KeysUnavailable)
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut verifier = f.debug_struct("Verifier");
        match &self.keys {
            Keys::Fetched(source) => verifier.field("keys", source),
            Keys::Given(keys) => verifier.field("keys", keys),
        };
        verifier.field("tolerance", &self.tolerance).field("max_body_size", &self.max_body).finish_non_exhaustive()
    }
}

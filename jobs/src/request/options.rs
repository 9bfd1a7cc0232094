use std::collections::BTreeMap;
use std::time::Duration;

use fal_client::{Lifecycle, Priority, Submit};
use serde::{Deserialize, Serialize};

/// Options of a job's submission. The journal records them, so that another process that sends the job uses them too.
///
/// ```no_run
/// # async fn example(journal: fal_jobs::Journal, client: fal_client::Client) -> Result<(), fal_jobs::Error> {
/// use std::time::Duration;
///
/// use fal_client::Priority;
/// use fal_client::endpoints::Endpoints;
/// use fal_client::endpoints::fal_ai::flux::dev::redux;
/// use fal_jobs::SubmitOptions;
///
/// let options = SubmitOptions::new().priority(Priority::Low).start_timeout(Duration::from_secs(600)).tag("team", "art");
/// let input = redux::Input::builder().image_url("https://example.com/fox.png");
/// let done = journal.run(&client.fal_ai().flux().dev().redux(), input).options(options).await?;
/// # let _ = done;
/// # Ok(())
/// # }
/// ```
///
/// Options that may contain secrets are never recorded, and are not here: custom headers are set for all calls of a client with
/// [`ClientBuilder::header`](fal_client::ClientBuilder::header).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SubmitOptions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start_timeout: Option<Duration>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    low_priority: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    no_retry: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_queue_length: Option<u32>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lifecycle: Option<Lifecycle>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    store_io: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    webhook: Option<String>,
}

impl SubmitOptions {
    /// Creates options with the default values.
    pub fn new() -> Self {
        SubmitOptions::default()
    }

    /// Time limit for the model to start, from the submission on. Default: none. Range: more than 0.1 s. See
    /// [`Submit::start_timeout`].
    pub fn start_timeout(mut self, timeout: Duration) -> Self {
        self.start_timeout = Some(timeout);
        self
    }

    /// Sets the priority in the queue. Default: [`Priority::Normal`].
    pub fn priority(mut self, priority: Priority) -> Self {
        self.low_priority = priority == Priority::Low;
        self
    }

    /// Prefers the runner that served earlier requests with the same hint. Default: none.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Stops fal from retrying the request when a runner fails. Default: `false`, which allows up to 10 attempts.
    pub fn no_retry(mut self, no_retry: bool) -> Self {
        self.no_retry = no_retry;
        self
    }

    /// Makes fal reject the request if more than `length` requests of all callers are waiting for the endpoint. Default: no
    /// limit. A rejected job stays waiting.
    pub fn max_queue_length(mut self, length: u32) -> Self {
        self.max_queue_length = Some(length);
        self
    }

    /// Adds a tag for the bill, or replaces its value. Default: none. See [`Submit::tags`] for the limits.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }

    /// Sets the expiry of the files that the request creates, and who may read them. Default: the account's setting.
    pub fn lifecycle(mut self, lifecycle: Lifecycle) -> Self {
        self.lifecycle = Some(lifecycle);
        self
    }

    /// Allows or forbids fal to store input and output. Default: the account's setting.
    ///
    /// Without stored inputs, [`OnUncertain::Resolve`](crate::OnUncertain) finds no equal request.
    pub fn store_io(mut self, store: bool) -> Self {
        self.store_io = Some(store);
        self
    }

    /// Returns the options, or `None` if all are unset, so that recorded ones apply.
    pub(crate) fn or_recorded(self) -> Option<Self> {
        (self != SubmitOptions::default()).then_some(self)
    }

    /// Makes fal post the result to an http or https URL when the request is completed. Default: none. See [`Submit::webhook`].
    ///
    /// With the cargo feature `webhook`, a handler at that URL completes the job. The calls that wait for the job watch the
    /// journal then, and do not poll fal unless the webhook does not come: see
    /// [`JournalBuilder::webhook_patience`](crate::JournalBuilder::webhook_patience).
    ///
    /// The URL is recorded. It must not contain a secret, and need not, because fal signs what it posts.
    pub fn webhook(mut self, url: impl Into<String>) -> Self {
        self.webhook = Some(url.into());
        self
    }

    pub(crate) fn has_webhook(&self) -> bool {
        self.webhook.is_some()
    }

    /// Returns the options as JSON, or `None` if all are unset.
    pub(crate) fn to_json(&self) -> Option<String> {
        (*self != SubmitOptions::default()).then(|| serde_json::to_string(self).ok()).flatten()
    }

    pub(crate) fn apply<I, O>(&self, mut submit: Submit<I, O>) -> Submit<I, O> {
        if let Some(timeout) = self.start_timeout {
            submit = submit.start_timeout(timeout);
        }
        if self.low_priority {
            submit = submit.priority(Priority::Low);
        }
        if let Some(hint) = &self.hint {
            submit = submit.hint(hint);
        }
        if self.no_retry {
            submit = submit.no_retry(true);
        }
        if let Some(length) = self.max_queue_length {
            submit = submit.max_queue_length(length);
        }
        if !self.tags.is_empty() {
            submit = submit.tags(self.tags.clone());
        }
        if let Some(lifecycle) = &self.lifecycle {
            submit = submit.lifecycle(lifecycle);
        }
        if let Some(store) = self.store_io {
            submit = submit.store_io(store);
        }
        if let Some(url) = &self.webhook {
            submit = submit.webhook(url);
        }
        submit
    }
}

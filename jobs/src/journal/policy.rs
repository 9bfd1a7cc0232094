use std::time::Duration;

use crate::record::Record;

/// The use of a completed job of an equal input, for calls without a key. Default: [`Reuse::Never`].
///
/// A call with a [key](crate::Run::key) always returns the recorded result of that key.
///
/// ```no_run
/// # async fn example(journal: fal_jobs::Journal, client: fal_client::Client) -> Result<(), fal_jobs::Error> {
/// use std::time::Duration;
///
/// use fal_jobs::Reuse;
///
/// const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);
///
/// let flux = client.endpoint("fal-ai/flux/dev");
/// let input = serde_json::json!({ "prompt": "a fox", "seed": 7 });
/// let first = journal.run(&flux, input.clone()).await?;
/// // A new job, because the first one is completed:
/// let second = journal.run(&flux, input.clone()).await?;
/// // The result of the second job, without a request:
/// let again = journal.run(&flux, input).reuse(Reuse::Seeded(WEEK)).await?;
/// # let _ = (first, second, again);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reuse {
    /// A completed job is never used again. The call starts a new one.
    #[default]
    Never,
    /// A job that was completed at most this time ago is used again, if the input has a `seed`. Without a seed, models make
    /// another output each time.
    Seeded(Duration),
    /// A job that was completed at most this time ago is used again, with or without a `seed`.
    Any(Duration),
}

impl Reuse {
    /// Returns true if a completed job may be used again.
    pub(crate) fn allows(self, record: &Record) -> bool {
        let (age, needs_seed) = match self {
            Reuse::Never => return false,
            Reuse::Seeded(age) => (age, true),
            Reuse::Any(age) => (age, false),
        };
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let is_recent = record.finished_at.is_some_and(|finished| record.read_at.saturating_sub(finished) <= age);
        is_recent && (!needs_seed || has_seed(&record.input))
    }
}

/// Returns true if an input has a seed.
fn has_seed(input: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(input)
        .is_ok_and(|input| input.get("seed").is_some_and(|seed| !seed.is_null()))
}

/// The use of a job that has failed in an earlier call. Default: [`OnFailed::Fail`].
///
/// ```no_run
/// # async fn example(journal: fal_jobs::Journal, client: fal_client::Client) -> Result<(), fal_jobs::Error> {
/// use fal_jobs::OnFailed;
///
/// let flux = client.endpoint("fal-ai/flux/dev");
/// let input = serde_json::json!({ "prompt": "a fox" });
/// let done = journal.run(&flux, input).key("hero-image").on_failed(OnFailed::RetryUnbilled).await?;
/// # let _ = done;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnFailed {
    /// The call returns the recorded error ([`ErrorKind::Failed`](crate::ErrorKind::Failed)), without a request.
    #[default]
    Fail,
    /// The call submits the job again if fal surely has not billed the failure. See
    /// [`Failure::may_be_billed`](crate::Failure::may_be_billed).
    RetryUnbilled,
    /// The call submits the job again. A failure that was billed, such as many with status 422, may be billed again.
    Retry,
}

impl OnFailed {
    /// Returns true if a failed job is submitted again.
    pub(crate) fn retries(self, record: &Record) -> bool {
        match self {
            OnFailed::Fail => false,
            OnFailed::RetryUnbilled => record.failure().is_some_and(|failure| !failure.may_be_billed),
            OnFailed::Retry => true,
        }
    }
}

/// The decision about a job of which it is unknown whether fal has accepted its submission. Default: [`OnUncertain::Fail`].
///
/// ```no_run
/// # async fn example(journal: fal_jobs::Journal, client: fal_client::Client) -> Result<(), fal_jobs::Error> {
/// use std::time::Duration;
///
/// use fal_jobs::OnUncertain;
///
/// let flux = client.endpoint("fal-ai/flux/dev");
/// let input = serde_json::json!({ "prompt": "a fox" });
/// let decision = OnUncertain::Resolve { permit_after: Some(Duration::from_secs(30 * 60)) };
/// let done = journal.run(&flux, input).key("hero-image").on_uncertain(decision).await?;
/// # let _ = done;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnUncertain {
    /// The call fails with [`ErrorKind::Uncertain`](crate::ErrorKind::Uncertain), and the caller decides.
    #[default]
    Fail,
    /// The call looks for the request in fal's list ([`Journal::find_requests`](crate::Journal::find_requests)).
    ///
    /// | the list has | the call |
    /// | --- | --- |
    /// | one request with an equal input | adopts and follows it |
    /// | none | fails, or waits and permits a new submission: see `permit_after` |
    /// | several, or one with an unknown input | fails, because only the caller can tell which one it is |
    ///
    /// The API key needs the permission to list requests, and the account must store payloads.
    Resolve {
        /// Time since the intent after which an empty list means that fal has not accepted the request. Until then the call
        /// waits, and looks again at times. Then it submits the job once more. `None`: it fails instead.
        ///
        /// fal's list may lag behind. A request that it shows later is billed in addition, so choose a long time: half an hour
        /// rather than a minute.
        permit_after: Option<Duration>,
    },
}

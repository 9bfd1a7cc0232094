use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use fal_client::{Client, EndpointInput, Handle};
use serde_json::value::RawValue;

use super::policy::{OnFailed, OnUncertain, Reuse};
use super::{Budget, Journal};
use crate::claims::{Claim, Claims};
use crate::error::{Error, ErrorKind};
use crate::files::{Prepared, lacks_files};
use crate::key::{derived, next};
use crate::record::{NewRecord, Record, check_name};
use crate::request::SubmitOptions;
use crate::state::State;

/// The number of fields that the message of a conflict has.
const MAX_SHOWN: usize = 5;

/// An input for a job of an endpoint, with the options that all calls have.
pub(crate) struct Call<I> {
    pub(crate) journal: Journal,
    pub(crate) client: Client,
    endpoint: String,
    input: I,
    pub(crate) key: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) budget: Option<Budget>,
    pub(crate) options: SubmitOptions,
    pub(crate) reuse: Reuse,
    pub(crate) on_failed: OnFailed,
    pub(crate) on_uncertain: OnUncertain,
    /// Workers may send it.
    pub(crate) enqueued: bool,
    /// The call saves the files of the output.
    pub(crate) saves_files: bool,
}

/// A recorded job of a call.
pub(crate) struct Recorded<'a, I> {
    pub(crate) call: Call<()>,
    pub(crate) record: Record,
    /// Set if the call has recorded the job, except for an enqueued one.
    pub(crate) claim: Option<Claim<'a>>,
    pub(crate) input: Prepared<I>,
}

impl<I: EndpointInput> Call<I> {
    pub(crate) fn new<O>(journal: &Journal, handle: &Handle<I, O>, input: I) -> Self {
        Call {
            journal: journal.clone(),
            client: handle.client().clone(),
            endpoint: handle.id().to_owned(),
            input,
            key: None,
            label: None,
            budget: None,
            options: SubmitOptions::default(),
            reuse: Reuse::default(),
            on_failed: OnFailed::default(),
            on_uncertain: OnUncertain::default(),
            enqueued: false,
            saves_files: false,
        }
    }

    /// Checks the input, hashes its files, and records the job, unless the journal has it.
    ///
    /// The files of an enqueued job are uploaded, because its worker may be on another machine.
    pub(crate) async fn record(self, claims: &Claims) -> Result<Recorded<'_, I>, Error> {
        let key = self.key.clone().filter(|key| check_name("key", key).is_ok());
        self.check_and_record(claims).await.map_err(|error| match &key {
            Some(key) => error.of(key),
            None => error,
        })
    }

    async fn check_and_record(self, claims: &Claims) -> Result<Recorded<'_, I>, Error> {
        let (call, input) = self.split();
        let mut input = Prepared::new(&call.client, input).await?;
        let input_hash = input.hash.clone();
        let key = match &call.key {
            Some(key) => key.clone(),
            None => call.automatic_key(&input_hash).await?,
        };
        let store = call.journal.store();
        let request = match call.enqueued && store.get(&key).await?.is_none() {
            true => Some(input.request(call.journal.uploads(), None).await?),
            false => input.without_uploads()?,
        };
        let billing = call.journal.billing(&call.endpoint, call.budget.as_ref())?;
        let new = NewRecord {
            key,
            endpoint: call.endpoint.clone(),
            label: call.label.clone(),
            input: input.canonical.clone(),
            input_hash,
            request,
            options: call.options.to_json(),
            billing,
            webhook: false,
            enqueued: call.enqueued,
        };
        let (record, claim) = match call.enqueued {
            true => (store.insert(&new, None).await?.0, None),
            false => claims.record(store, &new).await?,
        };
        if record.endpoint != new.endpoint || record.input_hash != new.input_hash {
            return Err(Error::new(ErrorKind::KeyConflict, conflict(&record, &new)).of(&new.key));
        }
        Ok(Recorded { call, record, claim, input })
    }

    fn split(self) -> (Call<()>, I) {
        let Call { journal, client, endpoint, input, key, label, options, reuse, .. } = self;
        let Call { on_failed, on_uncertain, budget, enqueued, saves_files, .. } = self;
        let call = Call {
            journal,
            client,
            endpoint,
            input: (),
            key,
            label,
            options,
            reuse,
            on_failed,
            on_uncertain,
            budget,
            enqueued,
            saves_files,
        };
        (call, input)
    }
}

impl Call<()> {
    /// Returns the key of the job to continue, or of a new one if the latest job of the input is completed.
    async fn automatic_key(&self, input_hash: &str) -> Result<String, Error> {
        let first = derived(&self.endpoint, input_hash);
        let Some(latest) = self.journal.store().latest(&first, input_hash).await? else { return Ok(first) };
        // A call that saves files is over when they are saved.
        let is_over = latest.state == State::Completed && !(self.saves_files && lacks_files(&latest));
        match is_over && !self.reuse.allows(&latest) {
            true => Ok(next(&first, &latest.key)),
            false => Ok(latest.key),
        }
    }
}

/// Says how a job differs from a call with its key, without the values of its input.
fn conflict(record: &Record, new: &NewRecord) -> String {
    if record.endpoint != new.endpoint {
        return format!(
            "the key belongs to a job of the endpoint `{}`: use another key",
            record.endpoint.escape_debug()
        );
    }
    // A redacted input says little.
    let names = if record.redacted { Vec::new() } else { differing_fields(&record.input, &new.input) };
    let mut fields = names.iter().take(MAX_SHOWN).fold(String::new(), |fields, name| {
        let name: String = name.chars().take(64).collect();
        let separator = if fields.is_empty() { "" } else { ", " };
        format!("{fields}{separator}`{}`", name.escape_debug())
    });
    if names.len() > MAX_SHOWN {
        fields.push_str(", …");
    }
    let fields = if fields.is_empty() { fields } else { format!(" (different fields: {fields})") };
    format!("the key belongs to a job with another input{fields}: use another key")
}

/// Returns the names of the top-level fields in which two inputs differ, as canonical JSON.
fn differing_fields(one: &str, other: &str) -> Vec<String> {
    type Fields<'a> = BTreeMap<String, &'a RawValue>;
    let (Ok(one), Ok(other)) = (serde_json::from_str::<Fields<'_>>(one), serde_json::from_str::<Fields<'_>>(other))
    else {
        return Vec::new();
    };
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let differs = |name: &&String| one.get(*name).map(|value| value.get()) != other.get(*name).map(|value| value.get());
    names.into_iter().filter(differs).cloned().collect()
}

impl<I> fmt::Debug for Call<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("endpoint", &self.endpoint).field("key", &self.key).finish_non_exhaustive()
    }
}

/// The options of every call that records a job.
macro_rules! record_options {
    () => {
        /// Sets the key. Default: an automatic one, of the endpoint's id and the SHA-256 of the input. Local files count by their
        /// bytes.
        ///
        /// A key names one job, for good. Its result is billed once and returned by all later calls with the key. The key of a
        /// job of another endpoint or input is an error ([`ErrorKind::KeyConflict`](crate::ErrorKind::KeyConflict)). Range: 1 to
        /// 1024 bytes.
        pub fn key(mut self, key: impl Into<String>) -> Self {
            self.call.key = Some(key.into());
            self
        }

        /// Sets a label, by which jobs can be listed. Default: none. A job keeps its first label.
        pub fn label(mut self, label: impl Into<String>) -> Self {
            self.call.label = Some(label.into());
            self
        }

        /// Charges the job to a budget. Default: none.
        ///
        /// The job is sent only if the budget can reserve its [estimate](crate::Budget::estimate). Otherwise it stays waiting, and
        /// the call fails ([`ErrorKind::Budget`](crate::ErrorKind::Budget)). A job that fal has accepted stays in its budget, unless it has
        /// failed and is sent again.
        pub fn budget(mut self, budget: &crate::Budget) -> Self {
            self.call.budget = Some(budget.clone());
            self
        }

        /// Sets options of the submission, such as the priority. Default: none. They do not count for the automatic key.
        pub fn options(mut self, options: crate::SubmitOptions) -> Self {
            self.call.options = options;
            self
        }

        /// Sets the use of a completed job of an equal input, without a key. Default: [`Reuse::Never`](crate::Reuse::Never).
        pub fn reuse(mut self, reuse: crate::Reuse) -> Self {
            self.call.reuse = reuse;
            self
        }
    };
}

/// The options of the calls that take a job further.
macro_rules! course_options {
    () => {
        /// Sets the use of a job that has failed in an earlier call. Default: [`OnFailed::Fail`](crate::OnFailed::Fail).
        pub fn on_failed(mut self, on_failed: crate::OnFailed) -> Self {
            self.call.on_failed = on_failed;
            self
        }

        /// Sets the decision about an uncertain job. Default: [`OnUncertain::Fail`](crate::OnUncertain::Fail).
        pub fn on_uncertain(mut self, on_uncertain: crate::OnUncertain) -> Self {
            self.call.on_uncertain = on_uncertain;
            self
        }
    };
}

pub(super) use course_options;
pub(crate) use record_options;

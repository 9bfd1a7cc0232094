use std::collections::HashSet;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fal_client::Client;
use fal_client::platform::RequestRecord;
use futures_util::TryStreamExt;

use super::Journal;
use crate::error::{Error, ErrorKind};
use crate::failure::FailureKind;
use crate::key::canonical;
use crate::record::Record;
use crate::state::State;

/// The message of an error of fal's list of requests.
pub(crate) const UNLISTED: &str = "fal's requests cannot be listed";

/// The time before and after the intent in which a request counts. Clocks differ, and a request may wait in the queue.
const BEFORE: Duration = Duration::from_secs(10 * 60);
const AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// A request of fal's list that may be the submission of an uncertain job. [`Journal::find_requests`] returns them.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Candidate {
    /// The request as fal lists it, with its payloads if fal has stored them.
    pub request: RequestRecord,
    /// True if its input equals the input of the job. False if it is unknown: fal has not stored its input, or the
    /// input of the job was redacted.
    pub is_equal: bool,
}

/// Without the payloads.
impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidate")
            .field("request_id", &self.request.request_id)
            .field("is_equal", &self.is_equal)
            .finish_non_exhaustive()
    }
}

impl Journal {
    /// Looks for the request of an uncertain job in fal's list of requests, through the platform API. So it does for a job whose
    /// request fal does not know ([`FailureKind::Expired`]), such as one that adopted a wrong id.
    ///
    /// ```no_run
    /// # async fn example(journal: fal_jobs::Journal, client: fal_client::Client) -> Result<(), fal_jobs::Error> {
    /// let candidates = journal.find_requests(&client, "hero-image").await?;
    /// match &candidates[..] {
    ///     [candidate] if candidate.is_equal => {
    ///         journal.adopt("hero-image", &candidate.request.request_id).await?;
    ///     }
    ///     [] => println!("fal does not list it, or not yet"),
    ///     several => println!("decide which of {several:?} it is"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A candidate is a request to the job's endpoint between 10 minutes before and 24 hours after the intent. Requests with
    /// another input are left out, and so are those that jobs of this journal have. If fal has not stored the input of a request,
    /// it is a candidate that [may not be equal](Candidate::is_equal).
    ///
    /// fal may list a request minutes after it has accepted it, and an account may not store payloads at all. So an empty list
    /// soon after the submission does not mean that fal has not accepted it.
    ///
    /// # Errors
    ///
    /// - The journal does not have the key ([`ErrorKind::NotFound`]), or the job is neither uncertain nor expired ([`ErrorKind::State`]).
    /// - fal's list is not available, for example because the API key lacks the permission ([`ErrorKind::Request`]).
    pub async fn find_requests(&self, client: &Client, key: impl AsRef<str>) -> Result<Vec<Candidate>, Error> {
        let record = self.existing(key.as_ref()).await?;
        let is_expired = || record.failure().is_some_and(|failure| failure.kind == FailureKind::Expired);
        if record.state != State::Uncertain && !(record.state == State::Failed && is_expired()) {
            let message = match record.state {
                State::Failed => {
                    "the job has failed, and not because fal did not know its request: it can adopt a request, \
                                  or be sent again"
                        .to_owned()
                }
                state => format!("only the request of an uncertain job is looked for, and its state is `{state}`"),
            };
            return Err(Error::new(ErrorKind::State, message).of(&record.key));
        }
        self.candidates(client, &record).await
    }

    pub(super) async fn candidates(&self, client: &Client, record: &Record) -> Result<Vec<Candidate>, Error> {
        let intended = record.intended_at.and_then(|time| u64::try_from(time).ok()).unwrap_or_default();
        let intended = UNIX_EPOCH + Duration::from_millis(intended);
        let requests = client.platform().requests([record.endpoint.as_str()]).limit(100).payloads(true);
        let start = intended.checked_sub(BEFORE).unwrap_or(UNIX_EPOCH);
        let mut requests = requests.start(start).end((intended + AFTER).min(SystemTime::now() + BEFORE)).stream();
        let input = record.request.as_deref().unwrap_or(&record.input);
        let input = comparable(input);
        let own: HashSet<String> = record.earlier_request_ids().into_iter().chain(record.request_id.clone()).collect();
        let mut found: Vec<Candidate> = Vec::new();
        let unlisted = |error| Error::new(ErrorKind::Request, UNLISTED).caused_by(error);
        while let Some(request) = requests.try_next().await.map_err(|error| unlisted(error).of(&record.key))? {
            let is_equal = match &request.input {
                _ if record.redacted => false,
                Some(listed) if comparable(&listed.to_string()) != input => continue,
                listed => listed.is_some(),
            };
            let is_known = own.contains(&request.request_id)
                || found.iter().any(|candidate| candidate.request.request_id == request.request_id);
            if !is_known {
                found.push(Candidate { request, is_equal });
            }
        }
        let ids: Vec<String> = found.iter().map(|candidate| candidate.request.request_id.clone()).collect();
        let taken = self.store().taken(&ids, record).await?;
        found.retain(|candidate| !taken.contains(&candidate.request.request_id));
        Ok(found)
    }
}

/// Returns the form of an input in which it is compared. fal's list has it as JSON of any parser, so integers beyond 64 bits are
/// compared as floating-point numbers.
fn comparable(json: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(json).ok()?;
    canonical(&value.to_string()).ok()
}

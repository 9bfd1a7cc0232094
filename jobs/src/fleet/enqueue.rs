use std::fmt;

use fal_client::{EndpointInput, Handle};

use crate::error::Error;
use crate::future::call_future;
use crate::journal::{Call, Journal, record_options};
use crate::record::Record;

/// Records a job for the workers of a journal. Starts when awaited, and returns the recorded job.
///
/// Created by [`Journal::enqueue`].
#[must_use = "a call does nothing until it is awaited"]
pub struct Enqueue<I> {
    call: Call<I>,
}

impl Journal {
    /// Records a job, which a [`Worker`](crate::Worker) of any process then runs. A job whose key the journal has already is left
    /// as it is.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_client::endpoints::fal_ai::flux::dev::redux;
    /// use fal_jobs::Journal;
    ///
    /// let journal = Journal::open("postgres://localhost/jobs").await?;
    /// let redux = client.endpoint(redux::ENDPOINT);
    /// let input = redux::Input::builder().image_url("https://example.com/fox.png");
    /// let job = journal.enqueue(&redux, input).key("fox").await?;
    /// println!("{} is {}", job.key, job.state);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Local files of the input are uploaded before, because a worker may be on another machine. Many jobs are recorded fastest
    /// in parallel:
    ///
    /// ```no_run
    /// # async fn example(journal: fal_jobs::Journal, client: fal_client::Client) -> Result<(), fal_jobs::Error> {
    /// use futures_util::stream::{self, StreamExt, TryStreamExt};
    ///
    /// let flux = client.endpoint("fal-ai/flux/dev");
    /// let prompts = stream::iter(["a fox", "an owl", "an elk"]);
    /// let jobs = prompts.map(|prompt| {
    ///     let input = serde_json::json!({ "prompt": prompt });
    ///     journal.enqueue(&flux, input).key(prompt).label("animals").send()
    /// });
    /// let count = jobs.buffer_unordered(16).try_fold(0, |count, _| async move { Ok(count + 1) }).await?;
    /// println!("{count} jobs");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - The input is invalid ([`ErrorKind::Input`](crate::ErrorKind::Input)).
    /// - The key belongs to another endpoint or input ([`ErrorKind::KeyConflict`](crate::ErrorKind::KeyConflict)).
    /// - The database fails ([`ErrorKind::Database`](crate::ErrorKind::Database)).
    pub fn enqueue<I: EndpointInput, O>(&self, handle: &Handle<I, O>, input: impl Into<I>) -> Enqueue<I> {
        let mut call = Call::new(self, handle, input.into());
        call.enqueued = true;
        Enqueue { call }
    }
}

impl<I: EndpointInput> Enqueue<I> {
    record_options!();

    async fn start(self) -> Result<Record, Error> {
        let journal = self.call.journal.clone();
        Ok(self.call.record(journal.claims()).await?.record)
    }
}

call_future!([I: EndpointInput] Enqueue<I> => Record);

impl<I> fmt::Debug for Enqueue<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enqueue").field("call", &self.call).finish()
    }
}

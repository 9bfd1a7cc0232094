use std::fmt;

use fal_client::{EndpointInput, Handle};

use super::Journal;
use super::call::{Call, Recorded, course_options, record_options};
use super::course::Course;
use crate::error::Error;
use crate::future::call_future;
use crate::record::Record;

/// Submits a job of a journal, without waiting for its result. Sent when awaited.
///
/// ```no_run
/// # async fn example(journal: fal_jobs::Journal, client: fal_client::Client) -> Result<(), fal_jobs::Error> {
/// let flux = client.endpoint("fal-ai/flux/dev");
/// let job = journal.submit(&flux, serde_json::json!({ "prompt": "a fox" })).key("hero-image").await?;
/// println!("{:?}", job.request_id);
/// // Later, in any process:
/// let done = journal.run(&flux, serde_json::json!({ "prompt": "a fox" })).key("hero-image").await?;
/// # let _ = done;
/// # Ok(())
/// # }
/// ```
///
/// Dropping the future at any time is as safe as a crash.
#[must_use = "a call does nothing until it is awaited"]
pub struct Submit<I> {
    call: Call<I>,
}

impl Journal {
    /// Submits a job, unless the journal has submitted it already, and returns it. Its result comes with [`run`](Self::run), or
    /// with [`resume`](Self::resume).
    pub fn submit<I: EndpointInput, O>(&self, handle: &Handle<I, O>, input: impl Into<I>) -> Submit<I> {
        Submit { call: Call::new(self, handle, input.into()) }
    }
}

impl<I: EndpointInput> Submit<I> {
    record_options!();
    course_options!();

    async fn start(self) -> Result<Record, Error> {
        let Submit { call } = self;
        let journal = call.journal.clone();
        let Recorded { call, record, claim, mut input } = call.record(journal.claims()).await?;
        let mut course = Course::new(&journal, &call.client);
        course.options = call.options.or_recorded();
        (course.on_failed, course.on_uncertain) = (call.on_failed, call.on_uncertain);
        course.only_submits = true;
        course.finish(record, claim, input.request(journal.uploads(), None)).await
    }
}

call_future!([I: EndpointInput] Submit<I> => Record);

impl<I> fmt::Debug for Submit<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submit").field("call", &self.call).finish_non_exhaustive()
    }
}

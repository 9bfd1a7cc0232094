use std::fmt;

use serde::de::DeserializeOwned;

use super::cancel::Cancel;
use super::fetch_result::FetchResult;
use super::status::Status;
use super::status_stream::StatusStream;
use super::wait::Wait;
use crate::client::Client;
use crate::queue::{Job, Target};

/// A job with a client, to follow the job and fetch its result. Created by [`Client::resume`] and
/// [`Handle::resume`](crate::Handle::resume).
///
/// ```no_run
/// # async fn example(client: fal_client::Client, job: fal_client::Job<serde_json::Value>) -> Result<(), fal_client::Error> {
/// let job = client.resume(job);
/// if job.status().await?.is_completed() {
///     println!("{}", job.result().await?.data);
/// }
/// # Ok(())
/// # }
/// ```
pub struct JobHandle<O> {
    job: Job<O>,
    target: Target,
}

impl Client {
    /// Returns the handle of a job that was submitted by this process or another.
    ///
    /// The job's type decides how the result is read, and is not checked. [`Handle::resume`](crate::Handle::resume) checks that
    /// the job belongs to an endpoint.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client, saved: &str) -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_client::Job;
    ///
    /// let job: Job<serde_json::Value> = serde_json::from_str(saved)?;
    /// let response = client.resume(job).wait().await?;
    /// # let _ = response;
    /// # Ok(())
    /// # }
    /// ```
    pub fn resume<O>(&self, job: Job<O>) -> JobHandle<O> {
        let target = Target::new(self.context().clone(), job.endpoint.clone(), &job);
        JobHandle { job, target }
    }
}

impl<O> JobHandle<O> {
    /// Returns the job.
    pub fn job(&self) -> &Job<O> {
        &self.job
    }

    /// Returns the status of the request.
    pub fn status(&self) -> Status {
        Status::new(self.target.clone())
    }

    /// Streams the updates of the request until it is completed.
    pub fn status_stream(&self) -> StatusStream {
        StatusStream::new(self.target.clone())
    }

    /// Cancels the request.
    pub fn cancel(&self) -> Cancel {
        Cancel::new(self.target.clone())
    }
}

impl<O: DeserializeOwned + Send + 'static> JobHandle<O> {
    /// Follows the request until it is completed and fetches its result.
    pub fn wait<'a>(&self) -> Wait<'a, O> {
        Wait::new(self.target.clone())
    }

    /// Fetches the result. Fails if the request is not completed yet.
    pub fn result(&self) -> FetchResult<O> {
        FetchResult::new(self.target.clone())
    }
}

impl<O> Clone for JobHandle<O> {
    fn clone(&self) -> Self {
        JobHandle { job: self.job.clone(), target: self.target.clone() }
    }
}

impl<O> fmt::Debug for JobHandle<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobHandle({:?})", self.job)
    }
}

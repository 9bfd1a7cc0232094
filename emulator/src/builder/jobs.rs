use std::sync::Arc;
use std::time::Duration;

use fal_client::IntoEndpoint;

use crate::builder::EmulatorBuilder;
use crate::queue::accepted_job::AcceptedJob;
use crate::queue::pace::Pace;

impl EmulatorBuilder {
    /// Sets the pace of queued jobs. Default: completed after about a second, see [`Pace`].
    pub fn pace(mut self, pace: Pace) -> Self {
        self.settings.pace = pace;
        self
    }

    /// Limits the jobs of the account that run at a time, as fal does. Default: no limit. With 0, no job starts.
    ///
    /// Further queued jobs wait, and start in order as soon as a slot is free. Each one ahead adds 1 to the queue position,
    /// in addition to those of [`Pace::ahead`]. Jobs of low priority start last. A direct run beyond the limit gets a 429 response of
    /// the type `concurrent_requests_limit`.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().concurrency(2).start().await?; // as a new account
    /// # Ok(())
    /// # }
    /// ```
    pub fn concurrency(mut self, jobs: usize) -> Self {
        self.settings.concurrency.account = Some(jobs);
        self
    }

    /// Gives an endpoint a limit of its own, which replaces that of the [account](Self::concurrency). Popular models of fal have
    /// one. Default: none. Can be called several times.
    ///
    /// ```
    /// let builder = fal_emulator::Emulator::builder().concurrency(10).endpoint_concurrency("fal-ai/flux/dev/redux", 1);
    /// ```
    pub fn endpoint_concurrency<E: IntoEndpoint>(mut self, endpoint: E, jobs: usize) -> Self {
        self.settings.concurrency.endpoints.insert(endpoint.into_id().into_owned(), jobs);
        self
    }

    /// Sets the start timeout of an endpoint's requests that state none, as the author of an app can do. A request clears it with
    /// `x-fal-request-start-timeout: 0`. Default: none. Can be called several times.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let builder = fal_emulator::Emulator::builder().start_timeout("fal-ai/flux/dev/redux", Duration::from_secs(60));
    /// ```
    pub fn start_timeout<E: IntoEndpoint>(mut self, endpoint: E, time: Duration) -> Self {
        self.settings.start_timeouts.insert(endpoint.into_id().into_owned(), time);
        self
    }

    /// Sets the seed of what the emulator chooses: the seed of an input that has none, and the requests that a fault with a
    /// [probability](crate::Fault::probability) happens to. Default: 0.
    ///
    /// The same seed and the same requests give the same outputs, byte for byte. Request ids, tokens and names of uploaded files are
    /// always random.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().seed(7).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Sets the time in which the files of an output are uploaded to the bucket of an upload policy
    /// (`x-app-fal-upload-policy`), on the emulator's clock. Until then, they are missing. Default: 1 s.
    ///
    /// The emulator plays S3: it uploads nothing, and serves the files at `{base_url}/{host of the bucket}/{key}`, which are
    /// also their URLs in the output. With [`Duration::MAX`] the uploads fail, and the files stay missing.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let builder = fal_emulator::Emulator::builder().output_upload_time(Duration::from_secs(30));
    /// ```
    pub fn output_upload_time(mut self, time: Duration) -> Self {
        self.settings.output_upload_time = time;
        self
    }

    /// Sets the number of requests, and of jobs, that the emulator keeps, at least 1. Default: 10,000.
    ///
    /// It is also the limit of unfinished jobs, beyond which requests get a 429 response. A completed job that was dropped
    /// has no status and no result. So the limit must exceed the number of concurrent jobs of a test.
    /// [`Emulator::accepted_jobs`](crate::Emulator::accepted_jobs) and [`Emulator::billed`](crate::Emulator::billed) count all jobs, also dropped ones.
    pub fn history(mut self, limit: usize) -> Self {
        self.settings.history = limit.max(1);
        self
    }

    /// Sets the time after its start until a request appears in the history, `/v1/models/requests`, on the emulator's clock.
    /// Default: none. fal does not promise a time.
    pub fn listing_delay(mut self, time: Duration) -> Self {
        self.settings.listing_delay = time;
        self
    }

    /// Registers a callback for every accepted job. It runs before the response is sent, and must not block.
    ///
    /// A test can count the jobs of each item, without keeping the inputs of all:
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use std::sync::{Arc, Mutex};
    ///
    /// let counts = Arc::new(Mutex::new(HashMap::<u64, usize>::new()));
    /// let counter = Arc::clone(&counts);
    /// let builder = fal_emulator::Emulator::builder().history(1_000).on_job(move |job| {
    ///     let seed = job.request().input()["seed"].as_u64().unwrap_or_default();
    ///     *counter.lock().expect("the counts").entry(seed).or_default() += 1;
    /// });
    /// ```
    pub fn on_job(mut self, callback: impl Fn(&AcceptedJob) + Send + Sync + 'static) -> Self {
        self.settings.on_job = Some(Arc::new(callback));
        self
    }
}

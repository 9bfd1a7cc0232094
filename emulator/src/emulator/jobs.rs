use std::sync::Arc;
use std::time::Duration;

use fal_client::IntoEndpoint;

use crate::emulator::Emulator;
use crate::hold::Hold;
use crate::queue::accepted_job::AcceptedJob;
use crate::queue::gate::Stage;

impl Emulator {
    /// Returns the accepted requests that are kept, oldest first: queued requests and direct runs.
    ///
    /// A test can count them to prove that nothing was submitted twice. The limits of [`requests`](Self::requests)
    /// apply, but jobs that are not completed are always kept.
    /// Once as many of them as the emulator keeps, or 256 MiB, are not completed, further requests get a 429 response.
    /// [`accepted_jobs`](Self::accepted_jobs) counts all of them, and [`EmulatorBuilder::on_job`](crate::EmulatorBuilder::on_job) sees each of them.
    pub fn jobs(&self) -> Vec<AcceptedJob> {
        self.state.jobs.all()
    }

    /// Returns the number of accepted requests, even if the emulator no longer keeps them: queued requests and direct runs.
    pub fn accepted_jobs(&self) -> u64 {
        self.state.jobs.accepted()
    }

    /// Limits the jobs of the account that run at a time, or removes the limit, see
    /// [`EmulatorBuilder::concurrency`](crate::EmulatorBuilder::concurrency).
    ///
    /// Jobs that run beyond a lower limit continue. Jobs that were submitted without a limit do not count.
    ///
    /// ```
    /// # fn example(emulator: &fal_emulator::Emulator) {
    /// emulator.set_concurrency(Some(1));
    /// emulator.set_concurrency(None); // every job that waits for a slot may start
    /// # }
    /// ```
    pub fn set_concurrency(&self, jobs: Option<usize>) {
        self.state.concurrency.set_limit(jobs);
    }

    /// Advances the emulator's clock. Jobs progress, start timeouts and lifetimes pass, and delays end.
    ///
    /// The clocks of the system and of the client do not change. The limit is 100 years in total.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::time::Duration;
    /// # use fal_emulator::{Emulator, Pace};
    /// let emulator = Emulator::builder().pace(Pace::manual()).start().await?;
    /// // … submit with a start timeout of five seconds …
    /// emulator.advance_time(Duration::from_secs(6));
    /// // … and the job is completed with an error …
    /// # Ok(())
    /// # }
    /// ```
    pub fn advance_time(&self, by: Duration) {
        self.state.advance_time(by);
    }

    /// Advances a queued job by one step: a queue position, the start, a log line or the end. See [`Pace::manual`](crate::Pace::manual).
    ///
    /// Returns `false` if the job is unknown or completed.
    ///
    /// ```
    /// # async fn example(emulator: &fal_emulator::Emulator, request_id: &str) {
    /// while emulator.advance(request_id) {
    ///     // … check the status …
    /// }
    /// # }
    /// ```
    ///
    /// [`Pace::manual`]: crate::Pace::manual
    pub fn advance(&self, request_id: &str) -> bool {
        self.state.advance(request_id)
    }

    /// Advances a queued job to its end. Returns `false` if the job is unknown or completed.
    pub fn complete(&self, request_id: &str) -> bool {
        self.state.complete(request_id)
    }

    /// Holds the jobs of an endpoint that are accepted from now on: they run, and do not end until the returned value is dropped
    /// or released.
    ///
    /// Direct runs have no response, and streams and realtime inputs no output. [`advance`](Self::advance) and
    /// [`complete`](Self::complete) end a single queued job, and clients can cancel it.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_client::endpoints::fal_ai::flux::dev::redux;
    /// use fal_emulator::Emulator;
    ///
    /// let emulator = Emulator::start().await?;
    /// let hold = emulator.hold(redux::ENDPOINT);
    /// // … start three requests in tasks …
    /// let jobs = hold.wait_for(3).await;
    /// // … check that the program shows all of them as running …
    /// emulator.complete(jobs[1].request_id());
    /// hold.release();
    /// # Ok(())
    /// # }
    /// ```
    pub fn hold<E: IntoEndpoint>(&self, endpoint: E) -> Hold {
        self.close_gate(endpoint, Stage::Running)
    }

    /// Holds the jobs of an endpoint that are accepted from now on in the queue: they do not start until the returned value is
    /// dropped or released. Start timeouts pass. See [`hold`](Self::hold).
    pub fn hold_in_queue<E: IntoEndpoint>(&self, endpoint: E) -> Hold {
        self.close_gate(endpoint, Stage::Queued)
    }

    fn close_gate<E: IntoEndpoint>(&self, endpoint: E, stage: Stage) -> Hold {
        Hold { gate: self.state.gates.close(endpoint.into_id().into_owned(), stage), state: Arc::clone(&self.state) }
    }
}

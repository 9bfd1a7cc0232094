use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use fal_client::{Client, ClientBuilder};

use crate::faults::fault::Fault;
use crate::http::server::Server;
use crate::queue::accepted_job::AcceptedJob;
use crate::request::operation::Operation;
use crate::request::received_request::ReceivedRequest;
use crate::state::State;
use crate::storage::lifecycle::Lifecycle;
use crate::storage::metadata::Metadata;
use crate::storage::stored_file::StoredFile;

/// A local fal that serves while this value lives, on a port of the loopback interface.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use fal_emulator::{Emulator, Pace};
///
/// let emulator = Emulator::builder().pace(Pace::instant()).start().await?;
/// let client = emulator.client();
/// // … use the client as if it were fal's …
/// println!("{} requests were made", emulator.requests().len());
/// # Ok(())
/// # }
/// ```
///
/// It runs as a task of the tokio runtime in which it was started. Dropped, it ends at once: the port is closed and
/// open connections break off. [`shutdown`](Self::shutdown) also waits for that.
pub struct Emulator {
    pub(crate) state: Arc<State>,
    pub(crate) client: Client,
    pub(crate) server: Server,
}

impl Emulator {
    /// A client that talks to this emulator, with a key that it accepts.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// What that client is built with, for one that repeats, waits or uploads in another way.
    ///
    /// ```no_run
    /// # async fn example(emulator: fal_emulator::Emulator) -> Result<(), fal_client::Error> {
    /// let client = emulator.client_builder().retry(fal_client::RetryPolicy::none()).build()?;
    /// # drop(client);
    /// # Ok(())
    /// # }
    /// ```
    pub fn client_builder(&self) -> ClientBuilder {
        client_builder(self.base_url(), self.state.settings.keys.accepted())
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end. The fal host comes next: the endpoints' ids are below
    /// `{base_url}/fal.run/` and `{base_url}/queue.fal.run/`.
    pub fn base_url(&self) -> &str {
        &self.state.base_url
    }

    /// The ids of the endpoints that are served, sorted.
    pub fn endpoints(&self) -> impl Iterator<Item = &str> {
        self.state.catalog.ids()
    }

    /// The requests that were received, oldest first. Of very many, the last 10,000 or 256 MiB are remembered.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.state.journal.all()
    }

    /// The requests that were accepted, oldest first: queued ones and direct runs. A test that nothing was submitted
    /// twice counts them. As many are remembered as of [`requests`](Self::requests), and all that are not completed.
    pub fn jobs(&self) -> Vec<AcceptedJob> {
        self.state.jobs.all()
    }

    /// The files that were uploaded and are there, oldest first.
    pub fn files(&self) -> Vec<StoredFile> {
        self.state.store.uploaded()
    }

    /// Puts a file on the emulated CDN, as if it had been uploaded, for what reads files.
    ///
    /// # Errors
    ///
    /// What the system says where the emulator's temporary file cannot be written.
    pub fn add_file(&self, name: &str, content_type: &str, bytes: &[u8]) -> io::Result<StoredFile> {
        let mut blob = self.state.store.blob();
        blob.append(bytes)?;
        let lifecycle = Lifecycle::default();
        let metadata = Metadata { name: name.to_owned(), content_type: content_type.to_owned(), lifecycle };
        Ok(self.state.store.add(metadata, blob))
    }

    /// Orders a fault for the next request of an operation, after those that were ordered before. See [`Fault`].
    pub fn fault(&self, operation: Operation, fault: Fault) {
        self.state.faults.add(operation, fault);
    }

    /// How many ordered faults have not happened yet. A test that counts on them ends with none.
    pub fn faults_left(&self) -> usize {
        self.state.faults.count()
    }

    /// Forgets the faults that have not happened yet.
    pub fn clear_faults(&self) {
        self.state.faults.clear();
    }

    /// Closes the next so many connections as soon as they come, before anything is read from them. Connections that
    /// are open, such as those that a client keeps for its next request, stay.
    pub fn drop_connections(&self, count: usize) {
        self.state.drop_connections(count);
    }

    /// Moves the emulator's time forward. Jobs that move on by time do so, start timeouts and lifetimes pass, delays
    /// end. The clocks of the machine and of the client stay as they are.
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
        self.state.clock.advance(by);
    }

    /// Moves a queued job one step on: a place forward in the queue, the start, a log line, the end. False if there is
    /// no such job or it is completed. See [`Pace::manual`].
    ///
    /// ```
    /// # async fn example(emulator: &fal_emulator::Emulator, request_id: &str) {
    /// while emulator.advance(request_id) {
    ///     // … look at the status …
    /// }
    /// # }
    /// ```
    pub fn advance(&self, request_id: &str) -> bool {
        self.state.jobs.get(request_id).is_some_and(|job| job.advance())
    }

    /// Moves a queued job to its end. False if there is no such job or it is completed.
    pub fn complete(&self, request_id: &str) -> bool {
        let mut moved = false;
        while self.advance(request_id) {
            moved = true;
        }
        moved
    }

    /// Ends at once, as dropping does, and waits until the port is free again.
    pub async fn shutdown(mut self) {
        self.server.shutdown().await;
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").field("base_url", &self.base_url()).finish_non_exhaustive()
    }
}

pub(crate) fn client_builder(base_url: &str, key: &str) -> ClientBuilder {
    Client::builder()
        .key(key)
        .run_host(format!("{base_url}/fal.run"))
        .queue_host(format!("{base_url}/queue.fal.run"))
        .rest_host(format!("{base_url}/rest.fal.ai"))
        .api_host(format!("{base_url}/api.fal.ai"))
}

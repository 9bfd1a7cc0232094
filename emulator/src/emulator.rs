use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fal_client::{Client, ClientBuilder};

use crate::Error;
use crate::documents::{Catalog, CatalogBuilder};
use crate::http::{Fault, Keys, Operation, Port, ReceivedRequest, Server, Service, Settings};
use crate::queue::{AcceptedJob, Pace};
use crate::storage::{Lifecycle, Plan, StoredFile};

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
    service: Arc<Service>,
    client: Client,
    server: Server,
}

impl Emulator {
    /// Starts an emulator of the endpoints that `fal-client` ships, on a free port.
    ///
    /// # Errors
    ///
    /// As [`EmulatorBuilder::start`].
    pub async fn start() -> Result<Self, Error> {
        Emulator::builder().start().await
    }

    /// An emulator that differs from the usual one.
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder::default()
    }

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
        client_builder(self.base_url(), self.service.settings.keys.accepted())
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end. The fal host comes next: the endpoints' ids are below
    /// `{base_url}/fal.run/` and `{base_url}/queue.fal.run/`.
    pub fn base_url(&self) -> &str {
        &self.service.base_url
    }

    /// The ids of the endpoints that are served, sorted.
    pub fn endpoints(&self) -> impl Iterator<Item = &str> {
        self.service.catalog.ids()
    }

    /// The requests that were received, oldest first. Of very many, the last 10,000 or 256 MiB are remembered.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.service.journal.all()
    }

    /// The requests that were accepted, oldest first: queued ones and direct runs. A test that nothing was submitted
    /// twice counts them. As many are remembered as of [`requests`](Self::requests), and all that are not completed.
    pub fn jobs(&self) -> Vec<AcceptedJob> {
        self.service.queue.all()
    }

    /// The files that were uploaded and are there, oldest first.
    pub fn files(&self) -> Vec<StoredFile> {
        self.service.storage.uploaded()
    }

    /// Puts a file on the emulated CDN, as if it had been uploaded, for what reads files.
    ///
    /// # Errors
    ///
    /// What the system says where the emulator's temporary file cannot be written.
    pub fn add_file(&self, name: &str, content_type: &str, bytes: &[u8]) -> io::Result<StoredFile> {
        let mut blob = self.service.storage.blob();
        blob.append(bytes)?;
        let lifecycle = Lifecycle::default();
        let plan = Plan { name: name.to_owned(), content_type: content_type.to_owned(), lifecycle };
        Ok(self.service.storage.add(plan, blob))
    }

    /// Orders a fault for the next request of an operation, after those that were ordered before. See [`Fault`].
    pub fn fault(&self, operation: Operation, fault: Fault) {
        self.service.faults.add(operation, fault);
    }

    /// How many ordered faults have not happened yet. A test that counts on them ends with none.
    pub fn faults_left(&self) -> usize {
        self.service.faults.count()
    }

    /// Forgets the faults that have not happened yet.
    pub fn clear_faults(&self) {
        self.service.faults.clear();
    }

    /// Closes the next so many connections as soon as they come, before anything is read from them. Connections that
    /// are open, such as those that a client keeps for its next request, stay.
    pub fn drop_connections(&self, count: usize) {
        self.service.dropped_connections.fetch_add(count, Ordering::Relaxed);
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
        self.service.clock.advance(by);
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
        self.service.queue.get(request_id).is_some_and(|job| job.advance())
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

/// Says what an [`Emulator`] serves and how.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use fal_emulator::{Emulator, Pace};
///
/// let emulator = Emulator::builder()
///     .schemas("schemas") // the documents in this folder instead of the shipped ones
///     .port(4000)
///     .key("id:secret") // no other key is accepted
///     .pace(Pace::default().running(Duration::from_secs(5)))
///     .on_request(|request| eprintln!("{} {}", request.method(), request.path()))
///     .start()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "an emulator serves once it is started"]
pub struct EmulatorBuilder {
    folders: Vec<PathBuf>,
    documents: Vec<String>,
    port: u16,
    settings: Settings,
}

impl Default for EmulatorBuilder {
    fn default() -> Self {
        EmulatorBuilder {
            folders: Vec::new(),
            documents: Vec::new(),
            port: 0,
            settings: Settings {
                keys: Keys::Any,
                pace: Pace::default(),
                keep_alive: Duration::from_secs(10),
                token_lifetime: Duration::from_secs(24 * 3600),
                on_request: None,
            },
        }
    }
}

impl EmulatorBuilder {
    /// Serves the documents in a folder and the folders in it, each a `.json` file, instead of the shipped ones. Can
    /// be given several times. `.patch.json` files are left aside: the emulator serves what fal said.
    pub fn schemas(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folders.push(folder.into());
        self
    }

    /// Serves a document given as text instead of the shipped ones. Can be given several times.
    pub fn document(mut self, text: impl Into<String>) -> Self {
        self.documents.push(text.into());
        self
    }

    /// The port to listen on. By default, and for 0, the system chooses a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The only key that is accepted. By default every key is, as long as there is one.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.settings.keys = Keys::Only(key.into());
        self
    }

    /// How queued jobs move on. By default within about a second, see [`Pace`].
    pub fn pace(mut self, pace: Pace) -> Self {
        self.settings.pace = pace;
        self
    }

    /// How long a status stream is silent before it sends a comment to show that it is alive. 10 s by default.
    pub fn keep_alive(mut self, interval: Duration) -> Self {
        self.settings.keep_alive = interval;
        self
    }

    /// How long a CDN token holds. A day by default.
    pub fn token_lifetime(mut self, time: Duration) -> Self {
        self.settings.token_lifetime = time;
        self
    }

    /// Called with every request once its answer is decided, before it is sent.
    pub fn on_request(mut self, call: impl Fn(&ReceivedRequest) + Send + Sync + 'static) -> Self {
        self.settings.on_request = Some(Arc::new(call));
        self
    }

    /// Starts the emulator, in the tokio runtime of the caller.
    ///
    /// # Errors
    ///
    /// [`Error::Documents`] names every document that is none of fal's or repeats another one's endpoint,
    /// [`Error::Listen`] says that the port is taken, [`Error::Client`] that the client cannot be built.
    pub async fn start(self) -> Result<Emulator, Error> {
        let catalog = self.catalog()?;
        let port = Port::listen(self.port).await.map_err(|source| Error::Listen { port: self.port, source })?;
        let base_url = format!("http://{}", port.address);
        let client = client_builder(&base_url, self.settings.keys.accepted()).build().map_err(Error::Client)?;
        let service = Arc::new(Service::new(base_url, catalog, self.settings));
        let server = Server::start(port, Arc::clone(&service));
        Ok(Emulator { service, client, server })
    }

    fn catalog(&self) -> Result<Arc<Catalog>, Error> {
        if self.folders.is_empty() && self.documents.is_empty() {
            return Catalog::shipped();
        }
        let mut builder = CatalogBuilder::default();
        self.folders.iter().for_each(|folder| builder.folder(folder));
        for (index, text) in self.documents.iter().enumerate() {
            builder.text(&format!("document {}", index + 1), text);
        }
        builder.build().map(Arc::new).map_err(Error::Documents)
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").field("base_url", &self.base_url()).finish_non_exhaustive()
    }
}

impl fmt::Debug for EmulatorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmulatorBuilder")
            .field("folders", &self.folders)
            .field("documents", &self.documents.len())
            .field("port", &self.port)
            .field("pace", &self.settings.pace)
            .finish_non_exhaustive()
    }
}

fn client_builder(base_url: &str, key: &str) -> ClientBuilder {
    Client::builder()
        .key(key)
        .run_host(format!("{base_url}/fal.run"))
        .queue_host(format!("{base_url}/queue.fal.run"))
        .rest_host(format!("{base_url}/rest.fal.ai"))
        .api_host(format!("{base_url}/api.fal.ai"))
}

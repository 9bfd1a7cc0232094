use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fal_client::{IntoEndpoint, LockReason};
use rust_decimal::Decimal;

use crate::account;
#[cfg(feature = "tls")]
use crate::authority::Authority;
#[cfg(feature = "tls")]
use crate::emulator::with_http;
use crate::emulator::{Emulator, client_builder};
use crate::endpoints::catalog::{Catalog, CatalogBuilder};
#[cfg(feature = "record")]
use crate::error::DocumentError;
use crate::error::Error;
use crate::handlers::webhook::Couriers;
use crate::http::server::{Port, Server};
use crate::keys::Keys;
use crate::platform::price::Price;
use crate::platform::prices::Table;
use crate::queue::accepted_job::AcceptedJob;
use crate::queue::concurrency::Limits;
use crate::queue::pace::Pace;
#[cfg(feature = "record")]
use crate::record::{
    folder::Folder,
    player::Player,
    recorder::{Recorder, Upstream},
    tape::Tape,
    timeline::Speed,
};
use crate::request::journal::MAX_REQUESTS;
use crate::request::operation::Operation;
use crate::request::received_request::ReceivedRequest;
#[cfg(feature = "state")]
use crate::restore::restore;
#[cfg(feature = "state")]
use crate::saved::database::Database;
#[cfg(not(feature = "state"))]
use crate::saved::sink::Sink;
use crate::settings::Settings;
use crate::state::State;

impl Emulator {
    /// Starts an emulator of the endpoints that `fal-client` ships, on a free port.
    ///
    /// # Errors
    ///
    /// See [`EmulatorBuilder::start`].
    pub async fn start() -> Result<Self, Error> {
        Emulator::builder().start().await
    }

    /// Returns a builder for an emulator with other settings.
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder::default()
    }
}

/// Builder for [`Emulator`].
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use fal_emulator::{Emulator, Pace};
///
/// let emulator = Emulator::builder()
///     .schemas("schemas") // serve the documents in this folder
///     .port(4000)
///     .key("id:secret") // accept only this key
///     .pace(Pace::default().running(Duration::from_secs(5)))
///     .on_request(|request| eprintln!("{} {}", request.method(), request.path()))
///     .start()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "the emulator starts with `start`"]
pub struct EmulatorBuilder {
    folders: Vec<PathBuf>,
    documents: Vec<String>,
    workflows: Vec<String>,
    port: u16,
    #[cfg(feature = "tls")]
    tls: bool,
    settings: Settings,
    #[cfg(feature = "state")]
    state_file: Option<PathBuf>,
    #[cfg(feature = "record")]
    tape: Option<TapeFolder>,
    #[cfg(feature = "record")]
    upstream: Upstream,
    #[cfg(feature = "record")]
    replay_times: Option<f64>,
}

/// The folder of a recording or a replay.
#[cfg(feature = "record")]
#[derive(Clone)]
enum TapeFolder {
    Record(PathBuf),
    Replay(PathBuf),
}

#[cfg(feature = "record")]
impl TapeFolder {
    fn open(self, speed: Speed, upstream: Upstream, state: &State) -> Result<Tape, Error> {
        match self {
            TapeFolder::Record(folder) => {
                let created = Folder::create(&folder).map_err(|error| Error::Records(vec![error]))?;
                let recorder = Recorder::new(created, upstream, state.settings.keys.accepted());
                let invalid = |reason| DocumentError::new(folder.display().to_string(), reason);
                Ok(Tape::Record(Arc::new(recorder.map_err(|reason| Error::Records(vec![invalid(reason)]))?)))
            }
            TapeFolder::Replay(folder) => {
                let (folder, records) = Folder::open(&folder).map_err(Error::Records)?;
                Ok(Tape::Replay(Arc::new(Player::new(folder, records, speed, Arc::clone(&state.clock)))))
            }
        }
    }
}

impl Default for EmulatorBuilder {
    fn default() -> Self {
        EmulatorBuilder {
            folders: Vec::new(),
            documents: Vec::new(),
            workflows: Vec::new(),
            port: 0,
            #[cfg(feature = "tls")]
            tls: false,
            settings: Settings {
                keys: Keys::Any,
                account: account::State::default(),
                pace: Pace::default(),
                seed: 0,
                latency: Duration::ZERO,
                concurrency: Limits::default(),
                start_timeouts: HashMap::new(),
                keep_alive: Duration::from_secs(15),
                token_lifetime: Duration::from_secs(24 * 3600),
                output_upload_time: Duration::from_secs(1),
                session_timeout: None,
                allowed_hosts: Vec::new(),
                allows_network: false,
                webhook_hosts: Vec::new(),
                prices: Table::default(),
                rate_limit: None,
                history: MAX_REQUESTS,
                listing_delay: Duration::ZERO,
                on_job: None,
                on_request: None,
            },
            #[cfg(feature = "state")]
            state_file: None,
            #[cfg(feature = "record")]
            tape: None,
            #[cfg(feature = "record")]
            upstream: Upstream::default(),
            #[cfg(feature = "record")]
            replay_times: None,
        }
    }
}

impl EmulatorBuilder {
    /// Adds the documents in a folder and its subfolders: the same files, in the same forms, that `fal-codegen` generates types
    /// from. Patches (`NAME.patch.json`) are applied, because the generated types have them too.
    ///
    /// Default: the documents that `fal-client` ships, unless [`schemas`](Self::schemas) or
    /// [`document`](Self::document) adds others. Can be called several times.
    pub fn schemas(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folders.push(folder.into());
        self
    }

    /// Adds a document as a JSON string, in any form that a file of [`schemas`](Self::schemas) may have. Can be called several
    /// times.
    pub fn document(mut self, text: impl Into<String>) -> Self {
        self.documents.push(text.into());
        self
    }

    /// Adds a workflow by its definition as a JSON string: an object with `name` and `contents`, such as
    /// `GET /v1/workflows/{username}/{workflow_name}` of fal returns. Can be called several times.
    ///
    /// Its endpoint is `workflows/{owner}/{name}`, with the owner in `user_nickname` (default: `emulator`). Each node calls an
    /// endpoint that the emulator serves, with the outputs of earlier nodes. Streams have the events of each node.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_emulator::Emulator;
    ///
    /// let definition = serde_json::json!({
    ///     "name": "variant",
    ///     "contents": {
    ///         "nodes": {
    ///             "draw": {
    ///                 "type": "run",
    ///                 "app": "fal-ai/flux/dev/redux",
    ///                 "depends": ["input"],
    ///                 "input": { "image_url": "$input.image_url" }
    ///             }
    ///         },
    ///         "output": { "image": "$draw.images.0.url" },
    ///         "schema": { "input": { "image_url": { "name": "image_url", "type": "string", "required": true } } }
    ///     }
    /// });
    /// let emulator = Emulator::builder().workflow(definition.to_string()).start().await?;
    /// assert!(emulator.endpoints().any(|id| id == "workflows/emulator/variant"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn workflow(mut self, definition: impl Into<String>) -> Self {
        self.workflows.push(definition.into());
        self
    }

    /// Sets the port. Default: 0, which selects a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the only accepted key. Default: any key is accepted, but one is required.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.settings.keys = Keys::Only(key.into());
        self
    }

    /// Starts with a locked account, see [`Emulator::lock_account`]. Default: not locked.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_client::LockReason;
    /// use fal_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().locked(LockReason::ExhaustedBalance).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn locked(mut self, reason: LockReason) -> Self {
        self.settings.account.lock = Some(reason);
        self
    }

    /// Starts with keys that lack the permission for an operation, see [`Emulator::deny_permission`]. Default: keys have
    /// all permissions. Can be called several times.
    pub fn without_permission(mut self, operation: Operation) -> Self {
        self.settings.account.denied.insert(operation);
        self
    }

    /// Starts with keys that lack the scope ADMIN, which usage, billing events, the deletion of payloads and the account need.
    /// Their requests get a 403 response. Default: keys have it.
    pub fn without_admin_scope(mut self) -> Self {
        self.settings.account.denied.extend(account::ADMIN);
        self
    }

    /// Sets the balance of the account in dollars, from which the costs of jobs are taken. Default: 100.
    ///
    /// The account is never locked because of it, unless [`lock_when_exhausted`](Self::lock_when_exhausted) is set.
    pub fn balance(mut self, balance: Decimal) -> Self {
        self.settings.account.credits = balance;
        self
    }

    /// Locks the account while its balance is used up, as fal does. Jobs that were accepted before are completed, so that the
    /// balance may fall below zero. Default: the account is not locked.
    ///
    /// ```
    /// use fal_emulator::{Decimal, Emulator, Price};
    ///
    /// let builder = Emulator::builder()
    ///     .default_price(Price::usd(Decimal::new(1, 2), "units"))
    ///     .balance(Decimal::new(10, 2)) // ten jobs of one unit
    ///     .lock_when_exhausted();
    /// ```
    pub fn lock_when_exhausted(mut self) -> Self {
        self.settings.account.locks_when_exhausted = true;
        self
    }

    /// Sets the budget of the account in dollars. Once completed jobs cost as much, the account is locked: running jobs go on, and
    /// further ones are refused. Default: none.
    ///
    /// ```
    /// use fal_emulator::{Decimal, Emulator, Price};
    ///
    /// let builder = Emulator::builder().default_price(Price::usd(Decimal::ONE, "units")).budget(Decimal::TEN);
    /// ```
    pub fn budget(mut self, dollars: Decimal) -> Self {
        self.settings.account.budget = Some(dollars);
        self
    }

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

    /// Sets the time before each response, on the emulator's clock, to see how a program feels over a slow network. It adds to the
    /// times of [`pace`](Self::pace). Default: none.
    ///
    /// Messages of open WebSockets, and events of streams that have begun, are not delayed.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let builder = fal_emulator::Emulator::builder().latency(Duration::from_millis(80));
    /// ```
    pub fn latency(mut self, latency: Duration) -> Self {
        self.settings.latency = latency;
        self
    }

    /// Keeps the state in a file, so that it survives a restart. Default: the state is lost with the emulator.
    ///
    /// The file is an SQLite database. A response is sent once the file has what it acknowledges, so that even the sudden end of the
    /// process loses nothing that a client knows of.
    ///
    /// - Kept: requests with their inputs, progress, outputs and bills, stored files, and webhooks that are not delivered yet. Time goes
    ///   on while the emulator is off, and an [advance](Emulator::advance_time) of the clock is kept. Completed jobs stay completed;
    ///   others progress by the [`pace`](Self::pace) of the new emulator.
    /// - Not kept: keys, tokens, signatures and headers that may have them, unfinished uploads, recorded requests
    ///   ([`Emulator::requests`]), faults and other settings.
    ///
    /// The [limits](Self::history) of the memory are those of the file too. URLs of files are valid if the new emulator has the same
    /// [`port`](Self::port), or is called by fal's host names.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().state("fal.db").port(4000).start().await?;
    /// // … submit requests …
    /// emulator.shutdown().await;
    /// let emulator = Emulator::builder().state("fal.db").port(4000).start().await?; // has the requests
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "state")]
    pub fn state(mut self, file: impl Into<PathBuf>) -> Self {
        self.state_file = Some(file.into());
        self
    }

    /// Sets the time without events after which a stream, of outputs or of a status, sends a comment. Default: 15 s, as on fal.
    pub fn keep_alive(mut self, interval: Duration) -> Self {
        self.settings.keep_alive = interval;
        self
    }

    /// Sets the lifetime of CDN tokens. Default: 24 hours.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.token_lifetime = lifetime;
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

    /// Sets the time without an input after which a realtime connection ends, on the emulator's clock: with the error
    /// `TIMEOUT`, and a close frame. Default: none.
    pub fn session_timeout(mut self, time: Duration) -> Self {
        self.settings.session_timeout = Some(time);
        self
    }

    /// Adds names, without a scheme or port, under which the emulator may be called, such as those of a reverse proxy.
    /// Web pages of these hosts may call it too. Can be called several times.
    ///
    /// Default: only loopback names are served, which are `localhost`, `*.localhost`, `127.0.0.0/8` and `[::1]`. Requests
    /// with another `Host` get a 421 response, and those with another `Origin` a 403 response. They are not recorded. So
    /// a web page cannot call the emulator.
    ///
    /// ```
    /// let builder = fal_emulator::Emulator::builder().allow_hosts(["fal.internal"]);
    /// ```
    pub fn allow_hosts<H: Into<String>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        self.settings.allowed_hosts.extend(hosts.into_iter().map(Into::into));
        self
    }

    /// Serves [`Emulator::base_url`] over TLS: `https://127.0.0.1:PORT`, with a certificate of the emulator's own
    /// [authority](Emulator::certificate_authority). [`Emulator::client`] trusts it. Default: `http://127.0.0.1:PORT`.
    ///
    /// The port speaks plain HTTP and TLS in either case.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = fal_emulator::Emulator::builder().tls().start().await?;
    /// assert!(emulator.base_url().starts_with("https://127.0.0.1:"));
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Lets the emulator, as a proxy, pass connections to other hosts than fal's on. Default: they get a 403 response.
    ///
    /// Storage that others use too, which is S3 and `storage.googleapis.com`, is emulated only where fal has files in it: in the
    /// bucket of an upload policy, and for uploads that fal has initiated.
    ///
    /// ```
    /// let builder = fal_emulator::Emulator::builder().allow_network();
    /// ```
    pub fn allow_network(mut self) -> Self {
        self.settings.allows_network = true;
        self
    }

    /// Adds hosts, without a scheme or port, to which webhooks are delivered. Default: only loopback hosts. Can be called
    /// several times.
    ///
    /// fal does the opposite: it delivers to public hosts only.
    ///
    /// ```
    /// let builder = fal_emulator::Emulator::builder().allow_webhook_hosts(["app.internal"]);
    /// ```
    pub fn allow_webhook_hosts<H: Into<String>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        self.settings.webhook_hosts.extend(hosts.into_iter().map(Into::into));
        self
    }

    /// Sets the price of an endpoint, see [`Emulator::set_price`]. Default: endpoints have no price, and cost nothing. Can be
    /// called several times.
    ///
    /// ```
    /// use fal_emulator::{Decimal, Emulator, Price};
    ///
    /// let builder = Emulator::builder()
    ///     .price("fal-ai/flux/dev/redux", Price::usd(Decimal::new(25, 3), "images")) // 0.025 dollars per image
    ///     .default_price(Price::usd(Decimal::new(1, 2), "units"));
    /// ```
    pub fn price<E: IntoEndpoint>(mut self, endpoint: E, price: Price) -> Self {
        self.settings.prices.set(endpoint.into_id().into_owned(), price);
        self
    }

    /// Sets the price of the endpoints that have no other. Default: none.
    pub fn default_price(mut self, price: Price) -> Self {
        self.settings.prices.set_default(price);
        self
    }

    /// Sets the billable units of each job of an endpoint, see [`Emulator::set_billable_units`]. Default: the requested number
    /// of images, or 1. Can be called several times.
    pub fn billable_units<E: IntoEndpoint>(mut self, endpoint: E, units: Decimal) -> Self {
        self.settings.prices.set_units(endpoint.into_id().into_owned(), units);
        self
    }

    /// Limits the requests of models and their documents without a key, which fal allows fewer of. Beyond it, they get a 429 response
    /// of the type `rate_limited`, with `Retry-After`. The time is counted on the emulator's clock. Default: no limit.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let builder = fal_emulator::Emulator::builder().rate_limit(10, Duration::from_secs(60));
    /// ```
    pub fn rate_limit(mut self, requests: u32, time: Duration) -> Self {
        self.settings.rate_limit = Some((requests, time));
        self
    }

    /// Sets the number of requests, and of jobs, that the emulator keeps, at least 1. Default: 10,000.
    ///
    /// It is also the limit of unfinished jobs, beyond which requests get a 429 response. A completed job that was dropped
    /// has no status and no result. So the limit must exceed the number of concurrent jobs of a test.
    /// [`Emulator::accepted_jobs`] and [`Emulator::billed`] count all jobs, also dropped ones.
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

    /// Registers a callback for every recorded request. It runs once the response is decided, before it is sent.
    pub fn on_request(mut self, callback: impl Fn(&ReceivedRequest) + Send + Sync + 'static) -> Self {
        self.settings.on_request = Some(Arc::new(callback));
        self
    }

    /// Forwards every request to the real fal, and keeps it with its response in a folder, for [`replay`](Self::replay). The
    /// emulator serves nothing itself then. [Faults](crate::Fault) apply. fal bills the requests.
    ///
    /// The folder is created, and must have no records. It gets a JSON file for each request, one for the statuses of each job,
    /// and a subfolder with uploaded and downloaded files of up to 4 GiB. A record has no keys, tokens, signatures or cookies:
    /// they are replaced by `REMOVED`. Uploaded files are kept as they are.
    ///
    /// Requests keep their key. One with the emulator's own key gets [`record_key`](Self::record_key). WebSockets are refused,
    /// and files that the client does not download are not kept.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().record("tests/records/poster").record_key(std::env::var("FAL_KEY")?).start().await?;
    /// // … run the program with `emulator.client()` …
    /// emulator.assert_finished(); // every request was kept
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "record")]
    pub fn record(mut self, folder: impl Into<PathBuf>) -> Self {
        self.tape = Some(TapeFolder::Record(folder.into()));
        self
    }

    /// Sets the key for recorded requests that have the emulator's own key, which [`Emulator::client`] has. Default: they are
    /// sent as they are, and fal refuses them.
    #[cfg(feature = "record")]
    pub fn record_key(mut self, key: impl Into<String>) -> Self {
        self.upstream.key = Some(key.into());
        self
    }

    /// Sets the base URL of another emulator, which plays the real fal for [`record`](Self::record). Default: the real fal.
    #[cfg(feature = "record")]
    pub fn upstream(mut self, base_url: impl Into<String>) -> Self {
        self.upstream.base_url = Some(base_url.into());
        self
    }

    /// Serves the records of a folder, without a network.
    ///
    /// A request has a record with the same method, URL and body. Secrets do not count. A file counts by its content, whether it
    /// is a data URI or uploaded, under any name. A request that was recorded twice is served twice, in that order; statuses,
    /// results, downloads and tokens as often as needed. A request without a record gets a 404 response that names the nearest
    /// record, and the values that differ.
    ///
    /// The statuses of jobs progress with the [`Pace`], or with [`replay_times`](Self::replay_times).
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_emulator::{Emulator, Pace};
    ///
    /// let emulator = Emulator::builder().replay("tests/records/poster").pace(Pace::instant()).start().await?;
    /// // … run the program with `emulator.client()` …
    /// emulator.assert_finished(); // every record was used
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "record")]
    pub fn replay(mut self, folder: impl Into<PathBuf>) -> Self {
        self.tape = Some(TapeFolder::Replay(folder.into()));
        self
    }

    /// Uses the recorded times of a [replay](Self::replay), multiplied by a factor: 1 is the speed of the record, and 0.1 ten
    /// times as fast. Default: the [`Pace`].
    #[cfg(feature = "record")]
    pub fn replay_times(mut self, factor: f64) -> Self {
        self.replay_times = Some(factor);
        self
    }

    /// Starts the emulator in the current tokio runtime.
    ///
    /// # Errors
    ///
    /// - [`Error::Documents`] lists every invalid document and every duplicate endpoint.
    /// - [`Error::Records`] lists every invalid record, or says why the folder cannot be used.
    /// - [`Error::Listen`] means that the port is not available.
    /// - `Error::State`, with the feature `state`, means that the state file cannot be used, and says why.
    /// - `Error::Certificates`, with the feature `tls`, means that the certificate authority cannot be made.
    /// - [`Error::Client`] means that the client for the emulator cannot be built.
    pub async fn start(self) -> Result<Emulator, Error> {
        let catalog = self.catalog()?;
        let port = Port::listen(self.port).await.map_err(|source| Error::Listen { port: self.port, source })?;
        let base_url = self.base_url(&port);
        #[cfg(feature = "tls")]
        let authority =
            Authority::new(&self.settings.allowed_hosts).map_err(|error| Error::Certificates(error.into()))?;
        #[cfg(feature = "tls")]
        let http =
            self.tls.then(|| authority.client()).transpose().map_err(|error| Error::Certificates(error.into()))?;
        let builder = client_builder(&base_url, self.settings.keys.accepted());
        #[cfg(feature = "tls")]
        let builder = with_http(builder, http.as_ref());
        let client = builder.build().map_err(Error::Client)?;
        #[cfg(feature = "record")]
        let (tape, pace) = (self.tape.clone(), self.settings.pace.clone());
        #[cfg(feature = "record")]
        let (speed, upstream) = (self.replay_times.map_or(Speed::Pace(pace), Speed::Recorded), self.upstream.clone());
        #[cfg(feature = "state")]
        let file = self.state_file.clone();
        #[cfg(feature = "state")]
        let mut database = match &file {
            Some(file) => Some(Database::open(file).await.map_err(|reason| Error::state(file, reason))?),
            None => None,
        };
        #[cfg(feature = "state")]
        let sink = database.as_ref().map(Database::sink).unwrap_or_default();
        #[cfg(not(feature = "state"))]
        let sink = Sink::default();
        #[cfg_attr(not(feature = "record"), expect(unused_mut, reason = "only a tape is set later"))]
        let mut state = State::new(
            base_url.into(),
            #[cfg(feature = "tls")]
            authority,
            catalog,
            self.settings,
            sink,
        );
        #[cfg(feature = "record")]
        if let Some(tape) = tape {
            state.tape = Some(tape.open(speed, upstream, &state)?);
        }
        #[cfg(feature = "state")]
        if let (Some(database), Some(file)) = (&mut database, &file) {
            restore(&state, database).await.map_err(|reason| Error::state(file, reason))?;
        }
        let state = Arc::new(state);
        let server = Server::start(port, Arc::clone(&state));
        let couriers = Couriers::start(Arc::clone(&state));
        Ok(Emulator {
            state,
            client,
            #[cfg(feature = "tls")]
            http,
            server,
            _couriers: couriers,
            #[cfg(feature = "state")]
            writer: database.map(Database::start),
        })
    }

    fn base_url(&self, port: &Port) -> String {
        #[cfg(feature = "tls")]
        if self.tls {
            return format!("https://{}", port.address);
        }
        format!("http://{}", port.address)
    }

    fn catalog(&self) -> Result<Arc<Catalog>, Error> {
        let is_shipped = self.folders.is_empty() && self.documents.is_empty();
        if is_shipped && self.workflows.is_empty() {
            return Catalog::shipped();
        }
        let mut builder = CatalogBuilder::default();
        if is_shipped {
            builder.shipped();
        }
        self.folders.iter().for_each(|folder| builder.folder(folder));
        for (index, text) in self.documents.iter().enumerate() {
            builder.text(&format!("document {}", index + 1), text);
        }
        for (index, text) in self.workflows.iter().enumerate() {
            builder.workflow(&format!("workflow {}", index + 1), text);
        }
        builder.build().map(Arc::new).map_err(Error::Documents)
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

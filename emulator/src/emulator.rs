use std::collections::BTreeMap;
use std::fmt;
use std::io;
#[cfg(feature = "tls")]
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fal_client::{Client, ClientBuilder, IntoEndpoint, LockReason};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::documents::document::Document;
use crate::error::Error;
use crate::faults::fault::Fault;
use crate::handlers::webhook::Couriers;
use crate::hold::Hold;
use crate::http::server::Server;
use crate::output::maker;
use crate::output::scripted::ScriptedOutputs;
use crate::output::spec::OutputSpec;
use crate::platform::billed::Billed;
use crate::platform::model_entry::ModelEntry;
use crate::platform::price::Price;
#[cfg(feature = "tls")]
use crate::proxy::environment::ProxyEnvironment;
use crate::queue::accepted_job::AcceptedJob;
use crate::queue::gate::Stage;
#[cfg(feature = "record")]
use crate::record::tape::Tape;
use crate::request::operation::Operation;
use crate::request::received_request::ReceivedRequest;
use crate::request::requests::Requests;
#[cfg(feature = "state")]
use crate::saved::database::Writer;
use crate::state::State;
use crate::storage::lifecycle::Lifecycle;
use crate::storage::metadata::Metadata;
use crate::storage::stored_file::StoredFile;
use crate::urls::Urls;
use crate::webhooks::delivery::WebhookDelivery;
use crate::webhooks::fault::WebhookFault;

/// A local fal, which listens on a port of the loopback interface while this value lives.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use fal_emulator::{Emulator, Pace};
///
/// let emulator = Emulator::builder().pace(Pace::instant()).start().await?;
/// let client = emulator.client();
/// // … use the client …
/// println!("received {} requests", emulator.requests().len());
/// # Ok(())
/// # }
/// ```
///
/// The emulator runs as a task of the tokio runtime in which it was started. Dropping it closes the port and all
/// connections immediately. [`shutdown`](Self::shutdown) also waits until the port is free.
pub struct Emulator {
    pub(crate) state: Arc<State>,
    pub(crate) client: Client,
    /// The HTTP client that trusts the emulator, if its base URL needs that.
    #[cfg(feature = "tls")]
    pub(crate) http: Option<reqwest::Client>,
    pub(crate) server: Server,
    pub(crate) _couriers: Couriers,
    /// Writes the state file.
    #[cfg(feature = "state")]
    pub(crate) writer: Option<Writer>,
}

impl Emulator {
    /// Returns a client of this emulator, with an accepted key.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Returns a builder for a client of this emulator, to change its settings.
    ///
    /// ```no_run
    /// # async fn example(emulator: fal_emulator::Emulator) -> Result<(), fal_client::Error> {
    /// let client = emulator.client_builder().retry(fal_client::RetryPolicy::none()).build()?;
    /// # drop(client);
    /// # Ok(())
    /// # }
    /// ```
    pub fn client_builder(&self) -> ClientBuilder {
        let builder = client_builder(self.base_url(), self.state.settings.keys.accepted());
        #[cfg(feature = "tls")]
        let builder = with_http(builder, self.http.as_ref());
        builder
    }

    /// Returns the base URL, `http://127.0.0.1:PORT`, without a trailing slash. With `EmulatorBuilder::tls`, it begins with `https`.
    ///
    /// The fal host follows as the first segment of the path: `{base_url}/fal.run/{id}`,
    /// `{base_url}/queue.fal.run/{id}`.
    pub fn base_url(&self) -> &str {
        &self.state.base_url
    }

    /// Returns the certificate of the emulator's own authority, as PEM. It certifies fal's hosts and the loopback interface, is valid
    /// for a week, and its key never leaves the process. Every emulator makes another one.
    ///
    /// ```no_run
    /// # fn example(emulator: &fal_emulator::Emulator) -> std::io::Result<()> {
    /// std::fs::write("ca.pem", emulator.certificate_authority())?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    pub fn certificate_authority(&self) -> &str {
        self.state.authority.pem()
    }

    /// Writes certificates and a script for Node.js to a folder, and returns the environment that leads a program's requests for
    /// fal's real hosts to this emulator, with an accepted key. The program needs no change, whatever its language: it calls
    /// `https://queue.fal.run` through this emulator as its proxy, and accepts its certificates.
    ///
    /// - `ca.pem`: the [authority](Self::certificate_authority).
    /// - `certificates.pem`: the authorities of the system, and this one.
    /// - `preload.cjs`: for versions of Node.js that ignore `HTTPS_PROXY`, and for WebSocket packages.
    ///
    /// HTTPS connections to other hosts are refused, unless the builder
    /// [allows them](crate::EmulatorBuilder::allow_network). Hosts in the current `NO_PROXY` are reached directly, except fal's.
    ///
    /// # Errors
    ///
    /// A file cannot be written, or the path of the folder is not Unicode.
    #[cfg(feature = "tls")]
    pub fn proxy_environment(&self, folder: &Path) -> io::Result<ProxyEnvironment> {
        let State { settings, authority, .. } = &*self.state;
        ProxyEnvironment::write(folder, self.server.port, settings.keys.accepted(), authority)
    }

    /// Returns the environment variables, with their values, that make a program with fal-client use this emulator: an
    /// accepted key, and the hosts.
    ///
    /// ```no_run
    /// # fn example(emulator: &fal_emulator::Emulator) -> std::io::Result<()> {
    /// std::process::Command::new("my-app").envs(emulator.environment()).spawn()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let host = |name: &str| format!("{}/{name}", self.base_url());
        vec![
            ("FAL_KEY", self.state.settings.keys.accepted().to_owned()),
            ("FAL_RUN_HOST", host("fal.run")),
            ("FAL_QUEUE_RUN_HOST", host("queue.fal.run")),
            ("FAL_WS_RUN_HOST", host("ws.fal.run")),
            ("FAL_REST_HOST", host("rest.fal.ai")),
            ("FAL_API_HOST", host("api.fal.ai")),
            ("FAL_SITE_HOST", host("fal.ai")),
        ]
    }

    /// Returns the ids of the served endpoints, sorted.
    pub fn endpoints(&self) -> impl Iterator<Item = &str> {
        self.state.catalog.ids()
    }

    /// Returns what may be unexpected about the documents, a line each: files that look like documents and were not read
    /// (`rate.yaml`, `RATE.JSON`, hidden files, linked folders), endpoints that fal has no document of, and keys that an object
    /// has twice.
    ///
    /// ```
    /// # fn example(emulator: &fal_emulator::Emulator) {
    /// emulator.hints().for_each(|hint| eprintln!("{hint}"));
    /// # }
    /// ```
    pub fn hints(&self) -> impl Iterator<Item = &str> {
        self.state.catalog.hints()
    }

    /// Returns the received requests, oldest first. Limited to the last 10,000 requests, or
    /// [another number](crate::EmulatorBuilder::history), and 256 MiB.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.state.journal.all()
    }

    /// Returns the hosts, other than fal's, that a program wanted to reach through the emulator as its proxy, with the number of
    /// connections and requests that were refused. At most 1,000 hosts. Empty if the builder
    /// [allows them](crate::EmulatorBuilder::allow_network).
    ///
    /// ```
    /// # fn example(emulator: &fal_emulator::Emulator) {
    /// assert!(emulator.refused_hosts().is_empty(), "the program calls {:?}", emulator.refused_hosts());
    /// # }
    /// ```
    pub fn refused_hosts(&self) -> BTreeMap<String, u64> {
        self.state.refused_hosts.all()
    }

    /// Returns the calls of an endpoint that were received, to check them in a test: runs, submissions, streams, and messages of
    /// WebSockets. Requests about the calls, such as those of a status, are not among them.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_client::endpoints::fal_ai::flux::dev::redux;
    /// use fal_emulator::Emulator;
    /// use serde_json::json;
    ///
    /// let emulator = Emulator::start().await?;
    /// // … use the client …
    /// # let run = emulator.client().endpoint(redux::ENDPOINT).run(redux::Input::builder().image_url("https://example.com/fox.png")).await?;
    /// emulator.requests_to(redux::ENDPOINT).assert_count(1).assert_input(&json!({
    ///     "image_url": "https://example.com/fox.png",
    /// }));
    /// emulator.requests_to("fal-ai/flux/dev").assert_none();
    /// emulator.assert_no_mistakes();
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
    /// ```
    pub fn requests_to<E: IntoEndpoint>(&self, endpoint: E) -> Requests {
        Requests::new(endpoint.into_id().into_owned(), self.requests())
    }

    /// Waits until `count` [calls of an endpoint](Self::requests_to) were received, with their inputs, and returns all that were.
    /// Never returns if fewer arrive: a test can limit the time with `tokio::time::timeout`.
    ///
    /// ```
    /// # async fn example(emulator: fal_emulator::Emulator) {
    /// // … start the program …
    /// emulator.wait_for_requests("fal-ai/flux/dev/redux", 2).await.assert_count(2);
    /// # }
    /// ```
    pub async fn wait_for_requests<E: IntoEndpoint>(&self, endpoint: E, count: usize) -> Requests {
        let id = endpoint.into_id().into_owned();
        let mut news = self.state.journal.news();
        loop {
            // Marked as seen before the check, so that a change after the check wakes the wait.
            news.borrow_and_update();
            let requests = Requests::new(id.clone(), self.requests());
            if requests.received() >= count {
                return requests;
            }
            // The sender lives as long as the emulator, so this never fails.
            let _ = news.changed().await;
        }
    }

    /// Requires that no request had a [mistake](ReceivedRequest::mistake).
    ///
    /// # Panics
    ///
    /// If one had, with a list of all.
    #[track_caller]
    pub fn assert_no_mistakes(&self) {
        let mistakes = self.requests().into_iter().filter_map(|request| {
            let mistake = request.mistake()?;
            Some(format!("\n  {}: {mistake}", request.line()))
        });
        let mistakes: String = mistakes.collect();
        assert!(mistakes.is_empty(), "requests with a mistake:{mistakes}");
    }

    /// Requires that all injected faults have happened, see [`pending_faults`](Self::pending_faults).
    ///
    /// # Panics
    ///
    /// If one has not, with a list of all.
    #[track_caller]
    pub fn assert_no_pending_faults(&self) {
        let expected = self.state.faults.expected();
        let faults = expected.iter().map(|(operation, fault, left)| match left {
            1 => format!("\n  {operation:?}: {fault}"),
            _ => format!("\n  {operation:?}: {fault}, {left} more times"),
        });
        let webhooks = self.state.outbox.count_faults();
        let webhooks = (webhooks > 0).then(|| format!("\n  {webhooks} faults of webhooks"));
        let list: String = faults.chain(webhooks).collect();
        assert!(list.is_empty(), "faults that have not happened:{list}");
    }

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

    /// Sets the price of an endpoint, for jobs that are accepted from now on. `GET /api.fal.ai/v1/models/pricing` tells it.
    ///
    /// ```
    /// # fn example(emulator: &fal_emulator::Emulator) {
    /// use fal_emulator::{Decimal, Price};
    ///
    /// emulator.set_price("fal-ai/flux/dev/redux", Price::usd(Decimal::new(3, 2), "images"));
    /// # }
    /// ```
    pub fn set_price<E: IntoEndpoint>(&self, endpoint: E, price: Price) {
        self.state.prices.set(endpoint.into_id().into_owned(), price);
    }

    /// Sets the billable units of each job of an endpoint, for jobs that are accepted from now on: the header
    /// `x-fal-billable-units`. [`Fault::billable_units`] sets those of one job.
    ///
    /// Jobs that are cancelled, or that fail, are billed nothing.
    pub fn set_billable_units<E: IntoEndpoint>(&self, endpoint: E, units: Decimal) {
        self.state.prices.set_units(endpoint.into_id().into_owned(), units);
    }

    /// Returns what all completed jobs were billed, even if the emulator no longer keeps them.
    pub fn billed(&self) -> Billed {
        self.state.jobs.billed()
    }

    /// Returns what the completed jobs of an endpoint were billed.
    pub fn billed_on<E: IntoEndpoint>(&self, endpoint: E) -> Billed {
        self.state.jobs.billed_of(&endpoint.into_id())
    }

    /// Returns the balance of the account in dollars: what was set, without what completed jobs were billed.
    pub fn balance(&self) -> Decimal {
        self.state.balance()
    }

    /// Sets the balance of the account in dollars. Costs of jobs that are completed from now on are taken from it.
    pub fn set_balance(&self, balance: Decimal) {
        let spent = self.state.jobs.billed().cost();
        self.state.account.set_credits(balance.saturating_add(spent));
    }

    /// Sets or removes the budget of the account in dollars, see [`EmulatorBuilder::budget`](crate::EmulatorBuilder::budget). The
    /// costs of all completed jobs count.
    pub fn set_budget(&self, dollars: Option<Decimal>) {
        self.state.account.set_budget(dollars);
    }

    /// Sets the entry of an endpoint in the list of models: its status, or what is missing.
    pub fn set_model<E: IntoEndpoint>(&self, endpoint: E, entry: ModelEntry) {
        self.state.models.set(endpoint.into_id().into_owned(), entry);
    }

    /// Returns the uploaded files that have not expired, oldest first.
    pub fn files(&self) -> Vec<StoredFile> {
        self.state.store.uploaded()
    }

    /// Adds a file to the emulated CDN, as if it had been uploaded.
    ///
    /// # Errors
    ///
    /// Fails if the emulator's temporary file cannot be written, or exceeds 16 GiB, or
    /// if there are 100,000 files.
    pub fn add_file(&self, name: &str, content_type: &str, bytes: &[u8]) -> io::Result<StoredFile> {
        let mut blob = self.state.store.blob();
        blob.append(bytes)?;
        let lifecycle = Lifecycle::default();
        let metadata = Metadata { name: name.to_owned(), content_type: content_type.to_owned(), lifecycle };
        Ok(self.state.store.add(metadata, blob)?)
    }

    /// Sets the output of an endpoint: of every request that is accepted from now on, until another output is set.
    ///
    /// Inputs are still validated, and jobs still queue and run. A [fault](Self::inject_fault) takes precedence. URLs in the
    /// output stay as they are: [`add_file`](Self::add_file) returns one that the emulator serves.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fal_emulator::Emulator;
    /// # use serde_json::json;
    /// use fal_client::endpoints::fal_ai::flux::dev::redux;
    ///
    /// let emulator = Emulator::start().await?;
    /// let fox = emulator.add_file("fox.png", "image/png", b"the bytes of an image")?;
    /// emulator.answer(redux::ENDPOINT, &json!({
    ///     "images": [{ "url": fox.url() }],
    ///     "timings": {},
    ///     "seed": 7,
    ///     "has_nsfw_concepts": [false],
    ///     "prompt": "",
    /// }))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Error::UnknownEndpoint`]: the emulator has no document of the endpoint.
    /// - [`Error::InvalidOutput`]: the output does not fit the document. To test such an output, inject
    ///   [`Fault::outcome(200)`](Fault::outcome) with a body.
    pub fn answer<E: IntoEndpoint>(&self, endpoint: E, output: &Value) -> Result<(), Error> {
        self.set_output(endpoint, |outputs, document| outputs.set(document, output.clone()))
    }

    /// Sets the outputs of the next requests to an endpoint that are accepted, one each and in order, after the outputs that are
    /// set already. Later requests get the output of [`answer`](Self::answer), or one that the emulator makes.
    ///
    /// ```
    /// # fn example(emulator: &fal_emulator::Emulator) -> Result<(), fal_emulator::Error> {
    /// use fal_client::endpoints::openrouter::router;
    /// use serde_json::json;
    ///
    /// // Two requests get these outputs, and three more the same one.
    /// emulator.answer_next(router::ENDPOINT, [json!({ "output": "A fox" }), json!({ "output": "A cat" })])?;
    /// emulator.answer_next(router::ENDPOINT, std::iter::repeat_n(json!({ "output": "A lamp" }), 3))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`answer`](Self::answer). No output is set then.
    pub fn answer_next<E: IntoEndpoint>(
        &self,
        endpoint: E,
        outputs: impl IntoIterator<Item = Value>,
    ) -> Result<(), Error> {
        self.set_output(endpoint, |scripted, document| scripted.add_next(document, outputs.into_iter().collect()))
    }

    /// Sets a function that makes the output of an endpoint from the input: of every request that is accepted from now on, until
    /// another output is set. The input is valid, and may lack fields with a default.
    ///
    /// The function runs when a request is accepted, and must not block. A request whose output does not fit the document fails
    /// with the status 500 and the reason.
    ///
    /// ```
    /// # fn example(emulator: &fal_emulator::Emulator) -> Result<(), fal_emulator::Error> {
    /// use fal_client::endpoints::openrouter::router;
    /// use serde_json::json;
    ///
    /// emulator.answer_with(router::ENDPOINT, |input| json!({ "output": format!("You said {}", input["prompt"]) }))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEndpoint`]: the emulator has no document of the endpoint. [`Error::InvalidOutput`]: its document is
    /// unusable.
    pub fn answer_with<E: IntoEndpoint>(
        &self,
        endpoint: E,
        make: impl Fn(&Value) -> Value + Send + Sync + 'static,
    ) -> Result<(), Error> {
        self.set_output(endpoint, |outputs, document| outputs.set_made(document, Arc::new(make)))
    }

    fn set_output<E: IntoEndpoint>(
        &self,
        endpoint: E,
        set: impl FnOnce(&ScriptedOutputs, &Document) -> Result<(), String>,
    ) -> Result<(), Error> {
        let id = endpoint.into_id();
        let Some(endpoint) = self.state.catalog.endpoint(&id) else {
            return Err(Error::UnknownEndpoint(id.into_owned()));
        };
        let invalid = |reason| Error::InvalidOutput { endpoint: id.into_owned(), reason };
        set(&self.state.outputs, &endpoint.document).map_err(invalid)
    }

    /// Makes an output of an endpoint, as a job with this input gets it. The input is not validated, and no job is recorded. The
    /// URLs of the output work while the emulator lives.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_client::endpoints::fal_ai::flux::dev::redux;
    /// use fal_emulator::Emulator;
    /// use serde_json::json;
    ///
    /// let emulator = Emulator::start().await?;
    /// let output = emulator.sample_output(redux::ENDPOINT, &json!({ "num_images": 2 }))?;
    /// assert_eq!(output["images"].as_array().map(Vec::len), Some(2));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Error::UnknownEndpoint`]: the emulator has no document of the endpoint.
    /// - [`Error::InvalidOutput`]: no output can be made from the document.
    pub fn sample_output<E: IntoEndpoint>(&self, endpoint: E, input: &Value) -> Result<Value, Error> {
        let id = endpoint.into_id();
        let Some(endpoint) = self.state.catalog.endpoint(&id) else {
            return Err(Error::UnknownEndpoint(id.into_owned()));
        };
        let spec = OutputSpec::new(&endpoint.document, input, None, None, self.state.settings.seed);
        let made = maker::make(&endpoint.document, &spec, &Urls::Base(Arc::clone(&self.state.base_url)))
            .map_err(|reason| Error::InvalidOutput { endpoint: id.into_owned(), reason })?;
        made.files.iter().for_each(|file| self.state.store.captions.add(file.motif(), &spec.caption));
        Ok(made.output)
    }

    /// Sets the events of an endpoint's streams, from now on until other events are set. Each event is the JSON of one
    /// server-sent event, and may break the document. On a realtime connection, they are the outputs for each input.
    ///
    /// Inputs are still validated. A [fault](Self::inject_fault) takes precedence: [`Fault::events`] sets the bytes of one
    /// stream, and [`Fault::drop_response_after`] or [`Fault::stall_response_after`] end one early.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # use fal_emulator::Emulator;
    /// # use serde_json::json;
    /// use fal_client::endpoints::openrouter::router;
    ///
    /// let emulator = Emulator::start().await?;
    /// emulator.script_stream(router::ENDPOINT, [
    ///     json!({ "output": "A lamp", "partial": true }),
    ///     json!({ "type": "error", "node_id": "write", "error": { "status": 500, "body": {} } }),
    /// ])?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::UnknownEndpoint`]: the emulator has no document of the endpoint.
    pub fn script_stream<E: IntoEndpoint>(
        &self,
        endpoint: E,
        events: impl IntoIterator<Item = Value>,
    ) -> Result<(), Error> {
        let id = endpoint.into_id();
        let Some(endpoint) = self.state.catalog.endpoint(&id) else {
            return Err(Error::UnknownEndpoint(id.into_owned()));
        };
        self.state.outputs.set_series(&endpoint.document.id, events.into_iter().collect());
        Ok(())
    }

    /// Queues a fault for the next request of an operation, after the faults that are queued already. See [`Fault`].
    pub fn inject_fault(&self, operation: Operation, fault: Fault) {
        self.state.faults.add(operation, fault);
    }

    #[doc(hidden)]
    #[deprecated(note = "renamed to `Emulator::inject_fault`")]
    pub fn fault(&self, operation: Operation, fault: Fault) {
        self.inject_fault(operation, fault);
    }

    #[doc(hidden)]
    #[deprecated(note = "renamed to `Emulator::pending_faults`")]
    pub fn faults_left(&self) -> usize {
        self.pending_faults()
    }

    /// Returns the number of injected faults that have not happened yet, or not [as often](Fault::times) as they should. Faults
    /// that [repeat](Fault::repeat), or have a [probability](Fault::probability), are not counted. A test can assert at its end
    /// that it is 0.
    pub fn pending_faults(&self) -> usize {
        self.state.faults.expected().len() + self.state.outbox.count_faults()
    }

    /// Removes the faults that have not happened yet.
    pub fn clear_faults(&self) {
        self.state.faults.clear();
        self.state.outbox.clear_faults();
    }

    /// Returns the webhooks of submitted requests, oldest first. The limits of [`requests`](Self::requests) apply.
    ///
    /// When a request is completed, the emulator signs its webhook and posts it to the URL of the submission. It delivers
    /// to loopback hosts only, unless the builder
    /// [allows others](crate::EmulatorBuilder::allow_webhook_hosts). Only a response with a 2xx status is an acknowledgement.
    /// After a redirect there are no further attempts. After any other outcome the emulator retries on its clock, 31 times
    /// at most: after 5 s, 10 s, 20 s and so on up to 2 minutes, until fal would no longer keep the result. That is an hour
    /// after the completion, or six minutes for a result of 10 KB or more.
    ///
    /// The timestamps come from the clock of the system, so that receivers accept them after
    /// [`advance_time`](Self::advance_time).
    pub fn webhooks(&self) -> Vec<WebhookDelivery> {
        self.state.outbox.all()
    }

    /// Waits until the webhook of a request is delivered or has failed, or until it has had `attempts` attempts. Returns `None`
    /// if the request has no webhook.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # async fn example(emulator: &fal_emulator::Emulator, request_id: &str) {
    /// emulator.webhook_attempted(request_id, 1).await; // the receiver is not reachable
    /// emulator.advance_time(Duration::from_secs(5)); // the emulator retries
    /// emulator.webhook_attempted(request_id, 2).await;
    /// # }
    /// ```
    pub async fn webhook_attempted(&self, request_id: &str, attempts: usize) -> Option<WebhookDelivery> {
        self.state.outbox.attempted(request_id, attempts).await
    }

    /// Queues a fault for the webhook of the next submission that has one, after the faults that are queued already.
    pub fn inject_webhook_fault(&self, fault: WebhookFault) {
        self.state.outbox.add_fault(fault);
    }

    /// Replaces the key that signs webhooks. The key set has the new key only:
    /// `GET /rest.fal.ai/.well-known/jwks.json`.
    pub fn rotate_webhook_key(&self) {
        self.state.outbox.rotate_key();
    }

    /// Locks the account. Runs, streams, WebSockets, submissions, tokens and the begin of uploads get a 403 response with `User is locked`. Everything
    /// about earlier requests works.
    ///
    /// ```
    /// # use fal_emulator::Emulator;
    /// # fn example(emulator: &Emulator) {
    /// use fal_client::LockReason;
    ///
    /// emulator.lock_account(LockReason::BudgetExceeded);
    /// // … submit a request, and see how the program reacts …
    /// emulator.unlock_account();
    /// # }
    /// ```
    pub fn lock_account(&self, reason: LockReason) {
        self.state.account.set_lock(Some(reason));
    }

    /// Unlocks the account.
    pub fn unlock_account(&self) {
        self.state.account.set_lock(None);
    }

    /// Takes the permission for an operation from the keys. Its requests get a 403 response with `Insufficient permissions`.
    /// Applies to operations that need a key.
    pub fn deny_permission(&self, operation: Operation) {
        self.state.account.deny(operation);
    }

    /// Gives the permission for an operation back to the keys.
    pub fn grant_permission(&self, operation: Operation) {
        self.state.account.grant(operation);
    }

    /// Closes the next `count` connections as soon as they are accepted, before anything is read.
    ///
    /// Open connections stay open, such as those that a client reuses for its next request.
    pub fn drop_connections(&self, count: usize) {
        self.state.drop_connections(count);
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

    /// Advances a queued job by one step: a queue position, the start, a log line or the end. See [`Pace::manual`].
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
        #[cfg(feature = "record")]
        if let Some(tape) = &self.state.tape {
            return tape.advance(request_id);
        }
        self.state.jobs.get(request_id).is_some_and(|job| job.advance())
    }

    /// Advances a queued job to its end. Returns `false` if the job is unknown or completed.
    pub fn complete(&self, request_id: &str) -> bool {
        let mut advanced = false;
        while self.advance(request_id) {
            advanced = true;
        }
        advanced
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

    /// Returns the records of a [replay](crate::EmulatorBuilder::replay) that were not used, a line each: the file and its request.
    #[cfg(feature = "record")]
    pub fn unused_records(&self) -> Vec<String> {
        self.state.tape.as_ref().map(Tape::unused).unwrap_or_default()
    }

    /// Returns the requests of a [replay](crate::EmulatorBuilder::replay) that had no record, or of a
    /// [recording](crate::EmulatorBuilder::record) that were not kept, a line each with the reason.
    #[cfg(feature = "record")]
    pub fn record_problems(&self) -> Vec<String> {
        self.state.tape.as_ref().map(Tape::problems).unwrap_or_default()
    }

    /// Requires that every record of a [replay](crate::EmulatorBuilder::replay) was used, and that every request had one. Of a
    /// [recording](crate::EmulatorBuilder::record), requires that every request was kept.
    ///
    /// # Panics
    ///
    /// If that is not so, with a list of the records and the requests.
    #[cfg(feature = "record")]
    #[track_caller]
    pub fn assert_finished(&self) {
        let (problems, unused) = (self.record_problems(), self.unused_records());
        let list = |title: &str, lines: &[String]| match lines {
            [] => String::new(),
            lines => format!("\n{title}:\n  {}", lines.join("\n  ")),
        };
        let message = list("requests", &problems) + &list("records that were not used", &unused);
        assert!(message.is_empty(), "the record does not fit the requests:{message}");
    }

    /// Stops immediately, as dropping does, and waits until the port is free, and the state file is written and closed.
    pub async fn shutdown(mut self) {
        self.server.shutdown().await;
        #[cfg(feature = "state")]
        if let Some(writer) = self.writer.take() {
            writer.stop().await;
        }
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
        .site_host(format!("{base_url}/fal.ai"))
        .ws_host(format!("{base_url}/ws.fal.run"))
}

/// Gives a client the HTTP client that trusts the emulator.
#[cfg(feature = "tls")]
pub(crate) fn with_http(builder: ClientBuilder, http: Option<&reqwest::Client>) -> ClientBuilder {
    match http {
        Some(http) => builder.http_client(http.clone()),
        None => builder,
    }
}

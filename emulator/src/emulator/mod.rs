mod account;
mod faults;
mod files;
mod jobs;
mod outputs;
#[cfg(feature = "tls")]
mod proxy;
#[cfg(feature = "record")]
mod replay;
mod requests;
mod webhooks;

use std::fmt;
use std::sync::Arc;

use fal_client::{Client, ClientBuilder};

use crate::handlers::webhook::Couriers;
use crate::http::server::Server;
#[cfg(feature = "state")]
use crate::saved::database::Writer;
use crate::state::State;

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
        client_builder(
            self.base_url(),
            self.state.settings.keys.accepted(),
            #[cfg(feature = "tls")]
            self.http.as_ref(),
        )
    }

    /// Returns the base URL, `http://127.0.0.1:PORT`, without a trailing slash. With `EmulatorBuilder::tls`, it begins with `https`.
    ///
    /// The fal host follows as the first segment of the path: `{base_url}/fal.run/{id}`,
    /// `{base_url}/queue.fal.run/{id}`.
    pub fn base_url(&self) -> &str {
        &self.state.base_url
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

/// Returns a builder for a client of an emulator, with the HTTP client that trusts it if its base URL needs that.
pub(crate) fn client_builder(
    base_url: &str,
    key: &str,
    #[cfg(feature = "tls")] http: Option<&reqwest::Client>,
) -> ClientBuilder {
    let builder = Client::builder()
        .key(key)
        .run_host(format!("{base_url}/fal.run"))
        .queue_host(format!("{base_url}/queue.fal.run"))
        .rest_host(format!("{base_url}/rest.fal.ai"))
        .api_host(format!("{base_url}/api.fal.ai"))
        .site_host(format!("{base_url}/fal.ai"))
        .ws_host(format!("{base_url}/ws.fal.run"));
    #[cfg(feature = "tls")]
    if let Some(http) = http {
        return builder.http_client(http.clone());
    }
    builder
}

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::emulator::{Emulator, client_builder};
use crate::endpoints::catalog::{Catalog, CatalogBuilder};
use crate::error::Error;
use crate::http::server::{Port, Server};
use crate::keys::Keys;
use crate::queue::pace::Pace;
use crate::request::received_request::ReceivedRequest;
use crate::settings::Settings;
use crate::state::State;

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
        let state = Arc::new(State::new(base_url, catalog, self.settings));
        let server = Server::start(port, Arc::clone(&state));
        Ok(Emulator { state, client, server })
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

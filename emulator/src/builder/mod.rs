mod account;
mod documents;
mod jobs;
mod network;
#[cfg(feature = "record")]
mod record;
mod start;
#[cfg(feature = "state")]
mod state;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::account::State as AccountState;
#[cfg(feature = "record")]
use crate::builder::record::TapeSettings;
use crate::emulator::Emulator;
use crate::error::Error;
use crate::keys::Keys;
use crate::platform::prices::Table;
use crate::queue::concurrency::Limits;
use crate::queue::pace::Pace;
use crate::request::journal::MAX_REQUESTS;
use crate::settings::Settings;

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
    tape: TapeSettings,
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
                account: AccountState::default(),
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
            tape: TapeSettings::default(),
        }
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

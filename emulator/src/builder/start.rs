use std::sync::Arc;

#[cfg(feature = "tls")]
use crate::authority::Authority;
use crate::builder::EmulatorBuilder;
#[cfg(feature = "state")]
use crate::builder::state::StateFile;
use crate::emulator::{Emulator, client_builder};
use crate::error::Error;
use crate::handlers::webhook::Couriers;
use crate::http::server::{Port, Server};
#[cfg(not(feature = "state"))]
use crate::saved::sink::Sink;
use crate::state::State;

impl EmulatorBuilder {
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
        let authority = Authority::new(&self.settings.allowed_hosts).map_err(Error::certificates)?;
        #[cfg(feature = "tls")]
        let http = self.tls.then(|| authority.client()).transpose().map_err(Error::certificates)?;
        let client = client_builder(
            &base_url,
            self.settings.keys.accepted(),
            #[cfg(feature = "tls")]
            http.as_ref(),
        );
        let client = client.build().map_err(Error::Client)?;
        let clock = Arc::default();
        #[cfg(feature = "record")]
        let tape = self.tape.open(&self.settings, &clock)?;
        #[cfg(feature = "state")]
        let mut file = StateFile::open(self.state_file).await?;
        #[cfg(feature = "state")]
        let sink = file.sink();
        #[cfg(not(feature = "state"))]
        let sink = Sink::default();
        let state = Arc::new(State::new(
            base_url.into(),
            catalog,
            self.settings,
            clock,
            sink,
            #[cfg(feature = "tls")]
            authority,
            #[cfg(feature = "record")]
            tape,
        ));
        #[cfg(feature = "state")]
        file.restore(&state).await?;
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
            writer: file.start(),
        })
    }
}

use std::sync::{Arc, OnceLock};

use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use crate::error::{Error, ErrorKind};

/// Returns a TLS configuration for reqwest, with ring as the provider.
///
/// reqwest panics without a process-wide provider, and a library should not install one, so that the configuration
/// brings its own. The platform verifies certificates. Its certificate store is read once per process.
///
/// # Errors
///
/// The platform has no certificate store. If TLS is not needed (`plain`), every certificate is rejected instead.
pub(crate) fn config(plain: bool) -> Result<ClientConfig, Error> {
    static CONFIG: OnceLock<ClientConfig> = OnceLock::new();
    match CONFIG.get() {
        Some(config) => Ok(config.clone()),
        None => match new_config(false) {
            Ok(config) => Ok(CONFIG.get_or_init(|| config).clone()),
            Err(_) if plain => new_config(true),
            Err(error) => Err(error),
        },
    }
}

fn new_config(reject_all: bool) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(setup_error)?;
    let mut config = if reject_all {
        builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
    } else {
        let verifier = Arc::new(verifier(provider)?);
        builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn verifier(provider: Arc<CryptoProvider>) -> Result<Verifier, Error> {
    Verifier::new(provider).map_err(|error| {
        let message = "no certificate authorities found to verify fal's certificate: install them (on Debian: the \
                       package `ca-certificates`), or pass your own client to `Client::builder().http_client()`";
        Error::new(ErrorKind::Configuration, message).caused_by(error)
    })
}

fn setup_error(error: rustls::Error) -> Error {
    Error::new(ErrorKind::Configuration, format!("cannot set up TLS: {error}")).caused_by(error)
}

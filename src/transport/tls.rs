use std::sync::{Arc, OnceLock};

use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use crate::error::{Error, ErrorKind};

/// rustls with ring, which is handed to reqwest ready-made: a library does not install a process-wide provider, and
/// reqwest panics where there is none.
///
/// Certificates are judged by the platform. Where it has no store of authorities, that is an error, unless TLS is not
/// needed (`plain`): then no certificate is good.
///
/// The platform's store is read once in a process.
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

fn new_config(trustless: bool) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(refuse)?;
    let mut config = if trustless {
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
        let message = "this machine has no certificate authorities to check fal's certificate with; install them (on \
                       Debian the package `ca-certificates`), or give the client an HTTP client of your own";
        Error::new(ErrorKind::Configuration, message).caused_by(error)
    })
}

fn refuse(error: rustls::Error) -> Error {
    Error::new(ErrorKind::Configuration, format!("TLS cannot be set up: {error}")).caused_by(error)
}

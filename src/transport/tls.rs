//! TLS of the default HTTP client. The cargo features choose the crypto provider.

use reqwest::ClientBuilder;

use crate::error::Error;

#[cfg(feature = "rustls-no-provider")]
pub(super) use rustls::sha256;

/// Gives an HTTP client its TLS configuration. `plain` says that the client needs no TLS, as with an emulator.
///
/// # Errors
///
/// The process has no crypto provider, or the platform has no certificate store and the client needs one.
#[cfg(feature = "rustls-no-provider")]
pub(crate) fn configure(builder: ClientBuilder, plain: bool) -> Result<ClientBuilder, Error> {
    Ok(builder.tls_backend_preconfigured(rustls::config(plain)?))
}

/// Fails if the client needs TLS, because it was built without.
#[cfg(not(feature = "rustls-no-provider"))]
pub(crate) fn configure(builder: ClientBuilder, plain: bool) -> Result<ClientBuilder, Error> {
    if plain {
        return Ok(builder);
    }
    use crate::error::ErrorKind;

    let message = "fal-client was built without TLS: turn on its cargo feature `rustls` or `ring`, or pass your own \
                   client to `Client::builder().http_client()`";
    Err(Error::new(ErrorKind::Configuration, message))
}

#[cfg(feature = "rustls-no-provider")]
mod rustls {
    use std::sync::{Arc, OnceLock};

    use ::rustls::crypto::CryptoProvider;
    use ::rustls::crypto::hash::{Hash, HashAlgorithm};
    use ::rustls::{ClientConfig, Error as TlsError, RootCertStore, SupportedCipherSuite};
    use rustls_platform_verifier::Verifier;

    use crate::error::{Error, ErrorKind};

    /// Returns a TLS configuration for reqwest, which brings its provider.
    ///
    /// A library should not install a provider for the process. The platform verifies certificates. Its certificate store
    /// is read once per process. Without one, a `plain` client gets a configuration that rejects every certificate.
    pub(super) fn config(plain: bool) -> Result<ClientConfig, Error> {
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
        let provider = provider()?;
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

    /// Returns the provider that the program has installed, or else the one of the cargo features.
    fn provider() -> Result<Arc<CryptoProvider>, Error> {
        CryptoProvider::get_default().cloned().or_else(chosen_provider).ok_or_else(|| {
            let message = "no TLS crypto provider is installed: call `install_default()` of one at the start of the \
                           program, or turn on the cargo feature `rustls` or `ring` of fal-client";
            Error::new(ErrorKind::Configuration, message)
        })
    }

    fn chosen_provider() -> Option<Arc<CryptoProvider>> {
        #[cfg(feature = "rustls")]
        return Some(Arc::new(::rustls::crypto::aws_lc_rs::default_provider()));
        #[cfg(all(feature = "ring", not(feature = "rustls")))]
        return Some(Arc::new(::rustls::crypto::ring::default_provider()));
        #[cfg(not(any(feature = "ring", feature = "rustls")))]
        return None;
    }

    /// Returns the provider's SHA-256, which is part of its cipher suites. `None` if no provider is installed, or if it has none
    /// of these suites.
    pub(in crate::transport) fn sha256() -> Option<&'static dyn Hash> {
        static CHOSEN: OnceLock<Option<&'static dyn Hash>> = OnceLock::new();
        let of = |provider: &CryptoProvider| {
            let mut hashes = provider.cipher_suites.iter().map(|suite| match suite {
                SupportedCipherSuite::Tls12(suite) => suite.common.hash_provider,
                SupportedCipherSuite::Tls13(suite) => suite.common.hash_provider,
            });
            hashes.find(|hash| hash.algorithm() == HashAlgorithm::SHA256 && hash.output_len() == 32)
        };
        match CryptoProvider::get_default() {
            Some(installed) => of(installed),
            None => *CHOSEN.get_or_init(|| of(&*chosen_provider()?)),
        }
    }

    fn verifier(provider: Arc<CryptoProvider>) -> Result<Verifier, Error> {
        Verifier::new(provider).map_err(|error| {
            let message = "no certificate authorities found to verify fal's certificate: install them (on Debian: the \
                           package `ca-certificates`), or pass your own client to `Client::builder().http_client()`";
            Error::new(ErrorKind::Configuration, message).caused_by(error)
        })
    }

    fn setup_error(error: TlsError) -> Error {
        Error::new(ErrorKind::Configuration, format!("cannot set up TLS: {error}")).caused_by(error)
    }
}

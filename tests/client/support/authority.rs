use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fal_client::{Client, ClientBuilder, RetryPolicy};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use super::server::KEY;

const HOSTS: [&str; 4] = ["fal.run", "queue.fal.run", "falrun.com", "queue.falrun.com"];

/// A server's certificate for all of fal's hosts, and a client configuration that trusts it.
pub(crate) struct Authority {
    pub(crate) acceptor: TlsAcceptor,
    trust: ClientConfig,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let names = HOSTS.map(str::to_owned).to_vec();
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).expect("a certificate");
        let certificate: CertificateDer<'static> = cert.der().clone();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .expect("a server");
        let mut roots = RootCertStore::empty();
        roots.add(certificate).expect("a root");
        let trust = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Authority { acceptor: TlsAcceptor::from(Arc::new(server)), trust }
    }

    /// Builds a client that resolves fal's hosts and their backups to these addresses.
    pub(crate) fn client(&self, fal: SocketAddr, backup: SocketAddr) -> Client {
        self.builder(fal, backup).build().expect("a client")
    }

    /// Returns a builder of such a client.
    pub(crate) fn builder(&self, fal: SocketAddr, backup: SocketAddr) -> ClientBuilder {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(self.trust.clone())
            .no_proxy()
            .resolve("fal.run", fal)
            .resolve("queue.fal.run", fal)
            .resolve("falrun.com", backup)
            .resolve("queue.falrun.com", backup)
            .build()
            .expect("an HTTP client");
        let retry = RetryPolicy::default().first_delay(Duration::from_millis(1)).max_attempts(2);
        Client::builder().key(KEY).http_client(http).retry(retry)
    }
}

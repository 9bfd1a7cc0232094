use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::sync::lock;
use crate::urls::DOMAINS;

/// The lifetime of certificates, from a day before the start for clocks that are behind.
const LIFETIME: Duration = Duration::from_secs(8 * 86_400);
const DAY: Duration = Duration::from_secs(86_400);
/// The most hosts whose certificates are kept.
const MAX_HOSTS: usize = 256;
/// The domains, other than those of fal, of the hosts that the authority can certify, with all names below them.
const OTHER_DOMAINS: [&str; 4] = ["storage.googleapis.com", "amazonaws.com", "amazonaws.com.cn", LOCALHOST];
const LOCALHOST: &str = "localhost";

/// A certificate authority for one run of an emulator, limited to fal's hosts and the loopback interface. Its key stays in memory.
pub(crate) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
    /// The key of all hosts.
    key: KeyPair,
    /// The addresses of the loopback interface, and further ones.
    addresses: Vec<IpAddr>,
    /// The configuration for each host, and for the loopback interface (an empty name).
    servers: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

impl Authority {
    /// Makes an authority, also for `further` names and addresses.
    pub(crate) fn new(further: &[String]) -> Result<Self, rcgen::Error> {
        let mut addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        addresses.extend(further.iter().filter_map(|name| name.parse::<IpAddr>().ok()));
        let key = KeyPair::generate()?;
        let mut params = params("fal-emulator, a certificate authority for local tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.name_constraints =
            Some(NameConstraints { permitted_subtrees: permitted(further, &addresses), excluded_subtrees: Vec::new() });
        let pem = pem(params.self_signed(&key)?.der());
        let (issuer, key) = (Issuer::new(params, key), KeyPair::generate()?);
        Ok(Authority { pem, issuer, key, addresses, servers: Mutex::default() })
    }

    /// Returns the certificate of the authority as PEM.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// Returns an HTTP client that trusts this authority only.
    pub(crate) fn client(&self) -> Result<reqwest::Client, reqwest::Error> {
        let authority = reqwest::Certificate::from_pem(self.pem.as_bytes())?;
        reqwest::Client::builder()
            .tls_certs_only([authority])
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
    }

    /// Returns the configuration of the server for a host, or for the loopback interface.
    pub(crate) fn server(&self, host: Option<&str>) -> Option<Arc<ServerConfig>> {
        // A wildcard `*.localhost` is not an alternative: rustls refuses it below a limited authority.
        let host = host.filter(|host| *host != LOCALHOST).unwrap_or_default();
        if let Some(server) = lock(&self.servers).get(host) {
            return Some(Arc::clone(server));
        }
        let server = Arc::new(self.new_server(host)?);
        let mut servers = lock(&self.servers);
        if servers.len() >= MAX_HOSTS {
            servers.clear();
        }
        servers.insert(host.to_owned(), Arc::clone(&server));
        Some(server)
    }

    /// Returns `None` for a name that a certificate cannot have.
    fn new_server(&self, host: &str) -> Option<ServerConfig> {
        let certificate = self.certificate(host).ok()?;
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).ok()?;
        let mut server = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .ok()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.into()], key)
            .ok()?;
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Some(server)
    }

    fn certificate(&self, host: &str) -> Result<Certificate, rcgen::Error> {
        let name = if host.is_empty() { LOCALHOST } else { host };
        let mut params = params(name);
        params.subject_alt_names = vec![SanType::DnsName(name.try_into()?)];
        if host.is_empty() {
            params.subject_alt_names.extend(self.addresses.iter().copied().map(SanType::IpAddress));
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.signed_by(&self.key, &self.issuer)
    }
}

/// Shows nothing of the key.
impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    // A common name has at most 64 characters, and is not needed.
    if name.len() <= 64 {
        params.distinguished_name.push(DnType::CommonName, name);
    }
    let start = SystemTime::now() - DAY;
    params.not_before = start.into();
    params.not_after = (start + LIFETIME).into();
    params
}

fn permitted(further: &[String], addresses: &[IpAddr]) -> Vec<GeneralSubtree> {
    let is_name = |name: &&str| name.is_ascii() && name.parse::<IpAddr>().is_err();
    let further = further.iter().map(String::as_str).filter(is_name);
    let domains =
        DOMAINS.into_iter().chain(OTHER_DOMAINS).chain(further).map(|name| GeneralSubtree::DnsName(name.to_owned()));
    let networks = addresses.iter().map(|address| match address {
        IpAddr::V4(address) if address.is_loopback() => CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8),
        address => CidrSubnet::from_addr_prefix(*address, if address.is_ipv4() { 32 } else { 128 }),
    });
    domains.chain(networks.map(GeneralSubtree::IpAddress)).collect()
}

/// Writes a certificate as PEM.
pub(crate) fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for line in text.as_bytes().chunks(64) {
        pem.extend(line.iter().map(|byte| char::from(*byte)));
        pem.push('\n');
    }
    pem + "-----END CERTIFICATE-----\n"
}

#[cfg(test)]
mod tests {
    use tokio_rustls::rustls::RootCertStore;
    use tokio_rustls::rustls::client::WebPkiServerVerifier;
    use tokio_rustls::rustls::client::danger::ServerCertVerifier;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};

    use super::*;

    /// Verifies a certificate of an authority for a host, as clients do.
    fn verify(authority: &Authority, host: &str, at: UnixTime) -> Result<(), Box<dyn std::error::Error>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes())?)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
        let certificate = authority.certificate(host)?;
        verifier.verify_server_cert(certificate.der(), &[], &ServerName::try_from(host)?, &[], at)?;
        Ok(())
    }

    #[test]
    fn authority_certifies_the_hosts_of_fal_for_a_week() -> Result<(), Box<dyn std::error::Error>> {
        let authority = Authority::new(&["fal.internal".to_owned(), "b\u{fc}ro".to_owned()])?;
        let long = format!("{}.s3.eu-west-1.amazonaws.com", "b".repeat(63));
        for host in ["queue.fal.run", "fal.run", "v3b.fal.media", "app.localhost", "fal.internal", &long] {
            verify(&authority, host, UnixTime::now()).map_err(|error| format!("{host}: {error}"))?;
        }
        for host in ["evil.test", "google.com", "notfal.run", "fal.run.evil.test"] {
            assert!(verify(&authority, host, UnixTime::now()).is_err(), "{host}");
        }
        let later =
            |days: u64| UnixTime::since_unix_epoch(Duration::from_secs(UnixTime::now().as_secs() + days * 86_400));
        assert!(verify(&authority, "fal.run", later(6)).is_ok() && verify(&authority, "fal.run", later(8)).is_err());
        Ok(())
    }

    #[test]
    fn certificates_are_kept_for_a_number_of_hosts() -> Result<(), Box<dyn std::error::Error>> {
        let authority = Authority::new(&[])?;
        let first = authority.server(Some("fal.run")).ok_or("a server")?;
        assert!(Arc::ptr_eq(&first, &authority.server(Some("fal.run")).ok_or("a server")?));
        for index in 0..2 * MAX_HOSTS {
            authority.server(Some(&format!("{index}.fal.run"))).ok_or("a server")?;
        }
        assert!(lock(&authority.servers).len() <= MAX_HOSTS);
        assert!(authority.server(Some("not a name \u{fc}")).is_none());
        Ok(())
    }
}

//! Clients that trust an emulator's certificates.

use std::sync::Arc;

use fal_emulator::Emulator;
use reqwest::{Certificate, Client, Proxy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

pub(crate) fn authority(emulator: &Emulator) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(emulator.certificate_authority().as_bytes()).unwrap()
}

/// Returns the address of the port.
pub(crate) fn address(emulator: &Emulator) -> &str {
    emulator.base_url().split_once("://").unwrap().1
}

/// Returns an HTTP client that knows only the proxy and its authority.
pub(crate) fn proxied(emulator: &Emulator) -> Client {
    let proxy = Proxy::all(format!("http://{}", address(emulator))).unwrap();
    Client::builder()
        .proxy(proxy)
        .tls_certs_only([Certificate::from_der(&authority(emulator)).unwrap()])
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// Returns a TLS configuration that trusts the emulator.
pub(crate) fn tls(emulator: &Emulator) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(authority(emulator)).unwrap();
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// Speaks TLS on a connection, and names a host.
pub(crate) async fn handshake(
    config: ClientConfig,
    name: &str,
    stream: TcpStream,
) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// Speaks TLS with the port.
pub(crate) async fn secure(emulator: &Emulator, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
    handshake(tls(emulator), name, TcpStream::connect(address(emulator)).await?).await
}

/// Requests a tunnel, and returns the connection with the head of the response.
pub(crate) async fn tunnel(emulator: &Emulator, target: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address(emulator)).await.unwrap();
    stream.write_all(format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n").as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    (stream, String::from_utf8_lossy(&head).into_owned())
}

/// Opens a tunnel to a host, and speaks TLS in it.
pub(crate) async fn tunnelled(emulator: &Emulator, host: &str) -> TlsStream<TcpStream> {
    let (stream, head) = tunnel(emulator, &format!("{host}:443")).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    handshake(tls(emulator), host, stream).await.unwrap()
}

/// Sends a request over a connection, and returns the response up to its end, or up to the end of the connection.
pub(crate) async fn ask(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin), request: &str) -> String {
    let _ = stream.write_all(request.as_bytes()).await;
    let mut response = String::new();
    let mut bytes = [0; 4_096];
    while !crate::fal::is_complete(&response) {
        match stream.read(&mut bytes).await {
            Ok(count) if count > 0 => response.push_str(&String::from_utf8_lossy(&bytes[..count])),
            _ => break,
        }
    }
    response
}

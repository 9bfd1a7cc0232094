//! Uses reqwest, rustls and fal-client in one program. Any panic or error fails it.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use fal_client::{Client, ErrorKind, RetryPolicy};
use serde_json::json;

/// Only programs with a TLS client of their own need one.
const INSTALLS_PROVIDER: bool = cfg!(all(
    any(feature = "own-reqwest", feature = "own-rustls"),
    any(feature = "fal-ring", feature = "fal-rustls-no-provider"),
));
const HAS_PROVIDER: bool = cfg!(any(feature = "fal-rustls", feature = "fal-ring")) || INSTALLS_PROVIDER;

/// The first byte of a TLS connection.
const HANDSHAKE: u8 = 0x16;

fn main() -> Result<(), Box<dyn Error>> {
    if INSTALLS_PROVIDER {
        install_provider()?;
    }
    let (address, first_bytes) = server()?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        #[cfg(feature = "own-reqwest")]
        {
            let response = reqwest::Client::new().get(format!("http://{address}")).send().await?;
            assert_eq!(response.status(), 200);
            assert_ne!(first_bytes.recv()?, HANDSHAKE);
        }
        #[cfg(any(feature = "own-rustls", feature = "own-rustls-ring"))]
        {
            let roots = rustls::RootCertStore::empty();
            let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
            assert!(!config.crypto_provider().cipher_suites.is_empty());
        }
        plain(&address, &first_bytes).await?;
        #[cfg(not(any(feature = "fal-rustls", feature = "fal-ring", feature = "fal-rustls-no-provider")))]
        download(&address).await?;
        encrypted(&address, &first_bytes).await
    })
}

/// A client of an emulator needs no TLS. Only its configuration needs a provider.
async fn plain(address: &str, first_bytes: &Receiver<u8>) -> Result<(), Box<dyn Error>> {
    match client(&format!("http://{address}")) {
        Err(error) if cfg!(feature = "fal-rustls-no-provider") && !HAS_PROVIDER => assert_no_provider(&error),
        client => {
            let response = client?.endpoint("a/b").run(json!({})).await?;
            assert_eq!(response.data, json!({ "ok": true }));
            assert_ne!(first_bytes.recv()?, HANDSHAKE);
        }
    }
    Ok(())
}

/// A client without TLS says so if a file is at an `https://` URL.
#[cfg(not(any(feature = "fal-rustls", feature = "fal-ring", feature = "fal-rustls-no-provider")))]
async fn download(address: &str) -> Result<(), Box<dyn Error>> {
    let client = client(&format!("http://{address}"))?;
    let error = client.download_bytes(format!("https://{address}/a.png")).await.err().ok_or("there is no TLS")?;
    assert!(error.to_string().contains("the HTTP client has no TLS: turn on"), "{error}");
    assert!(!error.is_retryable(), "{error}");
    Ok(())
}

/// Without TLS, or without a provider, a client of fal cannot be built. Otherwise it begins a TLS handshake.
async fn encrypted(address: &str, first_bytes: &Receiver<u8>) -> Result<(), Box<dyn Error>> {
    match client(&format!("https://{address}")) {
        Err(error) if cfg!(feature = "fal-rustls-no-provider") && !HAS_PROVIDER => assert_no_provider(&error),
        Err(error) if !HAS_PROVIDER => {
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(error.to_string().contains("built without TLS"), "{error}");
        }
        client => {
            let response = client?.endpoint("a/b").run(json!({})).await;
            let error = response.err().ok_or("the server does not speak TLS")?;
            assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
            assert_eq!(first_bytes.recv()?, HANDSHAKE);
        }
    }
    Ok(())
}

fn assert_no_provider(error: &fal_client::Error) {
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("install_default"), "{error}");
}

fn client(base: &str) -> Result<Client, fal_client::Error> {
    let builder = Client::builder().key("id:secret").run_host(base).queue_host(base).rest_host(base);
    builder.retry(RetryPolicy::none()).build()
}

#[cfg(any(feature = "fal-ring", feature = "fal-rustls-no-provider"))]
fn install_provider() -> Result<(), &'static str> {
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "a provider is installed already")
}

#[cfg(not(any(feature = "fal-ring", feature = "fal-rustls-no-provider")))]
fn install_provider() -> Result<(), &'static str> {
    Ok(())
}

/// Starts a server of plain HTTP. The channel has the first byte of each connection.
fn server() -> Result<(String, Receiver<u8>), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let (sender, first_bytes) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut head = [0; 4096];
            let length = stream.read(&mut head).unwrap_or(0);
            if length > 0 && sender.send(head[0]).is_err() {
                break;
            }
            let body = r#"{"ok":true}"#;
            // A client that began a TLS handshake closes the connection.
            let _ =
                write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        }
    });
    Ok((address, first_bytes))
}

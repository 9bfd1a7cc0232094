use std::convert::Infallible;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use fal_emulator::webhook::Signer;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use crate::error::{Error, Exit};
use crate::online::data_folder;
use crate::settings::Settings;

/// The file of the key, in the folder of the project's data.
const FILE: &str = "webhook-key";

/// The path of the key set, below the REST host of a client.
const PATH: &str = "/.well-known/jwks.json";

/// Time limit for the headers of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the signer of the project. Its key is kept in a file, because a verifier that knows it fetches other keys only once
/// a minute.
///
/// # Errors
///
/// The file cannot be read or written, or has something else.
pub(crate) fn signer(settings: &Settings) -> Result<Signer, Error> {
    let file = data_folder(settings)?.join(FILE);
    match fs::read_to_string(&file) {
        Ok(text) => read(&text).map(|secret| Signer::from_secret(&secret)).ok_or_else(|| {
            let message = format!("invalid key in `{}`: expected 64 hexadecimal digits", file.display());
            Error::new(Exit::Failed, message).help("delete the file; the next run creates another key")
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let signer = Signer::generate();
            let digits: String = signer.secret().iter().map(|byte| format!("{byte:02x}")).collect();
            create(&file, &digits).map_err(|error| Error::io("write", &file, &error))?;
            Ok(signer)
        }
        Err(error) => Err(Error::io("read", &file, &error)),
    }
}

fn read(text: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut secret = [0; 32];
    for (index, byte) in secret.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(secret)
}

/// Creates a file that only the user can read.
fn create(file: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    writeln!(options.open(file)?, "{text}")
}

/// A server of the public key, as fal's REST host is one. Serves until the process ends.
#[derive(Debug)]
pub(crate) struct Keys {
    address: SocketAddr,
}

impl Keys {
    /// Starts the server on a port of the loopback interface. 0 chooses a free one.
    ///
    /// # Errors
    ///
    /// The port is not available.
    pub(crate) async fn serve(port: u16, signer: &Signer) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        tokio::spawn(accept(listener, Bytes::from(signer.jwks().to_string())));
        Ok(Keys { address })
    }

    /// Returns the value of `FAL_REST_HOST` with which a client fetches the key.
    pub(crate) fn host(&self) -> String {
        host(self.address.port())
    }

    /// Returns the URL of the key set.
    pub(crate) fn url(&self) -> String {
        format!("{}{PATH}", self.host())
    }
}

fn host(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

async fn accept(listener: TcpListener, jwks: Bytes) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Such as too many open files.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let jwks = jwks.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let response = respond(&request, &jwks);
                async move { Ok::<_, Infallible>(response) }
            });
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
            // A client may hang up at any time.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn respond(request: &Request<Incoming>, jwks: &Bytes) -> Response<Full<Bytes>> {
    let is_keys = request.uri().path() == PATH;
    let text =
        "cargo fal serves only the public key of its webhooks here. For uploads, use a client without FAL_REST_HOST.\n";
    let (status, content_type, body) = match is_keys {
        true => (StatusCode::OK, "application/json", jwks.clone()),
        false => (StatusCode::NOT_FOUND, "text/plain", Bytes::from_static(text.as_bytes())),
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(content_type));
    response
}

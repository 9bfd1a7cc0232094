use std::sync::{Mutex, PoisonError};

use costs::{Derived, ENDPOINT, Error, Output};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Direct runs without an HTTP client.
pub(crate) struct Raw {
    address: String,
    /// A whole request.
    request: Vec<u8>,
    idle: Mutex<Vec<TcpStream>>,
}

impl Raw {
    pub(crate) fn new(base: &str) -> Result<Self, Error> {
        let address = base.trim_start_matches("http://").to_owned();
        let body = serde_json::to_vec(&Derived::input())?;
        let head = format!(
            "POST /fal.run/{ENDPOINT} HTTP/1.1\r\naccept: application/json\r\nuser-agent: bare\r\n\
             content-type: application/json\r\nauthorization: Key id:secret\r\ncontent-length: {}\r\nhost: {address}\r\n\r\n",
            body.len()
        );
        Ok(Raw { address, request: [head.as_bytes(), &body].concat(), idle: Mutex::default() })
    }

    pub(crate) async fn run(&self) -> Result<(), Error> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let popped = idle().pop();
        let mut connection = match popped {
            Some(connection) => connection,
            None => TcpStream::connect(&self.address).await?,
        };
        connection.write_all(&self.request).await?;
        let mut received = Vec::with_capacity(4 << 10);
        loop {
            if connection.read_buf(&mut received).await? == 0 {
                return Err("the connection closed".into());
            }
            // The head and the body have an end each.
            if received.ends_with(b"}")
                && let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n")
            {
                serde_json::from_slice::<Output>(&received[end + 4..])?;
                break;
            }
        }
        idle().push(connection);
        Ok(())
    }
}

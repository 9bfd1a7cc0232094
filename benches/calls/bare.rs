//! The same work without fal-client: reqwest with structs that derive serde's traits, and a bare `TcpStream`.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use reqwest::{Method, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sse_core::{SseDecoder, SseEvent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Failure;
use super::way::{APP, ENDPOINT, Program, REQUEST_ID, Verb, Way};

/// The input of the flagship endpoint, with the fields that the calls set and one that they do not.
#[derive(Serialize)]
pub(crate) struct Input {
    prompt: String,
    control_image_url: String,
    image_url: String,
    mask_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    negative_prompt: Option<String>,
    image_size: Size,
    num_inference_steps: i64,
    guidance_scale: f64,
    strength: f64,
    seed: i64,
    num_images: i64,
}

#[derive(Serialize)]
struct Size {
    width: i64,
    height: i64,
}

impl Input {
    pub(crate) fn new() -> Self {
        Input {
            prompt: "Ice fortress, aurora skies, polar wildlife, twilight".to_owned(),
            control_image_url: "https://example.com/canny.png".to_owned(),
            image_url: "https://example.com/room.png".to_owned(),
            mask_url: "https://example.com/mask.png".to_owned(),
            negative_prompt: None,
            image_size: Size { width: 1280, height: 720 },
            num_inference_steps: 30,
            guidance_scale: 7.0,
            strength: 0.9,
            seed: 42,
            num_images: 2,
        }
    }
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Output {
    images: Vec<Image>,
    timings: BTreeMap<String, f64>,
    seed: i64,
    has_nsfw_concepts: Vec<bool>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Image {
    url: String,
    content_type: Option<String>,
    file_name: Option<String>,
    file_size: Option<u64>,
    width: Option<i64>,
    height: Option<i64>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Job {
    request_id: String,
    response_url: String,
    status_url: String,
    cancel_url: String,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Status {
    status: String,
    metrics: Option<Metrics>,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Metrics {
    inference_time: Option<f64>,
}

#[derive(Deserialize)]
struct Cancellation {
    status: String,
}

/// A client, and what it sends.
pub(crate) struct Bare {
    http: reqwest::Client,
    base: String,
    body: Bytes,
    /// A whole request for the connections without an HTTP client, and those that are idle.
    request: Vec<u8>,
    idle: Mutex<Vec<TcpStream>>,
}

impl Bare {
    /// Creates the client with the options of fal-client, which matter as much as the code.
    pub(crate) fn new(base: &str) -> Result<Self, Failure> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .connect_timeout(Duration::from_secs(5))
            .pool_idle_timeout(Duration::from_secs(20))
            .build()?;
        let body = serde_json::to_vec(&Input::new())?;
        let host = base.trim_start_matches("http://");
        let mut request = format!(
            "POST /fal.run/{ENDPOINT} HTTP/1.1\r\naccept: application/json\r\nuser-agent: bare\r\n\
             content-type: application/json\r\nauthorization: Key id:secret\r\ncontent-length: {}\r\nhost: {host}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(&body);
        Ok(Bare { http, base: base.to_owned(), body: body.into(), request, idle: Mutex::default() })
    }

    /// Makes a call once.
    pub(crate) async fn call(&self, way: Way) -> Result<(), Failure> {
        let is_expected = match (way.verb, way.program) {
            (Verb::Run, Program::Raw) => self.raw().await?.images.len() == 2,
            (Verb::Run, Program::Serialized) => self.run(self.body.clone()).await?.images.len() == 2,
            (Verb::Run, _) => self.run(serde_json::to_vec(&Input::new())?.into()).await?.images.len() == 2,
            (Verb::Submit, _) => self.submit().await?.request_id == REQUEST_ID,
            (Verb::Status, _) => {
                let url = format!("{}/queue.fal.run/{APP}/requests/{REQUEST_ID}/status?logs=0", self.base);
                json::<Status>(self.send(Method::GET, url, None).await?).await?.status == "COMPLETED"
            }
            (Verb::Result, _) => self.result().await?.images.len() == 2,
            (Verb::Cancel, _) => {
                let url = format!("{}/queue.fal.run/{APP}/requests/{REQUEST_ID}/cancel", self.base);
                let response = self.send(Method::PUT, url, Some(Bytes::new())).await?;
                json::<Cancellation>(response).await?.status == "CANCELLATION_REQUESTED"
            }
            (Verb::Subscribe, _) => {
                self.submit().await?;
                let url = format!("{}/queue.fal.run/{APP}/requests/{REQUEST_ID}/status/stream?logs=0", self.base);
                let statuses: Vec<Status> = events(self.send(Method::GET, url, None).await?).await?;
                statuses.last().is_some_and(|status| status.status == "COMPLETED") && self.result().await?.seed > 0
            }
            (Verb::Stream, _) => {
                let url = format!("{}/fal.run/{ENDPOINT}/stream", self.base);
                let body = serde_json::to_vec(&Input::new())?.into();
                let outputs: Vec<Output> = events(self.send(Method::POST, url, Some(body)).await?).await?;
                outputs.len() == super::server::EVENTS
            }
        };
        if is_expected { Ok(()) } else { Err("unexpected response".into()) }
    }

    async fn run(&self, body: Bytes) -> Result<Output, Failure> {
        json(self.send(Method::POST, format!("{}/fal.run/{ENDPOINT}", self.base), Some(body)).await?).await
    }

    async fn submit(&self) -> Result<Job, Failure> {
        let body = serde_json::to_vec(&Input::new())?.into();
        json(self.send(Method::POST, format!("{}/queue.fal.run/{ENDPOINT}", self.base), Some(body)).await?).await
    }

    async fn result(&self) -> Result<Output, Failure> {
        let url = format!("{}/queue.fal.run/{APP}/requests/{REQUEST_ID}", self.base);
        json(self.send(Method::GET, url, None).await?).await
    }

    async fn send(&self, method: Method, url: String, body: Option<Bytes>) -> Result<Response, Failure> {
        let mut request = self.http.request(method, url);
        request = request.header("accept", "application/json").header("user-agent", "bare");
        request = request.header("authorization", "Key id:secret");
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        Ok(request.send().await?.error_for_status()?)
    }

    async fn raw(&self) -> Result<Output, Failure> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let popped = idle().pop();
        let mut connection = match popped {
            Some(connection) => connection,
            None => TcpStream::connect(self.base.trim_start_matches("http://")).await?,
        };
        connection.write_all(&self.request).await?;
        let mut received = Vec::with_capacity(4 << 10);
        let output = loop {
            if connection.read_buf(&mut received).await? == 0 {
                return Err("the connection closed".into());
            }
            // The head and the body have an end each.
            if received.ends_with(b"}")
                && let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n")
            {
                break serde_json::from_slice(&received[end + 4..])?;
            }
        };
        idle().push(connection);
        Ok(output)
    }
}

async fn json<T: DeserializeOwned>(response: Response) -> Result<T, Failure> {
    Ok(serde_json::from_slice(&response.bytes().await?)?)
}

async fn events<T: DeserializeOwned>(response: Response) -> Result<Vec<T>, Failure> {
    let mut chunks = response.bytes_stream();
    let mut decoder = SseDecoder::with_limit(NonZeroUsize::MAX);
    let mut events = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let mut chunk = chunk?;
        while let Some(event) = decoder.next(&mut chunk) {
            if let SseEvent::Message(message) = event? {
                events.push(serde_json::from_str(&message.data)?);
            }
        }
    }
    Ok(events)
}

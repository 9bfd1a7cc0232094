//! An emulator and plain HTTP requests to it, shared by all tests.

use std::ops::Deref;

use fal_emulator::{Emulator, EmulatorBuilder, Pace};
use futures_util::{Stream, StreamExt, pin_mut};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

pub(crate) const INPAINTING: &str = "fal-ai/fast-sdxl-controlnet-canny/inpainting";
pub(crate) const APP: &str = "fal-ai/fast-sdxl-controlnet-canny";

/// A running emulator and an HTTP client that knows only its URL.
pub(crate) struct Fal {
    pub(crate) emulator: Emulator,
    pub(crate) http: Client,
}

impl Deref for Fal {
    type Target = Emulator;

    fn deref(&self) -> &Emulator {
        &self.emulator
    }
}

/// A response with its whole body.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Reply {
    /// Returns the status, and the type of a platform API error.
    pub(crate) fn error(&self) -> (u16, &str) {
        (self.status, self.body["error"]["type"].as_str().unwrap_or_default())
    }
}

impl Fal {
    /// Starts an emulator of the shipped documents with [`Pace::instant`].
    pub(crate) async fn instant() -> Self {
        Fal::start(Emulator::builder().pace(Pace::instant())).await
    }

    /// Starts an emulator of the shipped documents with [`Pace::manual`].
    pub(crate) async fn manual() -> Self {
        Fal::start(Emulator::builder().pace(Pace::manual())).await
    }

    pub(crate) async fn start(builder: EmulatorBuilder) -> Self {
        Fal { emulator: builder.start().await.unwrap(), http: Client::builder().no_proxy().build().unwrap() }
    }

    /// Builds a request with a key.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).header("authorization", "Key id:secret")
    }

    pub(crate) fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base_url()))
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        send(self.request(Method::GET, path)).await
    }

    /// Requests a path of the platform API.
    pub(crate) async fn platform(&self, path: &str) -> Reply {
        self.get(&format!("/api.fal.ai/v1{path}")).await
    }

    pub(crate) async fn put(&self, path: &str) -> Reply {
        send(self.request(Method::PUT, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        send(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn run(&self, id: &str, input: &Value) -> Reply {
        self.post(&format!("/fal.run/{id}"), input).await
    }

    /// Submits an input, and returns the job.
    pub(crate) async fn submit(&self, id: &str, input: &Value) -> Job {
        let reply = self.post(&format!("/queue.fal.run/{id}"), input).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let path = reply.body["response_url"].as_str().unwrap().strip_prefix(self.base_url()).unwrap().to_owned();
        Job { id: reply.body["request_id"].as_str().unwrap().to_owned(), path }
    }
}

impl Fal {
    /// Returns a CDN token as an `Authorization` header.
    pub(crate) async fn token(&self) -> String {
        let reply = self.post("/rest.fal.ai/storage/auth/token?storage_type=fal-cdn-v3", &json!({})).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        format!("{} {}", reply.body["token_type"].as_str().unwrap(), reply.body["token"].as_str().unwrap())
    }

    /// Builds an upload request with a token.
    pub(crate) fn upload(&self, token: &str, content_type: &str, bytes: impl Into<reqwest::Body>) -> RequestBuilder {
        let request = self.http.post(format!("{}/v3.fal.media/files/upload", self.base_url()));
        request.header("authorization", token).header("content-type", content_type).body(bytes)
    }

    /// Uploads a file, and returns its URL.
    pub(crate) async fn uploaded(&self, content_type: &str, bytes: impl Into<reqwest::Body>) -> String {
        let reply = send(self.upload(&self.token().await, content_type, bytes)).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.body["access_url"].as_str().unwrap().to_owned()
    }

    /// Initiates an upload, and returns the upload URL and the file URL.
    pub(crate) async fn initiate(&self, storage_type: &str, content_type: &str) -> (String, String) {
        let path = format!("/rest.fal.ai/storage/upload/initiate?storage_type={storage_type}");
        let reply = self.post(&path, &json!({ "content_type": content_type, "file_name": "a.txt" })).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let url = |name: &str| reply.body[name].as_str().unwrap().to_owned();
        (url("upload_url"), url("file_url"))
    }
}

pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) path: String,
}

impl Job {
    pub(crate) fn status(&self) -> String {
        format!("{}/status", self.path)
    }

    pub(crate) fn stream(&self) -> String {
        format!("{}/status/stream", self.path)
    }

    pub(crate) fn cancel(&self) -> String {
        format!("{}/cancel", self.path)
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await.unwrap();
    Reply { status, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) }
}

/// Parses the events of a stream. An error means that the stream broke.
pub(crate) fn events(response: Response) -> impl Stream<Item = Result<Event, reqwest::Error>> {
    assert_eq!(response.status(), StatusCode::OK);
    let bytes = response.bytes_stream();
    futures_util::stream::unfold((Box::pin(bytes), String::new()), |(mut bytes, mut text)| async move {
        loop {
            if let Some((block, rest)) = text.split_once("\n\n") {
                let event = match block.strip_prefix("data: ") {
                    Some(data) => Event::Status(serde_json::from_str(data).unwrap()),
                    None => Event::Comment(block.to_owned()),
                };
                let rest = rest.to_owned();
                return Some((Ok(event), (bytes, rest)));
            }
            match bytes.next().await? {
                Ok(chunk) => text.push_str(std::str::from_utf8(&chunk).unwrap()),
                Err(error) => return Some((Err(error), (bytes, text))),
            }
        }
    })
}

#[derive(Debug, PartialEq)]
pub(crate) enum Event {
    Status(Value),
    Comment(String),
}

/// Returns the next status of a stream, or `None` at its end. Skips comments.
pub(crate) async fn next_status(
    events: &mut (impl Stream<Item = Result<Event, reqwest::Error>> + Unpin),
) -> Option<Value> {
    loop {
        match events.next().await?.unwrap() {
            Event::Status(status) => return Some(status),
            Event::Comment(_) => {}
        }
    }
}

/// Returns a valid input of the flagship endpoint.
pub(crate) fn inpainting() -> Value {
    json!({
        "prompt": "Ice fortress",
        "control_image_url": "https://example.com/control.png",
        "image_url": "https://example.com/image.png",
        "mask_url": "https://example.com/mask.png",
    })
}

/// Returns [`inpainting`] with additional fields.
pub(crate) fn inpainting_with(fields: Value) -> Value {
    let mut input = inpainting();
    for (name, value) in fields.as_object().unwrap() {
        input[name] = value.clone();
    }
    input
}

/// Returns all statuses of a stream.
pub(crate) async fn all_statuses(response: Response) -> Vec<Value> {
    let events = events(response);
    pin_mut!(events);
    let mut statuses = Vec::new();
    while let Some(status) = next_status(&mut events).await {
        statuses.push(status);
    }
    statuses
}

/// Returns an endpoint's document in fal's format.
pub(crate) fn document(id: &str, input: &Value, output: &Value, components: &Value) -> String {
    let content = |schema: &Value| json!({ "application/json": { "schema": schema } });
    json!({
        "openapi": "3.0.4",
        "info": { "x-fal-metadata": { "endpointId": id } },
        "components": { "schemas": components },
        "paths": {
            format!("/{id}"): { "post": { "requestBody": { "content": content(input) } } },
            format!("/{id}/requests/{{request_id}}"): {
                "get": { "responses": { "200": { "content": content(output) } } },
            },
        },
    })
    .to_string()
}

/// Returns the schema of an object without required properties.
pub(crate) fn object(properties: &Value) -> Value {
    json!({ "type": "object", "properties": properties })
}

/// Sends bytes over a new connection, and returns the status and the response. The status is 0 without a response.
pub(crate) async fn raw(fal: &Fal, request: &str) -> (u16, String) {
    let mut connection = TcpStream::connect(fal.base_url().trim_start_matches("http://")).await.unwrap();
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    while !is_complete(&response) {
        let mut bytes = [0; 4_096];
        match connection.read(&mut bytes).await {
            Ok(count) if count > 0 => response.push_str(&String::from_utf8_lossy(&bytes[..count])),
            _ => break,
        }
    }
    let status = response.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    (status.unwrap_or(0), response)
}

pub(crate) fn is_complete(response: &str) -> bool {
    response.split_once("\r\n\r\n").is_some_and(|(head, body)| {
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        length.is_some_and(|length| body.len() >= length.parse().unwrap())
    })
}

pub(crate) type Socket = WebSocketStream<TcpStream>;

/// Opens a WebSocket. The error has the response to a handshake that was refused.
pub(crate) async fn connect(fal: &Fal, path: &str, headers: &[(&'static str, &str)]) -> Result<Socket, Error> {
    let address = fal.base_url().trim_start_matches("http://");
    let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let connection = TcpStream::connect(address).await.unwrap();
    Ok(client_async(request, connection).await?.0)
}

/// Returns the status of a refused handshake.
pub(crate) fn refused(connected: Result<Socket, Error>) -> u16 {
    match connected {
        Err(Error::Http(response)) => response.status().as_u16(),
        other => panic!("unexpected {other:?}"),
    }
}

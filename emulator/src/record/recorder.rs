use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, HeaderMap, HeaderName,
    HeaderValue, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use hyper::{Method, Response, StatusCode};
use serde_json::Value;

use crate::record::folder::{Draft, Folder};
use crate::record::forms;
use crate::record::records::{
    Record, RecordedBody, RecordedEvent, RecordedFile, RecordedJob, RecordedRequest, RecordedResponse, VERSION,
};
use crate::record::scrub::Secrets;
use crate::record::sse::Splitter;
use crate::request::fal_host;
use crate::request::operation::Operation;
use crate::request::received::Received;
use crate::request::secret_name::is_secret_name;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Body, Dropped, Reply};
use crate::storage::content::{Blob, Content};
use crate::sync::lock;
use crate::urls::Urls;

/// The most bytes of a response that is read before it is passed on: one whose URLs are replaced.
const MAX_TEXT_BYTES: usize = 64 << 20;

/// The most polled statuses of a job, apart from one for each phase.
const MAX_STATUSES: usize = 200;

/// Forwards requests to the real fal, and keeps them in a folder.
pub(crate) struct Recorder {
    folder: Folder,
    http: reqwest::Client,
    /// The base URL of an emulator that plays the real fal.
    upstream: Option<String>,
    /// The key for requests that have the emulator's own.
    key: Option<String>,
    own_key: String,
    secrets: Secrets,
    /// The number of exchanges that began.
    begun: AtomicUsize,
    /// The times of submissions, by request id, until the first status.
    submitted: Mutex<HashMap<String, Instant>>,
    jobs: Mutex<HashMap<String, JobLog>>,
    /// The last record of each request that clients repeat.
    repeated: Mutex<HashMap<String, String>>,
    problems: Mutex<Vec<String>>,
}

/// The settings of a recorder.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upstream {
    pub(crate) base_url: Option<String>,
    pub(crate) key: Option<String>,
}

/// The statuses of a job so far.
struct JobLog {
    name: String,
    submitted: Instant,
    job: RecordedJob,
    /// The last polled status, and the last streamed one.
    last: [String; 2],
}

/// An exchange in progress.
struct Exchange {
    number: usize,
    start: Instant,
    operation: Operation,
    request: RecordedRequest,
    /// The path with the host.
    path: String,
    status: u16,
    headers: BTreeMap<String, String>,
}

impl Recorder {
    pub(crate) fn new(folder: Folder, upstream: Upstream, own_key: &str) -> Result<Self, String> {
        let mut http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        if upstream.base_url.is_some() {
            http = http.no_proxy();
        }
        let secrets = Secrets::default();
        upstream.key.iter().for_each(|key| secrets.add_key(key));
        Ok(Recorder {
            folder,
            http: http.build().map_err(|error| error.to_string())?,
            upstream: upstream.base_url.map(|url| url.trim_end_matches('/').to_owned()),
            key: upstream.key,
            own_key: own_key.to_owned(),
            secrets,
            begun: AtomicUsize::new(0),
            submitted: Mutex::default(),
            jobs: Mutex::default(),
            repeated: Mutex::default(),
            problems: Mutex::default(),
        })
    }

    /// Returns what was not recorded, a line each.
    pub(crate) fn problems(&self) -> Vec<String> {
        lock(&self.problems).clone()
    }

    pub(super) fn problem(&self, problem: String) {
        lock(&self.problems).push(self.secrets.scrub(&problem));
    }

    /// Forwards a request, and responds as the real fal does. URLs have the form of the request.
    pub(crate) async fn forward(self: &Arc<Self>, received: &Received, file: Option<Blob>) -> Result<Reply, Refusal> {
        let number = self.begun.fetch_add(1, Relaxed) + 1;
        self.learn(received);
        let target = received.target().to_owned();
        let bytes = Bytes::copy_from_slice(received.body());
        let file = file.filter(|file| file.size() > 0).map(Content::from);
        let kept = self.request(received, &target, &bytes, file.as_ref());
        let request = kept.await.map_err(|error| unwritable(&error))?;
        let url = match &self.upstream {
            Some(base) => format!("{base}{target}"),
            None => format!("https:/{target}"),
        };
        let method = received.method().clone();
        let mut outgoing = self.http.request(method, url).headers(self.outgoing_headers(received));
        outgoing = match file {
            Some(content) => {
                let size = content.size();
                outgoing
                    .header(CONTENT_LENGTH, size)
                    .body(reqwest::Body::wrap_stream(stream::iter(content.chunks(0..size))))
            }
            None if bytes.is_empty() => outgoing,
            None => outgoing.body(self.outgoing_body(received, bytes)),
        };
        let start = Instant::now();
        let response = outgoing.send().await.map_err(|error| {
            let reason = format!("cannot reach the real fal: {}", chain(&error.without_url()));
            self.problem(format!("{} {}: {reason}", received.method(), received.path()));
            Refusal::Detail(StatusCode::BAD_GATEWAY, reason)
        })?;
        let mut headers = self.kept_headers(response.headers());
        if received.method() != Method::HEAD {
            headers.remove(CONTENT_LENGTH.as_str());
        }
        let exchange = Exchange {
            number,
            start,
            operation: received.operation(),
            request,
            path: self.secrets.scrub(received.path().trim_end_matches('/')),
            status: response.status().as_u16(),
            headers,
        };
        self.pass_on(received, exchange, response).await
    }

    /// Learns the secrets of a request.
    fn learn(&self, received: &Received) {
        self.secrets.add_headers(received.headers());
        self.secrets.add_query(received.target().split_once('?').map_or("", |(_, query)| query));
        if let Ok(input) = received.input() {
            self.secrets.add_json(input, false);
        } else if let Ok(form) = std::str::from_utf8(received.body()) {
            self.secrets.add_query(form);
        }
    }

    async fn request(
        &self,
        received: &Received,
        target: &str,
        bytes: &Bytes,
        file: Option<&Content>,
    ) -> io::Result<RecordedRequest> {
        let content_type = received.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let body = match file {
            Some(content) => {
                let (draft, content) = (self.folder.draft()?, content.clone());
                let written = tokio::task::spawn_blocking(move || {
                    let mut draft = draft;
                    for chunk in content.chunks(0..content.size()) {
                        draft.append(&chunk?)?;
                    }
                    Ok::<_, io::Error>(draft)
                });
                let draft = written.await.map_err(io::Error::other)??;
                Some(RecordedBody::File(self.folder.keep(draft, content_type)?))
            }
            None if bytes.is_empty() => None,
            None => match std::str::from_utf8(bytes) {
                Ok(text) => Some(RecordedBody::of_text(self.secrets.scrub(&real(received.urls(), text)))),
                Err(_) => Some(RecordedBody::File(self.keep_bytes(bytes, content_type)?)),
            },
        };
        let mut headers = BTreeMap::new();
        for (name, value) in received.headers() {
            let is_kept = *name == CONTENT_TYPE || name == "range" || name.as_str().starts_with("x-fal-");
            if let (true, false, Ok(value)) = (is_kept, is_secret_name(name.as_str()), value.to_str()) {
                headers.insert(name.as_str().to_owned(), self.secrets.scrub(value));
            }
        }
        let url = self.secrets.scrub(&format!("https:/{target}"));
        Ok(RecordedRequest { method: received.method().to_string(), url, headers, body })
    }

    fn keep_bytes(&self, bytes: &[u8], content_type: &str) -> io::Result<RecordedFile> {
        let mut draft = self.folder.draft()?;
        draft.append(bytes)?;
        self.folder.keep(draft, content_type)
    }

    fn outgoing_headers(&self, received: &Received) -> HeaderMap {
        let mut headers = received.headers().clone();
        let hop_by_hop = [HOST, CONNECTION, CONTENT_LENGTH, EXPECT, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];
        hop_by_hop.iter().chain(&[PROXY_AUTHORIZATION]).for_each(|name| drop(headers.remove(name)));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let is_own = received.header(AUTHORIZATION.as_str()).and_then(|header| header.strip_prefix("Key "))
            == Some(&self.own_key);
        // The key of the user is for fal only.
        let is_of_fal = !fal_host::keeps_files(received.path().split('/').nth(1).unwrap_or_default());
        let key = self
            .key
            .as_ref()
            .filter(|_| is_own && is_of_fal)
            .and_then(|key| HeaderValue::from_str(&format!("Key {key}")).ok());
        if let Some(key) = key {
            headers.insert(AUTHORIZATION, key);
        }
        headers
    }

    /// Returns a body with the URLs of the upstream.
    fn outgoing_body(&self, received: &Received, bytes: Bytes) -> Bytes {
        let Ok(text) = std::str::from_utf8(&bytes) else { return bytes };
        let text = real(received.urls(), text);
        match &self.upstream {
            Some(base) => forms::to_base(&text, base).into_owned().into(),
            None => text.into_owned().into(),
        }
    }

    /// Returns the headers of a response that are kept.
    fn kept_headers(&self, headers: &HeaderMap) -> BTreeMap<String, String> {
        const KEPT: [&str; 12] = [
            "content-type",
            "content-disposition",
            "content-encoding",
            "content-range",
            "accept-ranges",
            "etag",
            "last-modified",
            "cache-control",
            "retry-after",
            "location",
            "allow",
            "content-length",
        ];
        self.secrets.add_headers(headers);
        let mut kept = BTreeMap::new();
        for (name, value) in headers {
            let name = name.as_str();
            let is_kept = KEPT.contains(&name) || (name.starts_with("x-") && !is_secret_name(name));
            if let (true, Ok(value)) = (is_kept, value.to_str()) {
                kept.insert(name.to_owned(), self.secrets.scrub(&self.to_real(value)));
            }
        }
        kept
    }

    /// Replaces the URLs of the upstream by those of the real fal.
    fn to_real(&self, text: &str) -> String {
        match &self.upstream {
            Some(base) => forms::to_real(text, base).into_owned(),
            None => text.to_owned(),
        }
    }

    /// Passes a response on, and keeps it.
    async fn pass_on(
        self: &Arc<Self>,
        received: &Received,
        exchange: Exchange,
        response: reqwest::Response,
    ) -> Result<Reply, Refusal> {
        let urls = received.urls().clone();
        let content_type = exchange.headers.get(CONTENT_TYPE.as_str()).cloned().unwrap_or_default();
        let is_text = exchange.operation != Operation::Media
            && !exchange.headers.contains_key("content-encoding")
            && ["json", "text/", "xml"].iter().any(|part| content_type.contains(part));
        let (mut reply, length) = (self.head(&urls, &response), response.content_length());
        // The body of such a response is never read.
        let is_empty = received.method() == Method::HEAD || length == Some(0);
        if is_empty || matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
            if received.method() != Method::HEAD {
                reply.headers_mut().remove(CONTENT_LENGTH);
            }
            self.finish(exchange, Ok(None));
            return Ok(reply);
        }
        if !is_text {
            let tee =
                FileTee { draft: self.folder.draft().map_err(|error| unwritable(&error))?, left: length, content_type };
            *reply.body_mut() = tee.into_body(Arc::clone(self), exchange, response);
            return Ok(reply);
        }
        reply.headers_mut().remove(CONTENT_LENGTH);
        if content_type.starts_with("text/event-stream") {
            *reply.body_mut() = EventTee::new(Arc::clone(self), exchange, urls, response).into_body();
            return Ok(reply);
        }
        let broken = |reason: String| {
            let reason = format!("the response of the real fal broke: {reason}");
            self.problem(format!("{} {}: {reason}", received.method(), received.path()));
            Refusal::Detail(StatusCode::BAD_GATEWAY, reason)
        };
        let mut response = response;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| broken(chain(&error.without_url())))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_TEXT_BYTES {
                return Err(broken(format!("it has more than {} MiB", MAX_TEXT_BYTES >> 20)));
            }
        }
        let text = match String::from_utf8(bytes) {
            Ok(text) => self.to_real(&text),
            Err(error) => {
                let bytes = error.into_bytes();
                let kept = self.keep_bytes(&bytes, &content_type);
                self.finish(exchange, kept.map(|file| Some(RecordedBody::File(file))));
                *reply.body_mut() = reply::full(bytes.into());
                return Ok(reply);
            }
        };
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        // An output may have a field `token` that is not a secret.
        if !exchange.path.starts_with("/fal.run/") && !exchange.path.starts_with("/queue.") {
            let is_token = matches!(exchange.operation, Operation::Token | Operation::CdnToken);
            self.secrets.add_json(&value, is_token);
        }
        if exchange.operation == Operation::Submit
            && let Some(id) = value.get("request_id").and_then(Value::as_str)
        {
            received.set_request_id(id);
            lock(&self.submitted).insert(id.to_owned(), exchange.start);
        }
        let is_status = exchange.operation == Operation::Status && value.get("status").is_some();
        match is_status {
            true => self.status(exchange, &text),
            false => {
                let body = (!text.is_empty()).then(|| RecordedBody::of_text(self.secrets.scrub(&text)));
                self.finish(exchange, Ok(body));
            }
        }
        *reply.body_mut() = reply::full(local(&urls, &text).into_owned().into());
        Ok(reply)
    }

    /// Returns the head of a response as it is passed on.
    fn head(&self, urls: &Urls, response: &reqwest::Response) -> Reply {
        let mut reply = Response::new(reply::full(Bytes::new()));
        *reply.status_mut() = response.status();
        let hop_by_hop = [CONNECTION, TRANSFER_ENCODING, TRAILER, UPGRADE, HeaderName::from_static("keep-alive")];
        for (name, value) in response.headers().iter().filter(|(name, _)| !hop_by_hop.contains(name)) {
            let value = match value.to_str() {
                Ok(text) => HeaderValue::from_str(&local(urls, &self.to_real(text))).unwrap_or_else(|_| value.clone()),
                Err(_) => value.clone(),
            };
            reply.headers_mut().append(name, value);
        }
        reply
    }

    /// Keeps a polled status, unless it is the same as the one before.
    fn status(&self, exchange: Exchange, text: &str) {
        let text = self.secrets.scrub(text);
        self.in_job(&exchange, |log| {
            if log.last[0] == text {
                return false;
            }
            // A status has all log lines so far. Of a long phase, the last statuses are kept as one.
            if log.job.statuses.len() >= MAX_STATUSES && word(&log.last[0]) == word(&text) {
                log.job.statuses.pop();
            }
            log.last[0].clone_from(&text);
            log.job.statuses.push(RecordedResponse {
                status: exchange.status,
                after_ms: millis(log.submitted),
                headers: exchange.headers.clone(),
                body: Some(RecordedBody::of_text(text)),
            });
            true
        });
    }

    /// Keeps a streamed status, unless it is the same as the one before, or a comment.
    fn status_event(&self, exchange: &Exchange, text: &str) {
        let text = self.secrets.scrub(text);
        if text.starts_with(':') {
            return;
        }
        self.in_job(exchange, |log| {
            if log.last[1] == text {
                return false;
            }
            log.last[1].clone_from(&text);
            log.job.events.push(RecordedEvent::new(millis(log.submitted), text));
            true
        });
    }

    /// Changes the statuses of the job that a request is about, and writes them if they changed.
    fn in_job(&self, exchange: &Exchange, change: impl FnOnce(&mut JobLog) -> bool) {
        let end = exchange.path.rfind("/requests/").map_or(0, |start| start + "/requests/".len());
        let (app, rest) = exchange.path.split_at(end);
        let id = rest.split('/').next().unwrap_or_default();
        let mut jobs = lock(&self.jobs);
        let log = jobs.entry(id.to_owned()).or_insert_with(|| JobLog {
            name: format!("{:04}-statuses-{}.json", exchange.number, slug(id)),
            submitted: lock(&self.submitted).remove(id).unwrap_or(exchange.start),
            job: RecordedJob {
                url: format!("https:/{app}{id}"),
                cancelled_after_ms: None,
                statuses: Vec::new(),
                events: Vec::new(),
            },
            last: Default::default(),
        });
        if change(log) && !(log.job.statuses.is_empty() && log.job.events.is_empty()) {
            let job = std::mem::take(&mut log.job);
            let record = Record { version: VERSION, request: None, response: None, job: Some(job) };
            if let Err(error) = self.folder.write(&log.name, &record) {
                self.problem(format!("{}: cannot write the record: {error}", exchange.path));
            }
            log.job = record.job.unwrap_or_default();
        }
    }

    /// Keeps an exchange. A request that clients repeat is kept again only if its response changed.
    fn finish(&self, exchange: Exchange, body: io::Result<Option<RecordedBody>>) {
        let line = format!("{} {}", exchange.request.method, exchange.path);
        if exchange.operation == Operation::Cancel && exchange.status < 300 {
            self.in_job(&exchange, |log| {
                log.job.cancelled_after_ms = Some(millis(log.submitted));
                true
            });
        }
        let name =
            format!("{:04}-{}.json", exchange.number, slug(&format!("{:?}{}", exchange.operation, exchange.path)));
        let written = body.and_then(|body| {
            let response = RecordedResponse {
                status: exchange.status,
                after_ms: millis(exchange.start),
                headers: exchange.headers,
                body,
            };
            if is_repeatable(exchange.operation) {
                let key = serde_json::to_string(&exchange.request)?;
                let value = format!("{} {}", response.status, serde_json::to_string(&response.body)?);
                if lock(&self.repeated).insert(key, value.clone()) == Some(value) {
                    return Ok(());
                }
            }
            let (request, response) = (Some(exchange.request), Some(response));
            self.folder.write(&name, &Record { version: VERSION, request, response, job: None })
        });
        if let Err(error) = written {
            self.problem(format!("{line}: cannot write the record: {error}"));
        }
    }
}

/// Returns whether clients repeat a request as they need to: to poll, to download, and to replace an expired token.
pub(super) fn is_repeatable(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::Status
            | Operation::StatusStream
            | Operation::Result
            | Operation::Media
            | Operation::Token
            | Operation::CdnToken
            | Operation::WebhookKeys
    )
}

/// The copy of a response body that becomes a file.
struct FileTee {
    draft: Draft,
    /// The bytes that are still to come.
    left: Option<u64>,
    content_type: String,
}

impl FileTee {
    fn into_body(self, recorder: Arc<Recorder>, exchange: Exchange, response: reqwest::Response) -> Body {
        let source = Box::pin(response.bytes_stream());
        let start = (source, Some((self, exchange)), recorder);
        let pieces = stream::unfold(start, |(mut source, mut tee, recorder)| async move {
            let piece = match source.next().await {
                Some(Ok(bytes)) => bytes,
                Some(Err(error)) => {
                    recorder.broken(tee.take().map(|(_, exchange)| exchange), &chain(&error.without_url()));
                    return Some((Err(Dropped), (source, None, recorder)));
                }
                None => {
                    tee.into_iter().for_each(|(tee, exchange)| recorder.finish_file(tee, exchange));
                    return None;
                }
            };
            if let Some((mut copy, exchange)) = tee.take() {
                copy.left = copy.left.map(|left| left.saturating_sub(piece.len() as u64));
                match copy.draft.append(&piece) {
                    // A client that knows the length does not wait for the end.
                    Ok(()) if copy.left == Some(0) => recorder.finish_file(copy, exchange),
                    Ok(()) => tee = Some((copy, exchange)),
                    Err(error) => recorder.finish(exchange, Err(error)),
                }
            }
            Some((Ok(Frame::data(piece)), (source, tee, recorder)))
        });
        StreamBody::new(pieces).boxed_unsync()
    }
}

impl Recorder {
    fn finish_file(&self, tee: FileTee, exchange: Exchange) {
        let body = match tee.draft.is_empty() {
            true => Ok(None),
            false => self.folder.keep(tee.draft, &tee.content_type).map(|file| Some(RecordedBody::File(file))),
        };
        self.finish(exchange, body);
    }

    /// Reports that a response broke off, which is not kept.
    fn broken(&self, exchange: Option<Exchange>, reason: &str) {
        if let Some(exchange) = exchange {
            let line = format!("{} {}", exchange.request.method, exchange.path);
            self.problem(format!("{line}: the response of the real fal broke: {reason}"));
        }
    }
}

/// The copy of a stream of events. What a client has read of a stream is kept, even if it reads no further.
struct EventTee {
    recorder: Arc<Recorder>,
    exchange: Option<Exchange>,
    urls: Urls,
    source: Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>,
    splitter: Splitter,
    ready: VecDeque<Bytes>,
    events: Vec<RecordedEvent>,
}

impl EventTee {
    fn new(recorder: Arc<Recorder>, exchange: Exchange, urls: Urls, response: reqwest::Response) -> Self {
        let source = Box::pin(response.bytes_stream());
        let (splitter, ready, events) = (Splitter::default(), VecDeque::new(), Vec::new());
        EventTee { recorder, exchange: Some(exchange), urls, source, splitter, ready, events }
    }

    fn into_body(self) -> Body {
        let pieces = stream::unfold(self, |mut tee| async move {
            let piece = tee.next().await?;
            Some((piece.map(Frame::data), tee))
        });
        StreamBody::new(pieces).boxed_unsync()
    }

    async fn next(&mut self) -> Option<Result<Bytes, Dropped>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            self.exchange.as_ref()?;
            match self.source.next().await {
                Some(Ok(bytes)) => {
                    let events = self.splitter.push(&bytes);
                    events.into_iter().for_each(|event| self.add(&event));
                    if self.splitter.waiting() > MAX_TEXT_BYTES {
                        self.recorder.broken(self.exchange.take(), "an event is too large");
                        return Some(Err(Dropped));
                    }
                }
                Some(Err(error)) => {
                    self.recorder.broken(self.exchange.take(), &chain(&error.without_url()));
                    return Some(Err(Dropped));
                }
                None => {
                    let rest = self.splitter.finish();
                    rest.iter().for_each(|rest| self.add(rest));
                    self.finish();
                }
            }
        }
    }

    fn add(&mut self, event: &str) {
        let event = self.recorder.to_real(event);
        self.ready.push_back(local(&self.urls, &event).into_owned().into());
        match &self.exchange {
            Some(exchange) if exchange.operation == Operation::StatusStream => {
                self.recorder.status_event(exchange, &event)
            }
            Some(exchange) => {
                let text = self.recorder.secrets.scrub(&event);
                self.events.push(RecordedEvent::new(millis(exchange.start), text));
            }
            None => {}
        }
    }

    fn finish(&mut self) {
        if let Some(exchange) = self.exchange.take()
            && exchange.operation != Operation::StatusStream
        {
            self.recorder.finish(exchange, Ok(Some(RecordedBody::Events(std::mem::take(&mut self.events)))));
        }
    }
}

impl Drop for EventTee {
    fn drop(&mut self) {
        if !self.events.is_empty() {
            self.finish();
        }
    }
}

/// Returns a text with the URLs of the real fal.
pub(super) fn real<'t>(urls: &Urls, text: &'t str) -> Cow<'t, str> {
    match urls {
        Urls::Base(base) => forms::to_real(text, base),
        Urls::Real => Cow::Borrowed(text),
    }
}

/// Returns a text of the real fal with the URLs of a client.
pub(super) fn local<'t>(urls: &Urls, text: &'t str) -> Cow<'t, str> {
    match urls {
        Urls::Base(base) => forms::to_base(text, base),
        Urls::Real => Cow::Borrowed(text),
    }
}

/// Returns the word of a status, such as `IN_PROGRESS`.
fn word(status: &str) -> Option<String> {
    let value: Value = serde_json::from_str(status).ok()?;
    value.get("status")?.as_str().map(str::to_owned)
}

fn unwritable(error: &io::Error) -> Refusal {
    Refusal::Detail(StatusCode::INSUFFICIENT_STORAGE, format!("cannot write the record: {error}"))
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Returns an error with its sources.
fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |source| source.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}

/// Returns a part of a file name.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        match c {
            'A'..='Z' if slug.chars().last().is_some_and(|last| last.is_ascii_lowercase()) => {
                slug.extend(['-', c.to_ascii_lowercase()]);
            }
            _ if c.is_ascii_alphanumeric() => slug.push(c.to_ascii_lowercase()),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    slug.truncate(80);
    slug.trim_end_matches('-').to_owned()
}

use std::collections::VecDeque;
use std::io::Read;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper::header::{CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use hyper::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::hex::hex;
use crate::record::canonical::{Canonical, CanonicalBody};
use crate::record::folder::{Folder, NamedRecord};
use crate::record::recorder::{is_repeatable, local, real};
use crate::record::records::{RecordedBody, RecordedEvent, RecordedFile, RecordedRequest, RecordedResponse};
use crate::record::scrub::Secrets;
use crate::record::timeline::{Speed, Timeline};
use crate::record::uploads::Uploads;
use crate::request::operation::Operation;
use crate::request::received::Received;
use crate::request::route::Route;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Body, Dropped, Reply};
use crate::storage::content::{Blob, Content};
use crate::sync::lock;
use crate::time::clock::Clock;
use crate::time::iso8601::iso8601;
use crate::urls::Urls;

/// The most bytes of a file that are read at a time.
const CHUNK: usize = 256 << 10;
/// The most differences that a message names.
const MAX_DIFFERENCES: usize = 3;
/// The time after which a replayed token expires.
const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 3_600);

/// Serves records.
pub(crate) struct Player {
    folder: Folder,
    exchanges: Vec<Exchange>,
    timelines: Vec<Arc<Timeline>>,
    speed: Speed,
    clock: Arc<Clock>,
    state: Mutex<State>,
}

/// A record of a request.
struct Exchange {
    name: String,
    request: Canonical,
    response: RecordedResponse,
}

struct State {
    /// The number of times that each exchange was served.
    served: Vec<usize>,
    uploads: Uploads,
    problems: Vec<String>,
}

impl Player {
    pub(crate) fn new(folder: Folder, records: Vec<NamedRecord>, speed: Speed, clock: Arc<Clock>) -> Self {
        let (mut requests, mut timelines, mut uploads) = (Vec::new(), Vec::new(), Uploads::default());
        for (name, record) in records {
            if let Some(job) = record.job {
                timelines.push(Arc::new(Timeline::new(name, job, &speed)));
            } else if let (Some(request), Some(response)) = (record.request, record.response) {
                let target = format!("/{}", request.url.trim_start_matches("https://"));
                let path = target.split('?').next().unwrap_or_default().to_owned();
                let method = Method::from_bytes(request.method.as_bytes()).unwrap_or_default();
                let operation = Route::parse(&method, &path, false).operation();
                let value = response
                    .body
                    .as_ref()
                    .and_then(RecordedBody::text)
                    .and_then(|text| serde_json::from_str(text).ok());
                let hash = match &request.body {
                    Some(RecordedBody::File(file)) => Some(file.sha256.as_str()),
                    _ => None,
                };
                uploads.note(operation, &path, hash, value.as_ref());
                requests.push((name, operation, target, request, response));
            }
        }
        let exchanges: Vec<Exchange> = requests
            .into_iter()
            .map(|(name, operation, target, request, response)| {
                let RecordedRequest { method, headers, body, .. } = request;
                let body = match &body {
                    Some(RecordedBody::File(file)) => CanonicalBody::Bytes(file.sha256.clone(), file.size),
                    Some(body) => {
                        CanonicalBody::of_bytes(operation, body.text().unwrap_or_default().as_bytes(), &uploads)
                    }
                    None => CanonicalBody::of_bytes(operation, b"", &uploads),
                };
                let range = headers.get("range").map(String::as_str);
                Exchange { name, request: Canonical::new(operation, &method, &target, range, body), response }
            })
            .collect();
        let state = State { served: vec![0; exchanges.len()], uploads, problems: Vec::new() };
        Player { folder, exchanges, timelines, speed, clock, state: Mutex::new(state) }
    }

    /// Returns the requests without a record, a line each.
    pub(super) fn problems(&self) -> Vec<String> {
        lock(&self.state).problems.clone()
    }

    pub(super) fn problem(&self, problem: String) {
        lock(&self.state).problems.push(problem);
    }

    /// Returns the records that were not served, sorted.
    pub(super) fn unused(&self) -> Vec<String> {
        let state = lock(&self.state);
        let exchanges = self.exchanges.iter().zip(&state.served).filter(|(_, served)| **served == 0);
        let exchanges = exchanges.map(|(it, _)| format!("{}: {} {}", it.name, it.request.method, it.request.path));
        let jobs = self.timelines.iter().filter(|it| !it.is_used.load(Relaxed));
        let jobs = jobs.map(|it| format!("{}: the statuses of {}", it.name, it.path));
        let mut unused: Vec<String> = exchanges.chain(jobs).collect();
        unused.sort();
        unused
    }

    pub(super) fn advance(&self, request_id: &str) -> bool {
        self.timeline_of(request_id).is_some_and(|it| it.advance(self.clock.now()))
    }

    /// Returns the statuses of a request.
    pub(super) fn timeline_of(&self, request_id: &str) -> Option<&Arc<Timeline>> {
        let end = format!("/requests/{request_id}");
        self.timelines.iter().find(|it| it.path.ends_with(&end))
    }

    /// Responds with the record of a request.
    pub(crate) async fn respond(self: &Arc<Self>, received: &Received, file: Option<Blob>) -> Result<Reply, Refusal> {
        let operation = received.operation();
        let path = received.path().trim_end_matches('/');
        if matches!(operation, Operation::Status | Operation::StatusStream)
            && let Some(timeline) = self.timeline(path)
        {
            return Ok(match operation {
                Operation::Status => self.status(&timeline, received.urls()),
                _ => self.status_stream(timeline, received.urls().clone()),
            });
        }
        let (content, hash) = match file.filter(|file| file.size() > 0).map(Content::from) {
            Some(content) => (Some(content.size()), Some(hash(content).await?)),
            None => (None, None),
        };
        let index = self.find(received, content.zip(hash.clone()))?;
        let exchange = &self.exchanges[index];
        let value = exchange.response.body.as_ref().and_then(RecordedBody::text);
        let value: Option<Value> = value.and_then(|text| serde_json::from_str(text).ok());
        lock(&self.state).uploads.note(operation, path, hash.as_deref(), value.as_ref());
        match operation {
            Operation::Submit => {
                if let Some(id) = value.as_ref().and_then(|value| value.get("request_id")?.as_str()) {
                    received.set_request_id(id);
                    let end = format!("/requests/{id}");
                    self.timelines
                        .iter()
                        .filter(|it| it.path.ends_with(&end))
                        .for_each(|it| it.start(self.clock.now()));
                }
            }
            Operation::Cancel => {
                let job = path.trim_end_matches("/cancel");
                self.timelines.iter().filter(|it| it.path == job).for_each(|it| it.cancel());
            }
            Operation::Run => self.clock.sleep(self.time(exchange.response.after_ms)).await,
            _ => {}
        }
        self.reply(exchange, received.urls())
    }

    /// Returns the time of a direct run.
    fn time(&self, after_ms: u64) -> Duration {
        match &self.speed {
            Speed::Pace(pace) => pace.direct().run_time,
            recorded => recorded.scale(after_ms),
        }
    }

    fn timeline(&self, path: &str) -> Option<Arc<Timeline>> {
        let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
        let job = path.strip_suffix("/stream").unwrap_or(&path).strip_suffix("/status")?;
        self.timelines.iter().find(|timeline| timeline.path == job).cloned()
    }

    /// Finds the record of a request, and counts that it is served.
    fn find(&self, received: &Received, file: Option<(u64, String)>) -> Result<usize, Refusal> {
        let mut state = lock(&self.state);
        let operation = received.operation();
        let body = match file {
            Some((size, hash)) => CanonicalBody::Bytes(hash, size),
            None => {
                let secrets = Secrets::default();
                secrets.add_headers(received.headers());
                if let Ok(input) = received.input() {
                    secrets.add_json(input, false);
                }
                match std::str::from_utf8(received.body()) {
                    Ok(text) => {
                        let text = secrets.scrub(&real(received.urls(), text));
                        CanonicalBody::of_bytes(operation, text.as_bytes(), &state.uploads)
                    }
                    Err(_) => CanonicalBody::of_bytes(operation, received.body(), &state.uploads),
                }
            }
        };
        let method = received.method().as_str();
        let mut request = Canonical::new(operation, method, received.target(), received.header("range"), body);
        // A host may send the whole file instead of a part of it.
        if operation == Operation::Media && !self.exchanges.iter().any(|it| it.request.is_for_part_of(&request)) {
            request.range = None;
        }
        let candidates = self.exchanges.iter().enumerate().filter(|(_, it)| it.request.has_target(&request));
        let mut candidates: Vec<(usize, Vec<String>)> =
            candidates.map(|(index, it)| (index, it.request.differences(&request))).collect();
        // Of records that fit as well, one that was not served yet comes first.
        candidates.sort_by_key(|(index, differences)| (differences.len(), state.served[*index] > 0));
        let fitting: Vec<usize> = candidates.iter().filter(|(_, it)| it.is_empty()).map(|(index, _)| *index).collect();
        let unserved = fitting.iter().find(|index| state.served[**index] == 0);
        let index = unserved.or(fitting.last().filter(|_| is_repeatable(operation)));
        if let Some(index) = index {
            state.served[*index] += 1;
            return Ok(*index);
        }
        let line = format!("{method} {}", received.path());
        let reason = match (fitting.last(), candidates.first()) {
            (Some(last), _) => {
                let times = if fitting.len() == 1 { "once".to_owned() } else { format!("{} times", fitting.len()) };
                format!("{} has it, but it was recorded {times} and has been served", self.exchanges[*last].name)
            }
            (None, Some((index, differences))) => {
                let more = differences.len().saturating_sub(MAX_DIFFERENCES);
                let more = if more > 0 { format!("; and {more} more") } else { String::new() };
                let named = differences.iter().take(MAX_DIFFERENCES).cloned().collect::<Vec<_>>().join("; ");
                format!("the nearest is {}: {named}{more}", self.exchanges[*index].name)
            }
            (None, None) => self.other_paths(&request),
        };
        let problem = format!("no record of {line}: {reason}");
        state.problems.push(problem.clone());
        Err(Refusal::Detail(StatusCode::NOT_FOUND, problem))
    }

    /// Names the records of the same operation, which have another path.
    fn other_paths(&self, request: &Canonical) -> String {
        let same = self.exchanges.iter().filter(|it| it.request.operation == request.operation);
        let mut paths: Vec<&str> = same.map(|it| it.request.path.as_str()).collect();
        paths.dedup();
        match paths.len() {
            0 => "no request of this kind was recorded".to_owned(),
            count => {
                let more = if count > MAX_DIFFERENCES { ", …" } else { "" };
                paths.truncate(MAX_DIFFERENCES);
                format!("recorded are {}{more}", paths.join(", "))
            }
        }
    }

    fn status(&self, timeline: &Timeline, urls: &Urls) -> Reply {
        let index = timeline.index(&timeline.polled, self.clock.now());
        match timeline.polled.get(index) {
            Some(stage) => {
                let body = stage.status.body.as_ref().and_then(RecordedBody::text).unwrap_or_default();
                with_head(&stage.status, urls, reply::full(local(urls, body).into_owned().into()))
            }
            None => reply::word(StatusCode::NOT_FOUND, "NOT_FOUND"),
        }
    }

    /// Responds with the statuses from the current one to the last one.
    fn status_stream(self: &Arc<Self>, timeline: Arc<Timeline>, urls: Urls) -> Reply {
        let id = timeline.path.rsplit('/').next().unwrap_or_default().to_owned();
        let start = (Arc::clone(self), timeline, urls, None::<usize>);
        let events = stream::unfold(start, |(player, timeline, urls, sent)| async move {
            let index = match sent {
                None => timeline.index(&timeline.streamed, player.clock.now()),
                Some(sent) if sent + 1 >= timeline.streamed.len() => return None,
                Some(sent) => {
                    let mut pushed = timeline.pushed();
                    while timeline.index(&timeline.streamed, player.clock.now()) <= sent {
                        match timeline.due_after(&timeline.streamed, sent) {
                            Some(due) => {
                                tokio::select! {
                                    () = player.clock.sleep_until(due) => {}
                                    _ = pushed.changed() => {}
                                }
                            }
                            // The sender lives as long as the timeline, so this never fails.
                            None => drop(pushed.changed().await),
                        }
                    }
                    sent + 1
                }
            };
            let event = timeline.streamed.get(index)?.status.text();
            let piece = Bytes::from(local(&urls, &event).into_owned());
            Some((Ok(Frame::data(piece)), (player, timeline, urls, Some(index))))
        });
        reply::with_request_id(reply::events(StreamBody::new(events).boxed_unsync()), &id)
    }

    fn reply(self: &Arc<Self>, exchange: &Exchange, urls: &Urls) -> Result<Reply, Refusal> {
        let response = &exchange.response;
        let body = match &response.body {
            None => {
                let reply = with_head(response, urls, reply::full(Bytes::new()));
                // Only a response to HEAD has a length without a body.
                let length =
                    response.headers.get(CONTENT_LENGTH.as_str()).filter(|_| exchange.request.method == "HEAD");
                return Ok(match length {
                    Some(length) => reply::with_header(reply, CONTENT_LENGTH, length),
                    None => reply,
                });
            }
            Some(RecordedBody::File(file)) => {
                let (body, size) = self.file(file)?;
                let reply = with_head(response, urls, body);
                return Ok(reply::with_header(reply, CONTENT_LENGTH, &size.to_string()));
            }
            Some(RecordedBody::Events(events)) => self.events(events, urls),
            Some(body) => {
                let text = body.text().unwrap_or_default();
                let text = match exchange.request.operation {
                    Operation::CdnToken => self.renewed(text),
                    _ => text.to_owned(),
                };
                reply::full(local(urls, &text).into_owned().into())
            }
        };
        Ok(with_head(response, urls, body))
    }

    /// Returns a token response with a time of expiry that is ahead.
    fn renewed(&self, text: &str) -> String {
        let Ok(mut token) = serde_json::from_str::<Value>(text) else { return text.to_owned() };
        if token.get("expires_at").is_some_and(Value::is_string) {
            token["expires_at"] = json!(iso8601(self.clock.date() + TOKEN_LIFETIME));
        }
        token.to_string()
    }

    fn file(&self, file: &RecordedFile) -> Result<(Body, u64), Refusal> {
        let unreadable = |error: std::io::Error| {
            let reason = format!("cannot read the file {} of the records: {error}", file.name);
            Refusal::Detail(StatusCode::INTERNAL_SERVER_ERROR, reason)
        };
        let (source, size) = self.folder.open_file(file).map_err(unreadable)?;
        let chunks = stream::unfold((source, size), |(mut source, left)| async move {
            if left == 0 {
                return None;
            }
            let mut chunk = vec![0; CHUNK.min(usize::try_from(left).unwrap_or(CHUNK))];
            match source.read(&mut chunk) {
                Ok(count) if count > 0 => {
                    chunk.truncate(count);
                    Some((Ok(Frame::data(Bytes::from(chunk))), (source, left.saturating_sub(count as u64))))
                }
                // The file was cut in the meantime.
                _ => Some((Err(Dropped), (source, 0))),
            }
        });
        Ok((StreamBody::new(chunks).boxed_unsync(), size))
    }

    /// Returns a stream of events at their times.
    fn events(self: &Arc<Self>, events: &[RecordedEvent], urls: &Urls) -> Body {
        let count = u32::try_from(events.len()).unwrap_or(u32::MAX).max(1);
        let due = |number: u32, event: &RecordedEvent| match &self.speed {
            Speed::Pace(pace) => pace.direct().run_time * number / count,
            recorded => recorded.scale(event.after_ms),
        };
        let pieces: VecDeque<(Duration, Bytes)> = events
            .iter()
            .zip(1..)
            .map(|(event, number)| (due(number, event), local(urls, &event.text()).into_owned().into()))
            .collect();
        let start = (pieces, Arc::clone(&self.clock), self.clock.now());
        let pieces =
            stream::unfold(start, |(mut pieces, clock, start): (VecDeque<_>, Arc<Clock>, Instant)| async move {
                let (due, piece): (Duration, Bytes) = pieces.pop_front()?;
                clock.sleep_since(start, due).await;
                Some((Ok(Frame::data(piece)), (pieces, clock, start)))
            });
        StreamBody::new(pieces).boxed_unsync()
    }
}

/// Responds with a recorded status and recorded headers, apart from those of the connection, which an edited record may have.
fn with_head(response: &RecordedResponse, urls: &Urls, body: Body) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = StatusCode::from_u16(response.status).unwrap_or(StatusCode::OK);
    for (name, value) in &response.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&local(urls, value)))
            && ![CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, UPGRADE].contains(&name)
        {
            reply.headers_mut().insert(name, value);
        }
    }
    reply
}

async fn hash(content: Content) -> Result<String, Refusal> {
    let hashed = tokio::task::spawn_blocking(move || {
        let mut hash = Sha256::new();
        for chunk in content.chunks(0..content.size()) {
            hash.update(&chunk?);
        }
        Ok::<_, std::io::Error>(hex(&hash.finalize()))
    });
    let hashed = hashed.await.map_err(std::io::Error::other).and_then(|hashed| hashed);
    hashed.map_err(Refusal::NoRoom)
}

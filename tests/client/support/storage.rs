//! fal's storage as scripts of the scripted server: tokens, uploads in one request and in parts, signed URLs. It refuses
//! requests that fal would refuse, above all those with a key that does not belong there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use fal_client::{ClientBuilder, RetryPolicy, UploadPolicy};
use serde_json::{Value, json};

use crate::support::server::{KEY, Reply, Seen, Server};

/// A fault of one request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Responds with this instead of the effect.
    Instead(Reply),
    /// Responds with this after the effect.
    After(Reply),
    /// Expires all tokens before the request is served.
    Expired,
}

pub(crate) struct Storage {
    server: Server,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    base: String,
    /// The lifetime of new tokens in seconds.
    lifetime: i64,
    /// The seconds by which the clock is ahead. With `None`, responses have no date.
    ahead: Option<i64>,
    /// Sends ETags in response bodies instead of headers.
    etag_in_body: bool,
    tokens: HashSet<String>,
    count: u32,
    uploads: HashMap<String, Parts>,
    files: HashMap<String, File>,
    faults: Vec<(String, Fault)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct File {
    pub(crate) bytes: Vec<u8>,
    pub(crate) content_type: String,
    pub(crate) name: Option<String>,
    pub(crate) lifecycle: Option<String>,
}

#[derive(Default)]
struct Parts {
    file: File,
    parts: BTreeMap<u32, Vec<u8>>,
}

impl Storage {
    pub(crate) async fn start() -> Self {
        let state = Arc::new(Mutex::new(State { lifetime: 3600, ..State::default() }));
        let shared = Arc::clone(&state);
        let server = Server::start(move |_, seen| shared.lock().expect("not poisoned").respond(seen)).await;
        state.lock().expect("not poisoned").base = server.base().to_owned();
        Storage { server, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }

    /// Adds a fault for the next request with a [`label`].
    pub(crate) fn inject_fault(&self, label: impl Into<String>, fault: Fault) {
        self.state().faults.push((label.into(), fault));
    }

    /// Sets the lifetime of new tokens.
    pub(crate) fn set_token_lifetime(&self, seconds: i64) {
        self.state().lifetime = seconds;
    }

    /// Sends the date with tokens, from a clock that is ahead by `seconds`.
    pub(crate) fn set_clock_ahead(&self, seconds: i64) {
        self.state().ahead = Some(seconds);
    }

    /// Sends ETags in response bodies instead of headers.
    pub(crate) fn set_etag_in_body(&self) {
        self.state().etag_in_body = true;
    }

    /// Expires all tokens.
    pub(crate) fn expire_tokens(&self) {
        self.state().tokens.clear();
    }

    pub(crate) fn base(&self) -> &str {
        self.server.base()
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// Returns a policy with small parts and no fallback.
    pub(crate) fn policy() -> UploadPolicy {
        UploadPolicy::default().multipart_above(1000).part_size(400).fallback(None)
    }

    /// Returns a builder of clients that use this storage for every host and retry immediately.
    pub(crate) fn builder(&self) -> ClientBuilder {
        self.server
            .builder()
            .api_host(format!("{}/api", self.base()))
            .uploads(Storage::policy())
            .retry(RetryPolicy::default().first_delay(Duration::from_millis(1)))
    }

    /// Returns the file with a URL.
    pub(crate) fn file(&self, url: &str) -> Option<File> {
        self.state().files.get(url).cloned()
    }

    /// Counts the stored files.
    pub(crate) fn files(&self) -> usize {
        self.state().files.len()
    }

    /// Returns the labels of the received requests, in order.
    pub(crate) fn labels(&self) -> Vec<String> {
        self.server.seen().iter().map(label).collect()
    }

    /// Returns the first request with a label.
    pub(crate) fn seen(&self, wanted: &str) -> Seen {
        self.server.seen().into_iter().find(|seen| label(seen) == wanted).expect("a request with the label")
    }
}

/// Returns the label of a request: `token`, `upload`, `create`, `part 1`, `sign 1`, `complete`, `initiate`, `put`, `get`
/// or `run`.
pub(crate) fn label(seen: &Seen) -> String {
    let path = seen.target.split('?').next().unwrap_or_default();
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (seen.method.as_str(), &segments[..]) {
        ("POST", ["rest", "storage", "auth", "token"]) => "token".to_owned(),
        ("POST", ["rest", "storage", "upload", "initiate" | "initiate-multipart"]) => "initiate".to_owned(),
        ("POST", ["cdn", "files", "upload"]) => "upload".to_owned(),
        ("POST", ["cdn", "files", "upload", "multipart"]) => "create".to_owned(),
        ("POST", [.., "complete"]) => "complete".to_owned(),
        ("POST", ["rest", "gcs", _, number]) => format!("sign {number}"),
        ("PUT", ["signed", "put", _]) => "put".to_owned(),
        ("PUT", ["cdn" | "signed", .., number]) => format!("part {number}"),
        ("GET", ["cdn", ..]) => "get".to_owned(),
        (_, [first, ..]) => (*first).to_owned(),
        _ => String::new(),
    }
}

pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

fn etag(bytes: &[u8]) -> String {
    format!("\"{:016x}\"", hash(bytes))
}

impl State {
    fn respond(&mut self, seen: &Seen) -> Reply {
        let label = label(seen);
        let fault =
            self.faults.iter().position(|(wanted, _)| *wanted == label).map(|index| self.faults.remove(index).1);
        match fault {
            None => self.serve(seen),
            Some(Fault::Instead(reply)) => reply,
            Some(Fault::After(reply)) => {
                self.serve(seen);
                reply
            }
            Some(Fault::Expired) => {
                self.tokens.clear();
                self.serve(seen)
            }
        }
    }

    fn serve(&mut self, seen: &Seen) -> Reply {
        let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let authorization = seen.header("authorization").unwrap_or_default();
        match segments[0] {
            // The key belongs only to these hosts.
            "rest" | "api" | "run" | "queue" if authorization != format!("Key {KEY}") => {
                return Reply::json(401, r#"{"detail":"no key"}"#);
            }
            "cdn" if seen.method != "GET" => match authorization.strip_prefix("Bearer ") {
                Some(token) if self.tokens.contains(token) => {}
                Some(_) => return Reply::json(401, r#"{"detail":"the token has expired"}"#),
                None => return Reply::json(403, r#"{"detail":"no token"}"#),
            },
            "cdn" | "signed" if !authorization.is_empty() => {
                return Reply::json(400, r#"{"detail":"unexpected credentials"}"#);
            }
            _ => {}
        }
        match segments[0] {
            // In any header or the body.
            "cdn" | "signed" if format!("{seen:?}").contains("secret-of-key") => {
                return Reply::json(400, r#"{"detail":"unexpected key"}"#);
            }
            "signed" if query != "sig=signature-1&x=1" => return Reply::json(403, r#"{"detail":"not signed"}"#),
            _ => {}
        }
        let base = self.base.clone();
        self.count += 1;
        let count = self.count;
        let number = || segments.last().and_then(|number| number.parse().ok()).expect("a part's number");
        match (seen.method.as_str(), &segments[..]) {
            ("POST", ["rest", "storage", "auth", "token"]) if query == "storage_type=fal-cdn-v3" => {
                let token = format!("token-{count}");
                self.tokens.insert(token.clone());
                let clock = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
                let now = clock.saturating_add_signed(self.ahead.unwrap_or_default());
                let end = rfc3339(now.saturating_add_signed(self.lifetime));
                let body = json!({ "token": token, "token_type": "Bearer", "base_url": format!("{base}/cdn"), "expires_at": end });
                let reply = Reply::json(200, &body.to_string());
                match self.ahead {
                    Some(_) => {
                        let date = std::time::UNIX_EPOCH + Duration::from_secs(now);
                        reply.header("date", &httpdate::fmt_http_date(date))
                    }
                    None => reply,
                }
            }
            ("POST", ["cdn", "files", "upload"]) => {
                let file = File { bytes: seen.body.clone(), ..described(seen) };
                let url = format!("{base}/cdn/files/b/{count}/{}", file.name.as_deref().unwrap_or("x"));
                self.files.insert(url.clone(), file);
                Reply::json(200, &json!({ "access_url": url }).to_string())
            }
            ("POST", ["cdn", "files", "upload", "multipart"]) => {
                let url = format!("{base}/cdn/files/b/{count}/x");
                self.uploads.insert(url.clone(), Parts { file: described(seen), parts: BTreeMap::new() });
                Reply::json(200, &json!({ "access_url": url, "uploadId": "U 1" }).to_string())
            }
            ("PUT", ["cdn", "files", "b", key, "x", "multipart", "U%201", _]) => {
                self.part(&format!("{base}/cdn/files/b/{key}/x"), number(), seen)
            }
            ("POST", ["cdn", "files", "b", key, "x", "multipart", "U%201", "complete"]) => {
                self.complete(&format!("{base}/cdn/files/b/{key}/x"), "partNumber", seen)
            }
            ("POST", ["rest", "storage", "upload", how]) => {
                let body = seen.json();
                let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
                let name = Some(text("file_name"));
                let file = File { content_type: text("content_type"), name, ..described(seen) };
                let url = format!("{base}/cdn/files/s/{count}/x");
                self.uploads.insert(url.clone(), Parts { file, parts: BTreeMap::new() });
                let upload = match (*how, query) {
                    ("initiate", "storage_type=fal-cdn-v3" | "storage_type=gcs") => "signed/put",
                    ("initiate-multipart", "storage_type=fal-cdn-v3") => "signed/parts",
                    ("initiate-multipart", "storage_type=gcs") => "rest/gcs",
                    _ => return Reply::json(404, r#"{"detail":"no such storage"}"#),
                };
                let signature = if upload == "rest/gcs" { "" } else { "?sig=signature-1&x=1" };
                let upload = format!("{base}/{upload}/{count}{signature}");
                Reply::json(200, &json!({ "upload_url": upload, "file_url": url }).to_string())
            }
            ("PUT", ["signed", "put", key]) => {
                let url = format!("{base}/cdn/files/s/{key}/x");
                let Some(parts) = self.uploads.get(&url) else { return Reply::json(404, "{}") };
                if seen.header("content-type") != Some(&*parts.file.content_type) {
                    return Reply::json(400, r#"{"detail":"wrong content type"}"#);
                }
                let file = File { bytes: seen.body.clone(), ..parts.file.clone() };
                self.files.insert(url, file);
                Reply::json(200, "")
            }
            ("POST", ["rest", "gcs", key, "complete"]) => {
                self.complete(&format!("{base}/cdn/files/s/{key}/x"), "part_number", seen)
            }
            ("POST", ["rest", "gcs", key, number]) => {
                let url = format!("{base}/signed/parts/{key}/{number}?sig=signature-1&x=1");
                Reply::json(200, &json!({ "upload_url": url }).to_string())
            }
            ("PUT", ["signed", "parts", key, _]) => self.part(&format!("{base}/cdn/files/s/{key}/x"), number(), seen),
            ("POST", ["signed", "parts", key, "complete"]) => {
                self.complete(&format!("{base}/cdn/files/s/{key}/x"), "partNumber", seen)
            }
            ("POST", ["run", ..]) => Reply::json(200, &String::from_utf8_lossy(&seen.body)),
            ("POST", ["queue", ..]) => Reply::json(200, r#"{"request_id":"R1"}"#),
            _ => Reply::json(404, r#"{"detail":"not found"}"#),
        }
    }

    fn part(&mut self, url: &str, number: u32, seen: &Seen) -> Reply {
        let Some(upload) = self.uploads.get_mut(url) else { return Reply::json(404, "{}") };
        upload.parts.insert(number, seen.body.clone());
        let etag = etag(&seen.body);
        if self.etag_in_body {
            return Reply::json(200, &json!({ "partNumber": number, "etag": etag }).to_string());
        }
        Reply::json(200, "").header("etag", &etag)
    }

    /// Accepts the parts if the body lists all of them in order, each with its ETag.
    fn complete(&mut self, url: &str, number: &str, seen: &Seen) -> Reply {
        let Some(upload) = self.uploads.get(url) else { return Reply::json(404, "{}") };
        let quoted = number == "partNumber";
        let expected: Vec<Value> = upload
            .parts
            .iter()
            .map(|(part, bytes)| {
                let etag = etag(bytes);
                json!({ number: part, "etag": if quoted { &*etag } else { etag.trim_matches('"') } })
            })
            .collect();
        let contiguous = upload.parts.keys().copied().eq(1..=upload.parts.len() as u32);
        if seen.json() != json!({ "parts": expected }) || !contiguous {
            return Reply::json(400, r#"{"detail":"wrong parts"}"#);
        }
        let bytes = upload.parts.values().flatten().copied().collect();
        self.files.insert(url.to_owned(), File { bytes, ..upload.file.clone() });
        Reply::json(200, "{}")
    }
}

/// Returns a file as described by the headers of a request, without its bytes.
fn described(seen: &Seen) -> File {
    let lifecycle = seen.header("x-fal-object-lifecycle").map(str::to_owned);
    assert_eq!(lifecycle.as_deref(), seen.header("x-fal-object-lifecycle-preference"));
    File {
        bytes: Vec::new(),
        content_type: seen.header("content-type").unwrap_or_default().to_owned(),
        name: seen.header("x-fal-file-name").map(str::to_owned),
        lifecycle,
    }
}

/// Formats seconds since 1970 as RFC 3339.
fn rfc3339(seconds: u64) -> String {
    let (mut days, second) = (seconds / 86_400, seconds % 86_400);
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{year}-{:02}-{:02}T{hour:02}:{minute:02}:{:02}.123456+00:00", month + 1, days + 1, second % 60)
}

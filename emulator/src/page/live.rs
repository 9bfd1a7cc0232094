//! Live updates: `/events` sends a part of a page whenever it changes, as HTML. The script shows it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::StatusCode;
use hyper::body::Frame;
use maud::Markup;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::mpsc;

use crate::page::request::Shown;
use crate::page::visit::Visit;
use crate::page::{faults, http_log, overview, requests};
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Dropped, Reply};
use crate::state::MAX_EVENT_STREAMS;

/// The least time between two checks for changes.
const INTERVAL: Duration = Duration::from_millis(200);
/// The time after which a stream without changes sends a comment, so that a connection that is gone is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The time in which a browser has to take an event. After that its stream ends, and the browser opens another.
const MAX_DELAY: Duration = Duration::from_secs(30);

/// Returns the path and the query of a page, for a parameter of `/events`.
pub(super) fn encoded(visit: &Visit<'_>) -> String {
    let target = visit.head.uri.path_and_query().map_or("/", |target| target.as_str());
    utf8_percent_encode(target, NON_ALPHANUMERIC).to_string()
}

/// The part of a page that changes.
enum Live {
    Overview,
    Requests,
    Request(Box<Shown>),
    Http,
    Faults,
}

impl Live {
    fn of(visit: &Visit<'_>) -> Option<Self> {
        let path: Vec<&str> = visit.path.iter().map(String::as_str).collect();
        Some(match path.as_slice() {
            [] => Live::Overview,
            ["requests"] => Live::Requests,
            ["requests", id] => Live::Request(Box::new(Shown::new(visit.state.jobs.get(id)?))),
            ["http"] => Live::Http,
            ["faults"] => Live::Faults,
            _ => return None,
        })
    }

    async fn render(&mut self, visit: &Visit<'_>) -> Markup {
        match self {
            Live::Overview => overview::live(visit),
            Live::Requests => requests::live(visit),
            Live::Request(shown) => shown.live(visit.state).await,
            Live::Http => http_log::live(visit),
            Live::Faults => faults::live(visit),
        }
    }
}

/// Responds with the changes of the page in the parameter `of`.
pub(super) async fn events(visit: &Visit<'_>) -> Reply {
    let target = visit.query("of").unwrap_or("/").to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (state, head) = (Arc::clone(visit.state), visit.head.clone());
    let (path, query) = (path.to_owned(), query.to_owned());
    let Some(mut live) = Live::of(&Visit::of(&state, &head, &path, &query)) else {
        return Refusal::Detail(StatusCode::NOT_FOUND, "this page has no live updates".to_owned()).into_reply();
    };
    let Ok(permit) = Arc::clone(&state.event_streams).try_acquire_owned() else {
        let detail =
            format!("the emulator's limit of {MAX_EVENT_STREAMS} open event streams is reached: close some pages");
        return Refusal::Detail(StatusCode::SERVICE_UNAVAILABLE, detail).into_reply();
    };
    let mut last = head.headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let (sender, receiver) = mpsc::channel::<Bytes>(1);
    // It ends with the connection, because that drops the receiver.
    tokio::spawn(async move {
        let _permit = permit;
        let visit = Visit::of(&state, &head, &path, &query);
        let mut silent = Duration::ZERO;
        loop {
            let start = Instant::now();
            let html = live.render(&visit).await.into_string();
            // A list of many requests takes time. Most of the time is for programs.
            let interval = INTERVAL.max(start.elapsed() * 10);
            let id = digest(&html);
            let event = if last.as_ref() != Some(&id) {
                let event = event(&id, &html);
                last = Some(id);
                Some(event)
            } else {
                (silent >= KEEP_ALIVE).then(|| Bytes::from_static(b": unchanged\n\n"))
            };
            if let Some(event) = event {
                silent = Duration::ZERO;
                if sender.send_timeout(event, MAX_DELAY).await.is_err() {
                    return;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(interval) => silent += interval,
                () = sender.closed() => return,
            }
        }
    });
    let frames = stream::unfold(receiver, |mut receiver| async move {
        Some((Ok::<_, Dropped>(Frame::data(receiver.recv().await?)), receiver))
    });
    reply::events(StreamBody::new(frames).boxed_unsync())
}

fn digest(html: &str) -> String {
    let mut hasher = DefaultHasher::new();
    html.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Returns a server-sent event with an id, and a time after which a browser reconnects.
fn event(id: &str, html: &str) -> Bytes {
    let mut event = format!("retry: 1000\nid: {id}\n");
    for line in html.split(['\n', '\r']) {
        event.push_str("data: ");
        event.push_str(line);
        event.push('\n');
    }
    event.push('\n');
    event.into()
}

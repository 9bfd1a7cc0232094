//! Disturbances of a response body on its way to the client.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::Response;
use hyper::body::{Body as _, Frame};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};

use crate::response::reply::{Body, Dropped, Reply};
use crate::time::clock::Clock;

type Piece = Result<Bytes, Dropped>;

/// Breaks the connection after `after` events of a stream, or bytes of any other body.
pub(super) fn drop_after(reply: Reply, after: usize) -> Reply {
    let is_stream = is_stream(&reply);
    replace_body(reply, |body| cut(body, after, is_stream, End::Break))
}

/// Breaks the connection after `after` bytes.
pub(super) fn drop_after_bytes(reply: Reply, after: usize) -> Reply {
    replace_body(reply, |body| cut(body, after, false, End::Break))
}

/// Stops sending after `after` events of a stream, or bytes of any other body.
pub(super) fn stall_after(reply: Reply, after: usize) -> Reply {
    let is_stream = is_stream(&reply);
    replace_body(reply, |body| cut(body, after, is_stream, End::Stall))
}

/// Sends the body in pieces of `bytes` bytes, each after `interval`.
pub(super) fn throttle(reply: Reply, bytes: usize, interval: Duration, clock: Arc<Clock>) -> Reply {
    replace_body(reply, |body| {
        let start = (body.into_data_stream(), Bytes::new(), clock);
        stream::unfold(start, move |(mut source, mut rest, clock)| async move {
            while rest.is_empty() {
                match source.next().await? {
                    Ok(chunk) => rest = chunk,
                    Err(dropped) => return Some((Err(dropped), (source, rest, clock))),
                }
            }
            let piece = rest.split_to(bytes.min(rest.len()));
            clock.sleep(interval).await;
            Some((Ok(piece), (source, rest, clock)))
        })
    })
}

fn is_stream(reply: &Reply) -> bool {
    reply.headers().get(CONTENT_TYPE).is_some_and(|it| it.as_bytes().starts_with(b"text/event-stream"))
}

/// Replaces the body, and keeps the length that the original body would have had.
fn replace_body<S: Stream<Item = Piece> + Send + 'static>(reply: Reply, make: impl FnOnce(Body) -> S) -> Reply {
    let (mut head, body) = reply.into_parts();
    if let Some(length) = body.size_hint().exact() {
        head.headers.entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
    }
    Response::from_parts(head, StreamBody::new(make(body).map(|piece| piece.map(Frame::data))).boxed_unsync())
}

#[derive(Clone, Copy)]
enum End {
    Break,
    Stall,
}

/// Sends `count` events, which are one piece each, or `count` bytes, and then ends in `end`. A piece that is not an
/// event, such as a comment, does not count. A shorter body ends normally.
fn cut(body: Body, count: usize, events: bool, end: End) -> impl Stream<Item = Piece> + Send {
    stream::unfold((body.into_data_stream(), count), move |(mut source, left)| async move {
        if left == 0 {
            return Some((end.reach().await, (source, left)));
        }
        let mut piece = source.next().await?;
        let counted = match &mut piece {
            Ok(event) if events => usize::from(!event.starts_with(b":")),
            Ok(bytes) => {
                bytes.truncate(left);
                bytes.len()
            }
            Err(_) => 0,
        };
        Some((piece, (source, left - counted)))
    })
}

impl End {
    async fn reach(self) -> Piece {
        match self {
            // hyper flushes the earlier pieces when the body makes it wait.
            End::Break => tokio::task::yield_now().await,
            End::Stall => pending().await,
        }
        Err(Dropped)
    }
}

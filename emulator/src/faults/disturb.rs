//! What can happen to the body of an answer on its way.

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

/// The answer up to so many events or bytes, and then a broken connection.
pub(super) fn tear(reply: Reply, after: usize) -> Reply {
    let is_stream = is_stream(&reply);
    change(reply, |body| cut(body, after, is_stream, End::Break))
}

/// The answer up to so many bytes, and then a broken connection.
pub(super) fn tear_bytes(reply: Reply, after: usize) -> Reply {
    change(reply, |body| cut(body, after, false, End::Break))
}

/// The answer up to so many events or bytes, and then nothing.
pub(super) fn silence(reply: Reply, after: usize) -> Reply {
    let is_stream = is_stream(&reply);
    change(reply, |body| cut(body, after, is_stream, End::Silence))
}

/// The answer in small pieces, with a pause before each.
pub(super) fn drip(reply: Reply, bytes: usize, pause: Duration, clock: Arc<Clock>) -> Reply {
    change(reply, |body| {
        let start = (body.into_data_stream(), Bytes::new(), clock);
        stream::unfold(start, move |(mut source, mut rest, clock)| async move {
            while rest.is_empty() {
                match source.next().await? {
                    Ok(chunk) => rest = chunk,
                    Err(dropped) => return Some((Err(dropped), (source, rest, clock))),
                }
            }
            let piece = rest.split_to(bytes.min(rest.len()));
            clock.sleep(pause).await;
            Some((Ok(piece), (source, rest, clock)))
        })
    })
}

fn is_stream(reply: &Reply) -> bool {
    reply.headers().get(CONTENT_TYPE).is_some_and(|it| it.as_bytes().starts_with(b"text/event-stream"))
}

/// The answer with another body, of which it is still said how long it would have been.
fn change<S: Stream<Item = Piece> + Send + 'static>(reply: Reply, make: impl FnOnce(Body) -> S) -> Reply {
    let (mut head, body) = reply.into_parts();
    if let Some(length) = body.size_hint().exact() {
        head.headers.entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
    }
    Response::from_parts(head, StreamBody::new(make(body).map(|piece| piece.map(Frame::data))).boxed_unsync())
}

#[derive(Clone, Copy)]
enum End {
    Break,
    Silence,
}

/// So many events, which are a piece each, or bytes, and then an end that is none. What is no event, such as a comment,
/// does not count. A body that has no more ends as usual.
fn cut(body: Body, count: usize, events: bool, end: End) -> impl Stream<Item = Piece> + Send {
    stream::unfold((body.into_data_stream(), count), move |(mut source, left)| async move {
        if left == 0 {
            return Some((end.come().await, (source, left)));
        }
        let mut piece = source.next().await?;
        let counted = match &mut piece {
            Ok(event) if events => usize::from(event.starts_with(b"data:")),
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
    async fn come(self) -> Piece {
        match self {
            // hyper sends what came before when a body makes it wait.
            End::Break => tokio::task::yield_now().await,
            End::Silence => pending().await,
        }
        Err(Dropped)
    }
}

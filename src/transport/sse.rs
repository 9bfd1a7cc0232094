//! Server-sent events, as specified by the HTML standard. The crate sse-core parses them.

use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use sse_core::{MessageEvent, SseDecoder, SseEvent};

use super::chunks::Chunks;
use crate::error::{Error, ErrorKind};

/// Maximum bytes that a parser may keep. It reserves as much for each event as for the largest one before, so that it is
/// replaced after a larger one.
const MAX_KEPT: usize = 1 << 20;

/// A stream of server-sent events. Comments are signs of life, and nothing else.
#[derive(Debug)]
pub(crate) struct EventStream {
    chunks: Chunks,
    /// The part of the latest chunk that is not parsed.
    rest: Bytes,
    parser: SseDecoder,
    limit: NonZeroUsize,
    /// True after the last chunk.
    has_ended: bool,
}

impl EventStream {
    /// Parses the events of a body. An event has at most `limit` bytes of data.
    pub(crate) fn new(chunks: Chunks, limit: usize) -> Self {
        let limit = NonZeroUsize::new(limit).unwrap_or(NonZeroUsize::MIN);
        EventStream { chunks, rest: Bytes::new(), parser: SseDecoder::with_limit(limit), limit, has_ended: false }
    }

    /// Returns true after the last chunk. The last event has then been ended by the end of the stream, not by a blank line.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Returns the next event, or `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Result<Option<MessageEvent>, Error> {
        poll_fn(|context| self.poll_next(context)).await
    }

    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<MessageEvent>, Error>> {
        loop {
            match self.parser.next(&mut self.rest) {
                Some(Ok(SseEvent::Message(mut message))) => {
                    if message.data.capacity() > MAX_KEPT {
                        self.parser = SseDecoder::with_limit(self.limit);
                        self.parser.reconnect_with_id(message.last_event_id.clone());
                    }
                    give_back(&mut message.data);
                    return Poll::Ready(Ok(Some(message)));
                }
                // A stream that was accepted once is not opened again because of a lost connection.
                Some(Ok(SseEvent::Retry(_))) => continue,
                Some(Err(_)) => return Poll::Ready(Err(too_large(self.limit))),
                None if self.has_ended => return Poll::Ready(Ok(None)),
                None => {}
            }
            self.rest = match ready!(self.chunks.poll_next(context))? {
                Some(chunk) => chunk,
                None => {
                    self.has_ended = true;
                    // Many servers leave out the blank line after the last event. The parser would discard that event.
                    Bytes::from_static(b"\n\n")
                }
            };
        }
    }
}

/// Gives back memory that the parser has reserved because an earlier event was large.
fn give_back(data: &mut String) {
    const SPARE: usize = 4096;
    if data.capacity() - data.len() > SPARE.max(data.len()) {
        data.shrink_to_fit();
    }
}

fn too_large(limit: NonZeroUsize) -> Error {
    Error::new(ErrorKind::UnexpectedResponse, format!("an event of the stream exceeds the limit of {limit} bytes"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::{FutureExt, StreamExt, stream};

    use super::*;

    fn open(pieces: &[&[u8]], limit: usize) -> EventStream {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        EventStream::new(Chunks::of(stream::iter(pieces).boxed(), Duration::MAX), limit)
    }

    fn next(events: &mut EventStream) -> Result<Option<MessageEvent>, Error> {
        events.next().now_or_never().expect("all chunks are there")
    }

    fn events(pieces: &[&[u8]]) -> Vec<String> {
        let mut events = open(pieces, 1000);
        std::iter::from_fn(|| next(&mut events).expect("an event").map(|event| event.data)).collect()
    }

    #[test]
    fn events_are_separated_by_blank_lines() {
        let stream = b"\xef\xbb\xbfdata: {\"a\":1}\n\n: ping\n\nevent: x\nid: 3\ndata:one\ndata: two\ndata\n\n\n\ndata: \n\nretry: 5\n\n";
        assert_eq!(events(&[stream]), ["{\"a\":1}", "one\ntwo\n", ""]);
    }

    #[test]
    fn all_line_ends_are_accepted() {
        assert_eq!(events(&[b"data: a\r\n\r\ndata: b\r\rdata: c\n\n"]), ["a", "b", "c"]);
    }

    #[test]
    fn chunk_boundaries_do_not_matter() {
        let stream = "data: é\r\n\r\n: x\r\ndata: 漢\ndata: b\n\r\ndata: c\n\n\ndata: d\r".as_bytes();
        let whole = events(&[stream]);
        assert_eq!(whole, ["é", "漢\nb", "c", "d"]);
        for cut in 0..stream.len() {
            let (head, tail) = stream.split_at(cut);
            assert_eq!(events(&[head, tail]), whole, "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(events(&bytes), whole);
    }

    #[test]
    fn the_last_event_needs_no_blank_line() {
        for end in ["data: b", "data: b\n", "data: b\r", "data: b\r\n"] {
            assert_eq!(events(&[b"data: a\n\n", end.as_bytes()]), ["a", "b"], "{end:?}");
        }
        assert_eq!(events(&[b"data: a\n\n\n: ping"]), ["a"]);
        assert_eq!(events(&[b""]), [""; 0]);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced() {
        assert_eq!(events(&[b"data: a\xff\xc3", b"\xa9\n\ndata: b\n\n"]), ["a\u{fffd}é", "b"]);
    }

    #[test]
    fn names_and_ids_are_kept() {
        let mut stream = open(&[b"event: token\nid: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n"], 1000);
        let found: Vec<(String, Option<String>)> = std::iter::from_fn(|| {
            let message = next(&mut stream).expect("an event")?;
            Some((message.event.into_owned(), message.last_event_id.map(|id| id.to_string())))
        })
        .collect();
        let id = || Some("1".to_owned());
        assert_eq!(found, [("token".to_owned(), id()), ("message".to_owned(), id()), ("message".to_owned(), None)]);
    }

    #[test]
    fn a_large_event_is_an_error_before_its_end() {
        for stream in ["data: 0123456789x", "data: 01234\ndata: 56789", "event: 0123456789x\ndata: 1\n\n"] {
            let error = next(&mut open(&[stream.as_bytes()], 10)).expect_err(stream);
            assert!(error.to_string().contains("the limit of 10 bytes"), "{error}");
        }
        let comments = format!("{}data: 0123456789\n\n", ": a comment\n".repeat(100));
        assert_eq!(next(&mut open(&[comments.as_bytes()], 10)).expect("small").expect("an event").data.len(), 10);
    }

    #[test]
    fn a_small_event_does_not_keep_the_memory_of_a_large_one() {
        for (large, end) in [(1 << 19, "\n\n"), (2 << 20, "\n\n"), (2 << 20, "\r\r"), (2 << 20, "\r\n\r\n")] {
            let stream = format!("id: 1{end}data: {}{end}data: small{end}", "x".repeat(large));
            let mut stream = open(&[stream.as_bytes()], 4 << 20);
            assert_eq!(next(&mut stream).expect("an event").expect("an event").data.len(), large);
            let small = next(&mut stream).expect("an event").expect("another event");
            assert_eq!((&*small.data, small.last_event_id.as_deref()), ("small", Some("1")), "{end:?}");
            assert!(small.data.capacity() < 1 << 13, "{}", small.data.capacity());
        }
    }
}

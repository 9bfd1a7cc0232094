//! Output streams, typed and untyped. Chunk boundaries do not matter, and the data of no event is lost.
//!
//! `cargo +nightly fuzz run streams`

#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::endpoints::openrouter::router;
use fal_client::serde_json::Value;
use fal_client::{Error, EventData, StreamEvent, fuzzing};
use libfuzzer_sys::fuzz_target;

#[derive(Debug)]
struct Stream {
    bytes: Vec<u8>,
    /// The lengths of the chunks.
    lengths: Vec<u8>,
}

/// Pieces of streams, of which some break them.
const PIECES: &[&[u8]] = &[
    b"data: ",
    b"data:",
    b"data",
    b"\n\n",
    b"\n\n",
    b"\n",
    b"\r",
    b"\r\n",
    b": ping\n\n",
    b"event: error\n",
    b"event: token\n",
    b"event",
    b"id: 1\n",
    b"id: \0\n",
    b"retry: 5\n",
    b"\xef\xbb\xbf",
    b"\xff",
    b"[DONE]",
    b"not json",
    b"{\"output\":\"a fox in the snow\",\"partial\":true,\"error\":null}",
    b"{\"images\":[{\"url\":\"https://x.y/z.png\"}],\"seed\":1}",
    b"{\"type\":\"submit\",\"node_id\":\"n\",\"app_id\":\"a/b\",\"request_id\":\"R\"}",
    b"{\"type\":\"completion\",\"node_id\":\"n\",\"output\":",
    b"{\"type\":\"output\",\"output\":",
    b"{\"type\":\"error\",\"node_id\":\"n\",\"message\":\"m\",\"error\":{\"status\":422,\"body\":",
    b"{\"detail\":[{\"loc\":[\"body\",\"x\"],\"msg\":\"m\",\"type\":\"missing\"}]}",
    b"{\"error\":",
    b"\"error\":",
    b"\"type\":",
    b"\"output\":",
    b"{\"status\":\"IN_PROGRESS\"}",
    b"NaN",
    b"1e999",
    b"0",
    b"\"\"",
    b"null",
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b"\"",
    b"\\ud800",
];

impl<'a> Arbitrary<'a> for Stream {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let mut bytes = Vec::new();
        for _ in 0..u.int_in_range(0..=40)? {
            if u.ratio(1, 6)? {
                bytes.extend_from_slice(u.arbitrary::<&[u8]>()?);
            } else {
                bytes.extend_from_slice(u.choose(PIECES)?);
            }
        }
        Ok(Stream { bytes, lengths: u.arbitrary()? })
    }
}

/// Describes events without what hides parts of them.
fn described<O>(events: &[std::result::Result<StreamEvent<O>, Error>]) -> Vec<String>
where
    O: std::fmt::Debug,
{
    let describe = |event: &std::result::Result<StreamEvent<O>, Error>| match event {
        Ok(event) => format!("{event:?} {:?} {:?}", event.data, event.raw),
        Err(error) => format!("{error} {error:?} {:?}", error.body()),
    };
    events.iter().map(describe).collect()
}

/// Returns the data of each event: that of an error event is the body of the error.
fn raw<O>(events: &[std::result::Result<StreamEvent<O>, Error>]) -> Vec<Option<&[u8]>> {
    events
        .iter()
        .map(|event| event.as_ref().map_or_else(|error| error.body(), |event| Some(&event.raw)).map(|raw| &raw[..]))
        .collect()
}

fuzz_target!(|stream: Stream| {
    let mut rest = &stream.bytes[..];
    let mut chunks = Vec::new();
    for length in &stream.lengths {
        let (chunk, after) = rest.split_at(rest.len().min(usize::from(*length)));
        chunks.push(chunk);
        rest = after;
    }
    chunks.push(rest);

    let untyped = fuzzing::outputs::<Value>(&[&stream.bytes]);
    assert_eq!(described(&fuzzing::outputs::<Value>(&chunks)), described(&untyped));
    let text = fuzzing::outputs::<router::Output>(&[&stream.bytes]);
    assert_eq!(described(&fuzzing::outputs::<router::Output>(&chunks)), described(&text));
    let images = fuzzing::outputs::<redux::Output>(&[&stream.bytes]);
    // What an event is depends on the type. Its data does not.
    for ((untyped, text), images) in raw(&untyped).into_iter().zip(raw(&text)).zip(raw(&images)) {
        assert!(untyped == text && text == images);
    }
    for event in untyped.iter().flatten() {
        assert!(!matches!(event.data, EventData::Json(_) | EventData::Binary(_)), "{event:?}");
    }
});

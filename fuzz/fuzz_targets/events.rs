//! Status streams. Chunk boundaries do not matter, and what is read as a status can be written and read again.
//!
//! `cargo +nightly fuzz run events`

#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use fal_client::{QueueUpdate, fuzzing};
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
    b"\n",
    b"\r",
    b"\r\n",
    b": ping",
    b"event: x",
    b"id: 1",
    b"retry: 5",
    b"\xef\xbb\xbf",
    b"\xff",
    b"{\"status\":\"IN_QUEUE\",\"queue_position\":3}",
    b"{\"status\":\"IN_PROGRESS\",\"logs\":[{\"message\":\"a\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"level\":\"INFO\"}]}",
    b"{\"status\":\"COMPLETED\",\"metrics\":{\"inference_time\":1.5}}",
    b"{\"status\":\"COMPLETED\",\"error\":\"no\",\"error_type\":\"internal_error\"}",
    b"{\"status\":",
    b"\"COMPLETED\"",
    b"\"logs\":",
    b"\"metrics\":",
    b"\"queue_position\":",
    b"NaN",
    b"-1",
    b"1e999",
    b"18446744073709551616",
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

fuzz_target!(|stream: Stream| {
    let whole = fuzzing::events(&[&stream.bytes]);
    let mut rest = &stream.bytes[..];
    let mut chunks = Vec::new();
    for length in &stream.lengths {
        let (chunk, after) = rest.split_at(rest.len().min(usize::from(*length)));
        chunks.push(chunk);
        rest = after;
    }
    chunks.push(rest);
    let parts = fuzzing::events(&chunks);
    assert_eq!(parts, whole);
    for (_, update) in whole {
        let Some(update) = update else { continue };
        let written = serde_json::to_vec(&update).expect("JSON");
        let again: QueueUpdate = serde_json::from_slice(&written).expect("a status");
        assert_eq!(serde_json::to_vec(&again).expect("JSON"), written);
    }
});

//! Frames of realtime connections, as MessagePack and as text. What is read can be printed, and what is written can be read.
//!
//! `cargo +nightly fuzz run frames`

#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::fuzzing;
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug)]
struct Frame {
    bytes: Vec<u8>,
}

/// A result with bytes in it.
#[derive(Debug, Deserialize)]
#[allow(dead_code)]
struct Picture {
    content: Vec<u8>,
    seed: Option<i128>,
}

/// Pieces of frames, of which some break them.
const PIECES: &[&[u8]] = &[
    b"\x80",
    b"\x81",
    b"\x82",
    b"\x83",
    b"\x90",
    b"\x91",
    b"\x93",
    b"\xa4type",
    b"\xabx-fal-error",
    b"\xadx-fal-message",
    b"\xa5error",
    b"\xa6reason",
    b"\xa6status",
    b"\xacUnauthorized",
    b"\xa7content",
    b"\xa4seed",
    b"\xa6images",
    b"\xa3url",
    b"\xc4\x02\x00\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xd9\xff",
    b"\xdb\xff\xff\xff\xff",
    b"\xdc\xff\xff",
    b"\xdd\xff\xff\xff\xff",
    b"\xde\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xd4\xff\x00",
    b"\xc8\x00\x0c\xff",
    b"\xc0",
    b"\xc1",
    b"\xc3",
    b"\x05",
    b"\xe0",
    b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00",
    b"\xca\x7f\xc0\x00\x00",
    b"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00",
    b"{\"type\":\"x-fal-error\",\"error\":",
    b"\"status\":\"error\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b",",
    b":1",
    b"NaN",
];

impl<'a> Arbitrary<'a> for Frame {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let mut bytes = Vec::new();
        for _ in 0..u.int_in_range(0..=40)? {
            match u.int_in_range(0..=7)? {
                0 => bytes.extend_from_slice(u.arbitrary::<&[u8]>()?),
                1 => {
                    let piece = *u.choose(PIECES)?;
                    let times = u.int_in_range(0..=300)?;
                    bytes.extend(std::iter::repeat_n(piece, times).flatten());
                }
                _ => bytes.extend_from_slice(u.choose(PIECES)?),
            }
        }
        Ok(Frame { bytes })
    }
}

fuzz_target!(|frame: Frame| {
    for is_text in [false, true] {
        let plain = fuzzing::frame::<Value>(is_text, &frame.bytes);
        if let Some(Err(error)) = &plain {
            assert!(error.to_string().len() < 20_000);
        }
        let _ = fuzzing::frame::<redux::Output>(is_text, &frame.bytes);
        let _ = fuzzing::frame::<Picture>(is_text, &frame.bytes);
        if let Some(Ok(value)) = plain {
            let packed = fuzzing::packed(&value).expect("JSON is MessagePack");
            match fuzzing::frame::<Value>(false, &packed) {
                Some(Ok(again)) => assert_eq!(again, value),
                // Escaped words, repeated keys and keys that are not strings become those of a frame about the connection.
                other => assert!(value.is_object(), "{other:?}"),
            }
        }
    }
});

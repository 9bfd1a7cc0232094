//! Data URIs: a file in a text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use percent_encoding::percent_decode_str;

/// The data URI of a file.
pub(super) fn encode(bytes: &[u8], content_type: &str) -> String {
    let mut uri = format!("data:{content_type};base64,");
    STANDARD.encode_string(bytes, &mut uri);
    uri
}

/// The file in a data URI; `None` where it is none.
pub(super) fn decode(uri: &str) -> Option<Bytes> {
    let (head, data) = uri.get(5..)?.split_once(',')?;
    let data: Vec<u8> = percent_decode_str(data).collect();
    let base64 = head.rsplit(';').next().is_some_and(|last| last.trim().eq_ignore_ascii_case("base64"));
    if base64 { STANDARD.decode(data).ok().map(Bytes::from) } else { Some(data.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        for bytes in [&b""[..], b"a", b"abc\0\xff"] {
            assert_eq!(decode(&encode(bytes, "image/png")).as_deref(), Some(bytes));
        }
    }

    #[test]
    fn every_form_is_decoded_and_nonsense_is_not() {
        for (uri, bytes) in [
            ("data:,a%20b", Some(&b"a b"[..])),
            ("DATA:text/plain;charset=utf-8;BASE64,YWJj", Some(b"abc")),
            ("data:image/png;base64,YWJj%3D", None),
            ("data:image/png;base64,YQ%3D%3D", Some(b"a")),
            ("data:image/png;base64,!", None),
            ("data:image/png", None),
            ("data:", None),
        ] {
            assert_eq!(decode(uri).as_deref(), bytes, "{uri}");
        }
    }
}

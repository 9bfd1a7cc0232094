//! Data URIs: a file in a text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use percent_encoding::percent_decode_str;

/// The data URI of a file.
pub(crate) fn encode(bytes: &[u8], content_type: &str) -> String {
    let mut uri = format!("data:{content_type};base64,");
    STANDARD.encode_string(bytes, &mut uri);
    uri
}

/// Whether a text says that it is a data URI.
pub(crate) fn is_one(text: &str) -> bool {
    text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}

/// The media type and the bytes of the file in a data URI; `None` where it is none.
pub(crate) fn decode(uri: &str) -> Option<(&str, Bytes)> {
    let (head, data) = uri.get(5..)?.split_once(',')?;
    let data: Vec<u8> = percent_decode_str(data).collect();
    let (content_type, bytes) = match head.rsplit_once(';') {
        Some((content_type, last)) if last.trim().eq_ignore_ascii_case("base64") => {
            (content_type, STANDARD.decode(data).ok()?.into())
        }
        _ => (head, data.into()),
    };
    // What a data URI is that does not say what it is (RFC 2397).
    let content_type = if content_type.is_empty() { "text/plain;charset=US-ASCII" } else { content_type };
    Some((content_type, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        for bytes in [&b""[..], b"a", b"abc\0\xff"] {
            assert_eq!(decode(&encode(bytes, "image/png")), Some(("image/png", Bytes::from_static(bytes))));
        }
    }

    #[test]
    fn every_form_is_decoded_and_nonsense_is_not() {
        for (uri, file) in [
            ("data:,a%20b", Some(("text/plain;charset=US-ASCII", &b"a b"[..]))),
            ("data:;base64,YWJj", Some(("text/plain;charset=US-ASCII", b"abc"))),
            ("DATA:text/plain;charset=utf-8;BASE64,YWJj", Some(("text/plain;charset=utf-8", b"abc"))),
            ("data:text/plain;charset=utf-8,abc", Some(("text/plain;charset=utf-8", b"abc"))),
            ("data:image/png;base64,YWJj%3D", None),
            ("data:image/png;base64,YQ%3D%3D", Some(("image/png", b"a"))),
            ("data:image/png;base64,!", None),
            ("data:image/png", None),
            ("data:", None),
        ] {
            let decoded = decode(uri);
            assert_eq!(decoded.as_ref().map(|(content_type, bytes)| (*content_type, &bytes[..])), file, "{uri}");
        }
    }
}

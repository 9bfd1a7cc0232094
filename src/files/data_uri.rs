//! Data URIs: files encoded in a string (RFC 2397).

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use bytes::Bytes;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::text::Redacted;

/// Characters that a media type may contain, such as in `video/mp4; codecs="avc1, mp4a"`, and a data URI has to escape.
const NOT_IN_TYPE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b',');

/// Base64 as browsers decode it: with or without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Maximum characters of a URL that are displayed.
const MAX_SHOWN_CHARS: usize = 200;

/// Encodes a file as a data URI.
pub(crate) fn encode(bytes: &[u8], content_type: &str) -> String {
    let mut uri = format!("data:{};base64,", utf8_percent_encode(content_type, NOT_IN_TYPE));
    STANDARD.encode_string(bytes, &mut uri);
    uri
}

/// Returns true if a string has the scheme `data:`.
pub(crate) fn is_data_uri(text: &str) -> bool {
    text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}

/// Decodes a data URI to its media type and bytes. Returns `None` if it is invalid.
pub(crate) fn decode(uri: &str) -> Option<(String, Bytes)> {
    let (head, data) = uri.get(5..)?.split_once(',')?;
    let data: Cow<'_, [u8]> = percent_decode_str(data).into();
    let (content_type, bytes) = match head.rsplit_once(';') {
        Some((content_type, last)) if last.trim().eq_ignore_ascii_case("base64") => {
            (content_type, LENIENT.decode(without_spaces(data)).ok()?.into())
        }
        _ => (head, data.into_owned().into()),
    };
    // The default of RFC 2397.
    let content_type = if content_type.is_empty() { "text/plain;charset=US-ASCII" } else { content_type };
    Some((percent_decode_str(content_type).decode_utf8_lossy().into_owned(), bytes))
}

/// Removes the line breaks that base64 may have.
fn without_spaces(data: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if data.iter().any(u8::is_ascii_whitespace) {
        return data.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    }
    data
}

/// Formats a URL for people, without secrets. Shows only the header of a data URI, and the beginning of any other string.
pub(crate) fn shorten(url: &str) -> String {
    let head = if is_data_uri(url) { &url[..url.find(',').map_or(5, |comma| comma + 1)] } else { url };
    let head = head.char_indices().nth(MAX_SHOWN_CHARS).map_or(head, |(end, _)| &head[..end]);
    let shown = Redacted(head);
    if head.len() < url.len() { format!("{shown:?}…, {} bytes", url.len()) } else { format!("{shown:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_files_are_decoded() {
        for bytes in [&b""[..], b"a", b"abc\0\xff"] {
            for content_type in
                ["image/png", "text/plain; charset=utf-8", r#"video/mp4; codecs="avc1, mp4a""#, "a/%2C#é"]
            {
                let uri = encode(bytes, content_type);
                assert_eq!(decode(&uri), Some((content_type.to_owned(), Bytes::from_static(bytes))), "{uri}");
            }
        }
        assert_eq!(encode(b"a", "image/svg+xml;v=1"), "data:image/svg+xml;v=1;base64,YQ==");
    }

    #[test]
    fn valid_data_uris_are_decoded_and_invalid_ones_rejected() {
        for (uri, file) in [
            ("data:,a%20b", Some(("text/plain;charset=US-ASCII", &b"a b"[..]))),
            ("data:;base64,YWJj", Some(("text/plain;charset=US-ASCII", b"abc"))),
            ("DATA:text/plain;charset=utf-8;BASE64,YWJj", Some(("text/plain;charset=utf-8", b"abc"))),
            ("data:text/plain;charset=utf-8,abc", Some(("text/plain;charset=utf-8", b"abc"))),
            ("data:image/png;base64,YWJj%3D", None),
            ("data:image/png;base64,YQ%3D%3D", Some(("image/png", b"a"))),
            ("data:image/png;base64,YQ", Some(("image/png", b"a"))),
            ("data:image/png;base64,YWJj\r\n YWJj%0A", Some(("image/png", b"abcabc"))),
            ("data:image/png;base64,", Some(("image/png", b""))),
            ("data:image/png;base64,!", None),
            ("data:image/png;base64,Y", None),
            ("data:image/png;base64,YQ=a", None),
            ("data:image/png", None),
            ("data:", None),
        ] {
            let decoded = decode(uri);
            assert_eq!(decoded.as_ref().map(|(content_type, bytes)| (&**content_type, &bytes[..])), file, "{uri}");
        }
    }

    #[test]
    fn displayed_urls_are_short_and_have_no_file_bytes() {
        for (url, text) in [
            ("https://a.b/c", r#""https://a.b/c""#.to_owned()),
            ("data:image/png;base64,YWJj", r#""data:image/png;base64,"…, 26 bytes"#.to_owned()),
            ("https://u:p@a.b/c?Signature=s1", r#""https://[redacted]@a.b/c?Signature=[redacted]""#.to_owned()),
            ("DATA:YWJj", r#""DATA:"…, 9 bytes"#.to_owned()),
            (&"é".repeat(300), format!("{:?}…, 600 bytes", "é".repeat(200))),
        ] {
            assert_eq!(shorten(url), text);
        }
    }
}

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

/// Returns the content type and the bytes of a data URI. Returns `None` for any other text.
pub(crate) fn parse(text: &str) -> Option<(&str, Vec<u8>)> {
    let (head, data) = text.strip_prefix("data:")?.split_once(',')?;
    Some(match head.strip_suffix(";base64") {
        Some(content_type) => (content_type, STANDARD.decode(data.trim()).ok()?),
        None => (head, percent_decode_str(data).collect()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_base64_or_percent_encoded() {
        for (text, content_type, bytes) in [
            ("data:image/png;base64,AAE=", "image/png", &b"\0\x01"[..]),
            ("data:;base64, AAE= ", "", b"\0\x01"),
            ("data:text/plain;charset=utf-8,a%20b,c", "text/plain;charset=utf-8", b"a b,c"),
            ("data:,", "", b""),
        ] {
            assert_eq!(parse(text), Some((content_type, bytes.to_vec())), "{text}");
        }
        for text in ["", "data:", "data:image/png;base64,*", "https://a.test/x,y"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

use std::fmt;

use crate::text::shown;

/// Maximum bytes of a request id. fal's ids have 36.
const MAX_LENGTH: usize = 256;

/// The id of a queued request, which can be a segment of a URL's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(String);

/// A string that is not a request id.
#[derive(Debug)]
pub(crate) struct InvalidRequestId(String);

impl RequestId {
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidRequestId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
        let is_valid = !matches!(text, "" | "." | "..") && text.len() <= MAX_LENGTH && text.bytes().all(allowed);
        if is_valid { Ok(RequestId(text.to_owned())) } else { Err(InvalidRequestId(shown(text))) }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InvalidRequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "invalid request id `{}`: expected at most {MAX_LENGTH} letters, digits, `-`, `_`, `.` and `~`",
            self.0
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_segments_of_a_path() {
        for text in ["764cabcf-b745-4b3e-ae38-1200304cf45b", "R-1_a.b~", "...", &"x".repeat(256)] {
            assert_eq!(RequestId::parse(text).expect(text).as_str(), text);
        }
        for text in
            ["", ".", "..", "a/b", "a\\b", "a b", "a\nb", "é", "a%2fb", "a?b", "a#b", "\u{202e}a", &"x".repeat(257)]
        {
            assert!(RequestId::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn messages_about_invalid_ids_are_short_and_printable() {
        for text in ["x".repeat(5 << 20), "\u{1b}[31m\r\n".repeat(60_000), "\u{202e}".repeat(100)] {
            let message = RequestId::parse(&text).expect_err("too long").to_string();
            assert!(message.len() < 1_000, "{message}");
            assert!(!message.contains(|c: char| c.is_control() || c == '\u{202e}'), "{message}");
        }
    }
}

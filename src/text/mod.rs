//! Text from a service, a saved job or the environment, made safe to print: without secrets, without characters that
//! act on a terminal, on one line, and bounded.

mod beginning;
mod hidden;
mod redacted;
mod secrets;

pub(crate) use beginning::beginning;
pub(crate) use hidden::is_hidden;
pub(crate) use redacted::Redacted;
pub(crate) use secrets::{is_sensitive, learn, learn_key, learn_signed, learn_url};

/// Maximum characters that are shown of one field, such as a request id.
const MAX_FIELD: usize = 200;

/// Returns a field as one line of at most 200 characters.
pub(crate) fn shown(field: &str) -> String {
    within(field, MAX_FIELD)
}

/// Returns a text as one line of at most about `max` characters. Line breaks and tabs become spaces, other invisible
/// characters become escapes such as `\u{1b}`, and secrets become `[redacted]`.
pub(crate) fn within(text: &str, max: usize) -> String {
    let known = secrets::known();
    let mut line = String::new();
    let (mut at, mut length) = (0, 0);
    while let Some(c) = text[at..].chars().next() {
        if length >= max {
            line.push_str(&format!("… ({} bytes)", text.len()));
            return line;
        }
        let before = line.len();
        if let Some(end) = redacted::end_of_secret(text, at, &known) {
            line.push_str(redacted::MARK);
            at = end;
        } else {
            match c {
                '\n' | '\r' | '\t' if line.is_empty() || line.ends_with(' ') => {}
                '\n' | '\r' | '\t' => line.push(' '),
                hidden if is_hidden(hidden) => line.extend(hidden.escape_unicode()),
                plain => line.push(plain),
            }
            at += c.len_utf8();
        }
        length += line.len().saturating_sub(before).min(redacted::MARK.len());
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_forged_neither_by_breaks_nor_by_escapes() {
        for (text, line) in [
            ("a\nERROR b", "a ERROR b"),
            (" a\r\n\tb \n", " a b"),
            ("\u{1b}[2Ja", "\\u{1b}[2Ja"),
            ("a\u{202e}b\u{200b}", "a\\u{202e}b\\u{200b}"),
            ("\u{0}\u{7f}\u{9b}\u{2028}", "\\u{0}\\u{7f}\\u{9b}\\u{2028}"),
            ("\u{e0041}", "\\u{e0041}"),
            ("déjà vu 狐 🦊 ❤\u{fe0f}", "déjà vu 狐 🦊 ❤\u{fe0f}"),
            ("", ""),
        ] {
            assert_eq!(within(text, 100), line);
        }
    }

    #[test]
    fn long_texts_end_with_their_length() {
        assert_eq!(within(&"x".repeat(1000), 10), "xxxxxxxxxx… (1000 bytes)");
        assert!(shown(&"\u{1b}".repeat(1_000_000)).len() < 250);
        assert!(shown(&"🦊".repeat(1_000_000)).len() < 1000);
    }

    #[test]
    fn a_secret_at_the_end_of_a_long_text_is_not_cut() {
        learn_key("cut-id-1:cut-secret-1");
        for max in 1..60 {
            let line = within(&format!("the key is cut-id-1:cut-secret-1 {}", "x".repeat(100)), max);
            assert!(!line.contains("cut-"), "{line}");
        }
    }
}

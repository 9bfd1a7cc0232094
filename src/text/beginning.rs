use std::fmt::{self, Write};

/// Maximum bytes of a text that is kept.
const MAX_TEXT: usize = 16 << 10;

/// Maximum bytes of a word that is removed because it was cut.
const MAX_CUT: usize = 4 << 10;

struct Beginning(String);

impl Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut end = text.len().min(MAX_TEXT - self.0.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.0.push_str(&text[..end]);
        if end < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

/// Formats a text, at most its first 16 KiB. A longer one ends with an ellipsis, and without the word that is cut: half a
/// secret would not be recognised as one.
pub(crate) fn beginning(text: impl fmt::Display) -> String {
    let mut beginning = Beginning(String::new());
    if write!(beginning, "{text}").is_ok() {
        return beginning.0;
    }
    let Beginning(mut text) = beginning;
    let mut end = text.len() - MAX_CUT.min(text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    end += text[end..].rfind(char::is_whitespace).unwrap_or(0);
    text.truncate(end);
    text.push('…');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_before_a_word() {
        assert_eq!(beginning("a b"), "a b");
        let long = beginning(format!("{} secret{}", "é".repeat(8000), "x".repeat(1_000_000)));
        assert!(long.len() < MAX_TEXT && long.ends_with("é…"), "{}", long.len());
        assert!(beginning("x".repeat(1_000_000)).len() > MAX_TEXT - MAX_CUT);
    }
}

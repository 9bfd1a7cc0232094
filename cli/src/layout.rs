//! Text that is safe to print, and fits into columns.

use std::fmt::Write;

use fal_documents::text::is_hidden;
use unicode_width::UnicodeWidthStr;

/// Returns the number of columns of a text.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// Breaks a text into lines of at most this many columns. Lines of the text stay separate, and a long word is not broken, so that
/// a URL can be copied.
pub(crate) fn wrap(text: &str, max: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && width(&line) + 1 + width(word) > max {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// Cuts a text after this many characters, at a word if there is one near, and adds an ellipsis.
pub(crate) fn cut(text: &str, max: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(max) else { return text.to_owned() };
    let kept = &text[..end];
    let at_word = kept.rfind(char::is_whitespace).filter(|at| *at > end / 2).map_or(kept, |at| &kept[..at]);
    format!("{}…", at_word.trim_end_matches(|c: char| c.is_whitespace() || ",;:(".contains(c)))
}

/// Returns text of documents, responses or files in a form that is safe to print, in one line. Whitespace becomes a space.
/// Other control characters, and invisible ones that change how text is displayed, are escaped: `\u{1b}`.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' if plain.ends_with(' ') => {}
            '\n' | '\r' | '\t' => plain.push(' '),
            // Emoji and some scripts consist of characters that these join.
            '\u{200c}' | '\u{200d}' => plain.push(c),
            c if is_hidden(c) => {
                let _ = write!(plain, "{}", c.escape_unicode());
            }
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::{cut, wrap};

    #[test]
    fn lines_fit_and_long_words_stay_whole() {
        assert_eq!(wrap("one two  three\n\nfour", 8), ["one two", "three", "", "four"]);
        assert_eq!(wrap("see https://example.com/path now", 10), ["see", "https://example.com/path", "now"]);
        assert_eq!(wrap("図書 図書", 5), ["図書", "図書"]);
        assert_eq!(wrap("", 5), Vec::<String>::new());
    }

    #[test]
    fn texts_are_cut_at_a_word() {
        assert_eq!(cut("one two three", 20), "one two three");
        assert_eq!(cut("one two, three", 10), "one two…");
        assert_eq!(cut("abcdefghij", 4), "abcd…");
    }
}

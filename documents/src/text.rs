//! Text of documents, made safe to print.

/// Quotes a text in a finding as it is, with escapes. Long texts end in an ellipsis.
pub fn quoted(text: &str) -> String {
    let escaped: String = text.chars().flat_map(char::escape_debug).take(MAX_QUOTED + 1).collect();
    format!("`{}`", printable(&escaped, MAX_QUOTED))
}

/// The longest quoted text, in characters.
const MAX_QUOTED: usize = 300;

/// Escapes the characters of a text that affect how it is displayed, line breaks among them. Long texts end in an ellipsis.
pub fn printable(text: &str, max: usize) -> String {
    let mut chars = text.chars();
    let mut printable = String::new();
    for c in chars.by_ref().take(max) {
        if is_hidden(c) { printable.extend(c.escape_default()) } else { printable.push(c) }
    }
    if chars.next().is_some() {
        printable.push('…');
    }
    printable
}

/// Returns true for invisible characters that affect how text is displayed.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Returns the line and the column, in bytes, that follow a text. Both begin at 1.
pub(crate) fn place(before: &[u8]) -> (usize, usize) {
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |index| index + 1);
    (before.iter().filter(|byte| **byte == b'\n').count() + 1, before.len() - start + 1)
}

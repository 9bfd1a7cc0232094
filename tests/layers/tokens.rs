//! Rust source as tokens: words and punctuation with their lines, without comments and literals.

#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) line: usize,
    /// A word, `::`, or a single character of punctuation.
    pub(crate) text: String,
}

/// Splits a source file that compiles. What macros contain is split like everything else.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let (mut index, mut line) = (0, 1);
    while index < chars.len() {
        let start = index;
        let mut text = String::new();
        match at(index) {
            '/' if at(index + 1) == '/' => {
                while index < chars.len() && at(index) != '\n' {
                    index += 1;
                }
            }
            '/' if at(index + 1) == '*' => index = after_block_comment(&chars, index),
            '"' => index = after_string(&chars, index),
            '\'' if at(index + 1) == '\\' => index = after_escaped_char(&chars, index),
            '\'' if at(index + 2) == '\'' => index += 3,
            ':' if at(index + 1) == ':' => {
                text.push_str("::");
                index += 2;
            }
            c if is_word(c) => {
                while is_word(at(index)) {
                    text.push(at(index));
                    index += 1;
                }
                // The prefix of a raw string, of another string, or of a raw identifier.
                if matches!(text.as_str(), "r" | "br" | "cr") && matches!(at(index), '"' | '#') {
                    text.clear();
                    index = after_raw(&chars, index);
                } else if matches!(text.as_str(), "b" | "c") && at(index) == '"' {
                    text.clear();
                }
            }
            c if c.is_whitespace() => index += 1,
            c => {
                text.push(c);
                index += 1;
            }
        }
        if !text.is_empty() {
            found.push(Token { line, text });
        }
        line += chars[start..index].iter().filter(|&&c| c == '\n').count();
    }
    found
}

fn after_block_comment(chars: &[char], start: usize) -> usize {
    let (mut index, mut depth) = (start, 0);
    while index < chars.len() {
        let step = match chars[index..] {
            ['/', '*', ..] => 1,
            ['*', '/', ..] => -1,
            _ => 0,
        };
        depth += step;
        index += if step == 0 { 1 } else { 2 };
        if depth == 0 {
            break;
        }
    }
    index
}

fn after_string(chars: &[char], start: usize) -> usize {
    let mut index = start + 1;
    while index < chars.len() && chars[index] != '"' {
        index += if chars[index] == '\\' { 2 } else { 1 };
    }
    (index + 1).min(chars.len())
}

fn after_escaped_char(chars: &[char], start: usize) -> usize {
    // The character after the backslash may be a quote itself.
    let mut index = start + 3;
    while index < chars.len() && chars[index] != '\'' {
        index += 1;
    }
    (index + 1).min(chars.len())
}

/// Ends after a raw string, or after the `#` of a raw identifier, whose word then is a token like any other.
fn after_raw(chars: &[char], start: usize) -> usize {
    let hashes = chars[start..].iter().take_while(|&&c| c == '#').count();
    let mut index = start + hashes;
    if chars.get(index) != Some(&'"') {
        return index;
    }
    index += 1;
    while index < chars.len() {
        if chars[index] == '"' && chars[index + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes {
            return index + 1 + hashes;
        }
        index += 1;
    }
    index
}

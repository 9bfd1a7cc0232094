//! Prose from a schema as lines of documentation. The prose is untrusted: the lines contain no doctests, broken links, HTML,
//! control characters or bidi characters.

use fal_documents::text::is_hidden;
use serde_json::Value;

/// The longest line, in characters.
const WIDTH: usize = 100;

/// The longest text, in characters. The longest one known has some 1,000. Each line takes a multiple of its text in memory.
pub(crate) const MAX_TEXT: usize = 20_000;

/// Wraps the paragraphs and lists of a text, with an empty line between them. A long text is cut, and says so.
pub(crate) fn lines(text: &str) -> Vec<String> {
    lines_within(text, MAX_TEXT)
}

/// Returns a text without escapes and line breaks inside of paragraphs, for terminals. Blocks are separated by an empty line,
/// items of a list by a line break.
pub(crate) fn plain(text: &str) -> String {
    let cut = text.char_indices().nth(MAX_TEXT).map(|(end, _)| end);
    let mut plain = String::new();
    let mut after_item = false;
    for block in
        blocks_of(cut.map_or(text, |end| &text[..end]), |word| word.chars().filter(|c| !is_hidden(*c)).collect())
    {
        match (plain.is_empty(), block.item && after_item) {
            (true, _) => {}
            (false, true) => plain.push('\n'),
            (false, false) => plain.push_str("\n\n"),
        }
        after_item = block.item;
        plain.push_str(if block.item { "- " } else { "" });
        plain.push_str(&block.words.join(" "));
    }
    if cut.is_some() {
        plain.push('…');
    }
    plain
}

/// As [`lines`], with another limit in characters.
pub(crate) fn lines_within(text: &str, max: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut after_item = false;
    let cut = text.char_indices().nth(max).map(|(end, _)| end);
    let text = cut.map_or(text, |end| &text[..end]);
    for block in blocks(text) {
        let joined = block.item && after_item;
        if !lines.is_empty() && !joined {
            lines.push(String::new());
        }
        after_item = block.item;
        lines.extend(wrap(&block));
    }
    if let (Some(last), Some(_)) = (lines.last_mut(), cut) {
        last.push('…');
        lines.extend([String::new(), format!("(The text is cut after {max} characters.)")]);
    }
    lines
}

/// Formats a text as inline code. Long texts end in an ellipsis.
pub(crate) fn code(text: &str) -> String {
    let mut chars = text.chars().filter(|c| !is_hidden(*c) && *c != '`');
    let shown: String = chars.by_ref().take(MAX_CODE).collect();
    let rest = if chars.next().is_some() { "…" } else { "" };
    if shown.trim().is_empty() { "(blank)".to_owned() } else { format!("`{shown}{rest}`") }
}

/// Returns a JSON value as inline code, whole. Characters that would end the code or are invisible are escaped as in JSON, so
/// that it can be copied.
pub(crate) fn json_code(value: &Value) -> String {
    format!("`{}`", escape_json(&value.to_string()))
}

/// Returns a JSON value as the lines of a code block.
pub(crate) fn json_block(value: &Value) -> Vec<String> {
    let text = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
    let lines = text.lines().map(escape_json);
    ["```json".to_owned()].into_iter().chain(lines).chain(["```".to_owned()]).collect()
}

/// Escapes characters of JSON text. Those occur only in strings.
fn escape_json(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut units = [0; 2];
    for c in text.chars() {
        if c == '`' || is_hidden(c) {
            escaped.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Returns a string literal for Rust code in documentation, unless the text is too long.
pub(crate) fn rust_string(text: &str, max: usize) -> Option<String> {
    let mut literal = String::from("\"");
    for (index, c) in text.chars().enumerate() {
        match c {
            _ if index >= max => return None,
            '\'' => literal.push(c),
            '`' => literal.extend(c.escape_unicode()),
            c if is_hidden(c) => literal.extend(c.escape_default()),
            c => literal.extend(c.escape_debug()),
        }
    }
    literal.push('"');
    Some(literal)
}

/// Wraps words that are documentation already, such as inline code with blanks.
pub(crate) fn wrapped(words: Vec<String>) -> Vec<String> {
    wrap(&Block { item: false, words })
}

/// The longest inline code, in characters.
const MAX_CODE: usize = 120;

/// A paragraph or an item of a list.
struct Block {
    item: bool,
    words: Vec<String>,
}

fn blocks(text: &str) -> Vec<Block> {
    blocks_of(text, word)
}

/// Splits a text into blocks of words that are cleaned.
fn blocks_of(text: &str, clean: impl Fn(&str) -> String) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let item = ["- ", "* ", "+ ", "• "].iter().find_map(|mark| line.trim_start().strip_prefix(mark));
        let words: Vec<String> =
            item.unwrap_or(line).split_whitespace().map(&clean).filter(|word| !word.is_empty()).collect();
        match blocks.last_mut() {
            _ if words.is_empty() => open = false,
            Some(block) if open && item.is_none() => block.words.extend(words),
            _ => {
                blocks.push(Block { item: item.is_some(), words });
                open = true;
            }
        }
    }
    blocks
}

fn wrap(block: &Block) -> Vec<String> {
    let (first, rest) = if block.item { ("- ", "  ") } else { ("", "") };
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in &block.words {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::take(&mut line));
        }
        if line.is_empty() {
            line.push_str(if lines.is_empty() { first } else { rest });
            line.push_str(&at_start(word));
        } else {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines.push(line);
    lines
}

/// Escapes a word at the start of a line, where it could begin a heading, a list, a quotation or a rule.
fn at_start(word: &str) -> String {
    let digits = word.chars().take_while(char::is_ascii_digit).count();
    match word.chars().next() {
        Some('-' | '+' | '=' | '#' | '>') => format!("\\{word}"),
        _ if digits > 0 && word[digits..].starts_with(['.', ')']) => {
            format!("{}\\{}", &word[..digits], &word[digits..])
        }
        _ => word.to_owned(),
    }
}

/// Escapes a word for Markdown, HTML and terminals.
fn word(word: &str) -> String {
    let word: String = word.chars().filter(|c| !is_hidden(*c)).collect();
    if let Some(code) = marked_as_code(&word) {
        return code;
    }
    let Some(at) = ["https://", "http://"].iter().filter_map(|scheme| word.find(scheme)).min() else {
        return escape(&word);
    };
    let (before, url) = word.split_at(at);
    let end = url.find(['<', '>', '"', '`', '\\', '|']).unwrap_or(url.len());
    let url = url[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}', '\'', '*', '_']);
    format!("{}`{url}`{}", escape(before), escape(&word[at + url.len()..]))
}

/// Keeps the code in a word such as `` `True`, ``.
fn marked_as_code(word: &str) -> Option<String> {
    let (code, after) = word.strip_prefix('`')?.split_once('`')?;
    let plain = !code.is_empty() && code.chars().all(|c| c.is_ascii_alphanumeric() || "_-./:".contains(c));
    (plain && !after.contains('`')).then(|| format!("`{code}`{}", escape(after)))
}

fn escape(word: &str) -> String {
    let mut clean = String::with_capacity(word.len());
    let chars: Vec<char> = word.chars().collect();
    for (index, c) in chars.iter().enumerate() {
        let inside =
            |index: Option<usize>| index.and_then(|index| chars.get(index)).is_some_and(|c| c.is_alphanumeric());
        let special = match c {
            '[' | ']' | '<' | '`' | '*' | '\\' | '|' | '~' | '&' => true,
            // Not emphasis inside a word.
            '_' => !(inside(index.checked_sub(1)) && inside(Some(index + 1))),
            _ => false,
        };
        if special {
            clean.push('\\');
        }
        clean.push(*c);
    }
    clean
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{MAX_TEXT, code, json_block, json_code, lines, plain};

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(lines(text), expected);
    }

    #[test]
    fn paragraphs_are_joined_and_lists_stay_lists() {
        check("\n    One\n    line.\n\n    - a\n    - b\n      c\n", &["One line.", "", "- a", "- b c"]);
        check(&"word ".repeat(30), &["word ".repeat(20).trim_end(), "word ".repeat(10).trim_end()]);
    }

    #[test]
    fn plain_text_has_no_escapes_and_no_hidden_characters() {
        for (text, expected) in [
            ("\n One\n line.\n\n - `a`\n - <b>\n\nLast", "One line.\n\n- `a`\n- <b>\n\nLast"),
            ("a\u{1b}[31m_b_\u{202e}", "a[31m_b_"),
            ("", ""),
        ] {
            assert_eq!(plain(text), expected);
        }
        assert!(plain(&"word ".repeat(MAX_TEXT)).ends_with('…'));
    }

    #[test]
    fn markdown_and_html_are_escaped() {
        check("```\nlet x = [1];\n```", &[r"\`\`\` let x = \[1\]; \`\`\`"]);
        check("<script>*a* _b_ snake_case `True`, `a b`", &[r"\<script>\*a\* \_b\_ snake_case `True`, \`a b\`"]);
        check("# title", &[r"\# title"]);
        check("1. first", &[r"1\. first"]);
        check("text\n===", &["text ==="]);
        check("see (https://a.b/c_d). [x](y)", &[r"see (`https://a.b/c_d`). \[x\](y)"]);
    }

    #[test]
    fn json_is_escaped_and_stays_the_same_json() {
        let value = json!("a`b\u{202e}c\u{e0001}\n```");
        let text = json_code(&value);
        assert_eq!(text, r#"`"a\u0060b\u202ec\udb40\udc01\n\u0060\u0060\u0060"`"#);
        assert_eq!(serde_json::from_str::<Value>(text.trim_matches('`')).expect("JSON"), value);
        assert_eq!(json_block(&json!({ "a": [1] })), ["```json", "{", "  \"a\": [", "    1", "  ]", "}", "```"]);
    }

    #[test]
    fn invisible_characters_are_dropped() {
        check("a\u{202e}b\u{0}c\r\nd\te", &["abc d e"]);
        check("\u{200b}", &[]);
        assert_eq!(code("a`\nb"), "`ab`");
        assert_eq!(code(" "), "(blank)");
    }
}

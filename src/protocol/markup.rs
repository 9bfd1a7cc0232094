//! The text of HTML and XML.

use std::borrow::Cow;

/// Returns the position at which markup begins.
pub(super) fn start(text: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    let starts =
        ["<!doctype", "<html", "<head", "<body", "<?xml", "<error", "<title", "<h1", "<!--", "<center", "<pre"];
    // A text such as `<image_url> is required` is not markup.
    let is_element = || lower.contains("</") && lower.trim_start().starts_with('<');
    starts.iter().filter_map(|start| lower.find(start)).min().or_else(|| is_element().then_some(0))
}

/// Returns the words of HTML or XML: its title or message, else its text.
pub(super) fn words(page: &str) -> Option<String> {
    let page = without(page, "<!--", "-->");
    let named = ["message", "title", "faultstring", "h1", "code"].iter().find_map(|name| element(&page, name));
    named.or_else(|| {
        let page = without(&page, "<script", "</script>");
        Some(plain(&without(&page, "<style", "</style>"))).filter(|text| !text.is_empty())
    })
}

/// Returns the text of the first element with this name. It may not be closed.
fn element(page: &str, name: &str) -> Option<String> {
    let lower = page.to_ascii_lowercase();
    let opening = format!("<{name}");
    let mut from = 0;
    loop {
        let start = from + lower[from..].find(&opening)? + opening.len();
        from = start;
        // Else it is another element whose name begins alike.
        if !lower[start..].starts_with(|c: char| c == '>' || c.is_ascii_whitespace()) {
            continue;
        }
        let content = start + lower[start..].find('>')? + 1;
        let end = lower[content..].find(&format!("</{name}")).map_or(page.len(), |end| content + end);
        let text = plain(&page[content..end]);
        if !text.is_empty() {
            return Some(text);
        }
    }
}

/// Removes everything from each `open` to the next `close`.
fn without<'a>(page: &'a str, open: &str, close: &str) -> Cow<'a, str> {
    let lower = page.to_ascii_lowercase();
    let Some(first) = lower.find(open) else { return Cow::Borrowed(page) };
    let mut kept = page[..first].to_owned();
    let mut at = first;
    while let Some(end) = lower[at..].find(close) {
        let from = at + end + close.len();
        let next = lower[from..].find(open).map(|next| from + next);
        kept.push_str(&page[from..next.unwrap_or(page.len())]);
        match next {
            Some(next) => at = next,
            None => return Cow::Owned(kept),
        }
    }
    Cow::Owned(kept)
}

/// Returns the text of markup: without tags, and with decoded entities.
fn plain(markup: &str) -> String {
    let mut text = String::new();
    let mut rest = markup;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        text.push(' ');
        rest = rest[start..].find('>').map_or("", |end| &rest[start + end + 1..]);
    }
    text.push_str(rest);
    decoded(&text).trim().to_owned()
}

/// Decodes the entities of HTML that occur in titles.
fn decoded(text: &str) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        decoded.push_str(&rest[..start]);
        rest = &rest[start..];
        let entity = rest[1..].find(';').filter(|length| *length <= 10).map(|length| &rest[1..=length]);
        match entity.and_then(|entity| Some((entity.len() + 2, character(entity)?))) {
            Some((length, c)) => {
                decoded.push(c);
                rest = &rest[length..];
            }
            None => {
                decoded.push('&');
                rest = &rest[1..];
            }
        }
    }
    decoded.push_str(rest);
    decoded
}

fn character(entity: &str) -> Option<char> {
    if let Some(number) = entity.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    Some(match entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "middot" => '·',
        "bull" => '•',
        "laquo" => '«',
        "raquo" => '»',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "copy" => '©',
        "reg" => '®',
        "trade" => '™',
        _ => return None,
    })
}

//! Texts of others, bounded in length. maud escapes them.

use maud::{Markup, html};
use serde_json::Value;

pub(super) use crate::request::difference::shortened;
use crate::request::secret_name::is_secret_name;
use crate::webhooks::delivery::without_secrets;

/// The most characters of JSON that a page shows. A link leads to the whole.
pub(super) const MAX_JSON: usize = 8_000;

/// Returns a text of which a long one is folded. At most 20,000 characters are shown.
pub(super) fn folded(id: &str, text: &str, max: usize) -> Markup {
    if text.chars().nth(max).is_none() {
        return html! { span dir="auto" { (text) } };
    }
    html! {
        details.fold id=(id) {
            summary { span dir="auto" { (shortened(text, max)) } " " span.more { "Show all" } }
            p dir="auto" { (shortened(text, 20_000)) }
        }
    }
}

/// Returns a value as JSON on several lines.
pub(super) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Shows JSON, with a link to the whole if it is long.
pub(super) fn json(value: &Value, whole: &str) -> Markup {
    block(&pretty(value), Some(whole))
}

/// Shows a text with its line breaks, with a link to the whole if it is long.
pub(super) fn block(text: &str, whole: Option<&str>) -> Markup {
    html! {
        pre tabindex="0" { code dir="auto" { (shortened(text, MAX_JSON)) } }
        @if text.chars().nth(MAX_JSON).is_some() {
            p.hint {
                "The first " (MAX_JSON) " characters of " (bytes(text.len() as u64)) ". "
                @if let Some(whole) = whole { a href=(whole) { "Show the whole text" } }
            }
        }
    }
}

/// Returns a number of bytes in words.
pub(super) fn bytes(count: u64) -> String {
    match count {
        0..1_024 => format!("{count} B"),
        1_024..1_048_576 => format!("{:.1} KiB", count as f64 / 1024.0),
        _ => format!("{:.1} MiB", count as f64 / 1_048_576.0),
    }
}

/// Returns the value of a header or a query parameter, without what is secret.
pub(super) fn masked(name: &str, value: &str) -> String {
    if !is_secret_name(name) {
        return if value.contains("://") { masked_url(value) } else { shortened(value, 500) };
    }
    match value.split_once(' ') {
        // The type of the credentials.
        Some((kind, _)) if kind.len() <= 10 && name.to_ascii_lowercase().ends_with("authorization") => {
            format!("{} ••••", shortened(kind, 10))
        }
        _ => "••••".to_owned(),
    }
}

/// Returns a URL without its user and its query. That of a webhook may have a password or a token.
pub(super) fn masked_url(url: &str) -> String {
    let query = if url.contains('?') { "?••••" } else { "" };
    format!("{}{query}", shortened(&without_secrets(url), 500))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked() {
        assert_eq!(masked("Authorization", "Key id:secret"), "Key ••••");
        assert_eq!(masked("authorization", "id:secret"), "••••");
        assert_eq!(masked("fal_jwt_token", "a b"), "••••");
        assert_eq!(masked("X-Goog-Signature", "abc"), "••••");
        assert_eq!(masked("x-fal-tags", "a=b"), "a=b");
        assert_eq!(masked("fal_webhook", "http://localhost/hook?key=x"), "http://localhost/hook?••••");
        assert_eq!(masked("fal_webhook", "http://user:a@b@localhost/hook"), "http://localhost/hook");
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(shortened("a🦊b", 2), "a🦊…");
        assert_eq!(shortened("a🦊b", 3), "a🦊b");
    }
}

//! The removal of secrets from what is kept.

use std::collections::BTreeSet;
use std::sync::Mutex;

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, SET_COOKIE};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

use crate::request::secret_name::is_secret_name;
use crate::sync::lock;

/// The text in place of a secret.
pub(super) const REMOVED: &str = "REMOVED";

/// The least bytes of a secret that is removed wherever it occurs. A shorter one may be a part of any word.
const MIN_BYTES: usize = 8;

/// The secrets that were seen so far.
#[derive(Debug, Default)]
pub(super) struct Secrets(Mutex<BTreeSet<String>>);

impl Secrets {
    /// Adds a secret, and the forms that it has in URLs and JSON.
    pub(super) fn add(&self, secret: &str) {
        let secret = secret.trim();
        if secret.len() < MIN_BYTES || secret == REMOVED {
            return;
        }
        let mut secrets = lock(&self.0);
        secrets.insert(secret.to_owned());
        secrets.insert(utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string());
        secrets.insert(Value::from(secret).to_string().trim_matches('"').to_owned());
    }

    /// Adds the key, the token and the cookies of headers.
    pub(super) fn add_headers(&self, headers: &HeaderMap) {
        for (name, value) in headers {
            let Ok(value) = value.to_str() else { continue };
            if [AUTHORIZATION, PROXY_AUTHORIZATION].contains(name) {
                let key = value.split_once(' ').map_or(value, |(_, key)| key);
                self.add_key(key);
            } else if *name == COOKIE || *name == SET_COOKIE {
                value.split(';').filter_map(|cookie| cookie.split_once('=')).for_each(|(_, value)| self.add(value));
            } else if is_secret_name(name.as_str()) {
                self.add(value);
            }
        }
    }

    /// Adds an API key, and its two halves if they are long enough not to be words.
    pub(super) fn add_key(&self, key: &str) {
        self.add(key);
        key.split(':').filter(|part| part.len() >= 12).for_each(|part| self.add(part));
    }

    /// Adds the secrets of a query: tokens and signatures.
    pub(super) fn add_query(&self, query: &str) {
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            if is_secret_name(name) {
                self.add(value);
                self.add(&percent_decode_str(value).decode_utf8_lossy());
            }
        }
    }

    /// Adds the secret fields of a JSON body. `is_token` says that the body is a token, or has one.
    pub(super) fn add_json(&self, value: &Value, is_token: bool) {
        match value {
            Value::String(token) if is_token => self.add(token),
            Value::Array(items) => items.iter().for_each(|item| self.add_json(item, false)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    let is_token = is_token && matches!(name.as_str(), "token" | "detail");
                    match value {
                        Value::String(secret) if is_token || is_secret_field(name) => self.add(secret),
                        _ => self.add_json(value, false),
                    }
                }
            }
            _ => {}
        }
    }

    /// Removes the secrets from a text: those that were added, JSON web tokens, and the secrets of URLs.
    pub(super) fn scrub(&self, text: &str) -> String {
        let mut text = scrub_urls(text);
        // Longer ones first, because one may contain another.
        let mut secrets: Vec<String> = lock(&self.0).iter().filter(|secret| text.contains(*secret)).cloned().collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        for secret in secrets {
            text = text.replace(&secret, REMOVED);
        }
        text
    }
}

/// Returns whether a field of JSON has a secret. Names of inputs such as `max_tokens` are not among them.
fn is_secret_field(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let ends = ["_token", "_api_key", "_secret", "_password", "_signature", "_credentials"];
    ["token", "jwt", "api_key", "apikey", "secret", "password", "authorization", "signature", "credentials", "cookie"]
        .contains(&name.as_str())
        || ends.iter().any(|end| name.ends_with(end))
}

/// Removes the passwords and the secret parameters of the URLs in a text, and JSON web tokens.
pub(super) fn scrub_urls(text: &str) -> String {
    let mut scrubbed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find([':', 'e']) {
        let (before, from) = rest.split_at(start);
        scrubbed.push_str(before);
        let (word, after) = if from.starts_with("://") {
            let is_end =
                |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '<' | '>' | '`' | '}');
            from.split_at(from.find(is_end).unwrap_or(from.len()))
        } else if from.starts_with("eyJ") {
            let is_end = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.');
            from.split_at(from.find(is_end).unwrap_or(from.len()))
        } else {
            from.split_at(1)
        };
        match word.starts_with("://") {
            true => scrubbed.push_str(&scrub_url(word)),
            false => scrubbed.push_str(if is_web_token(word) { REMOVED } else { word }),
        }
        rest = after;
    }
    scrubbed.push_str(rest);
    scrubbed
}

/// Returns whether a word is a JSON web token.
fn is_web_token(word: &str) -> bool {
    word.starts_with("eyJ") && word.len() > 40 && word.split('.').count() == 3
}

/// Removes the secrets of a URL that begins after its scheme.
fn scrub_url(url: &str) -> String {
    let (front, query) = url.split_once('?').map_or((url, None), |(front, query)| (front, Some(query)));
    let authority = front[3..].find('/').map_or(front.len(), |end| end + 3);
    let front = match front[3..authority].rfind('@') {
        Some(at) => format!("://{REMOVED}{}", &front[at + 3..]),
        None => front.to_owned(),
    };
    match query {
        Some(query) => format!("{front}?{}", scrub_query(query)),
        None => front,
    }
}

/// Removes the secret parameters of a query, in which `&` may be escaped as in JSON.
pub(super) fn scrub_query(query: &str) -> String {
    let separator = if query.contains("\\u0026") { "\\u0026" } else { "&" };
    let pairs = query.split(separator).map(|pair| match pair.split_once('=') {
        Some((name, value)) if is_secret_name(name) || is_web_token(value) => match value.split_once('\\') {
            Some((_, escape)) => format!("{name}={REMOVED}\\{escape}"),
            None => format!("{name}={REMOVED}"),
        },
        // A URL in the query may have a query of its own.
        Some((name, value)) => match value.split_once("%3F").or_else(|| value.split_once("%3f")) {
            Some((url, _)) => format!("{name}={url}%3F{REMOVED}"),
            None => match value.split_once('?') {
                Some((url, _)) => format!("{name}={url}?{REMOVED}"),
                None => pair.to_owned(),
            },
        },
        None => pair.to_owned(),
    });
    pairs.collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_urls_are_removed() {
        for (text, scrubbed) in [
            ("https://a.test/x?width=5", "https://a.test/x?width=5"),
            ("{\"u\":\"https://a.test/x?signature=abc&w=5\"}", "{\"u\":\"https://a.test/x?signature=REMOVED&w=5\"}"),
            ("https://a.test/x?X-Amz-Signature=a%2Fb y", "https://a.test/x?X-Amz-Signature=REMOVED y"),
            ("\"https://a.test/?a=1\\u0026sig=2\\u0026b=3\"", "\"https://a.test/?a=1\\u0026sig=REMOVED\\u0026b=3\""),
            ("https://user:pass@a.test/x", "https://REMOVED@a.test/x"),
            ("wss://fal.run/a/realtime?fal_jwt_token=abc", "wss://fal.run/a/realtime?fal_jwt_token=REMOVED"),
            (
                "https://a.test/?fal_webhook=https%3A%2F%2Fb.test%3Fk%3Dv",
                "https://a.test/?fal_webhook=https%3A%2F%2Fb.test%3FREMOVED",
            ),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcdef-_", "REMOVED"),
            ("eyJ.a.b", "eyJ.a.b"),
            (
                "https://a.test/?x=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcdef-_",
                "https://a.test/?x=REMOVED",
            ),
            ("data:image/png;base64,eyJh: é e", "data:image/png;base64,eyJh: é e"),
            ("max_tokens=5", "max_tokens=5"),
        ] {
            assert_eq!(scrub_urls(text), scrubbed);
        }
    }

    #[test]
    fn texts_with_many_urls_are_scanned_once() {
        let text = "https://a.test/x?sig=1 eyJ ".repeat(200_000);
        assert_eq!(scrub_urls(&text).len(), "https://a.test/x?sig=REMOVED eyJ ".len() * 200_000);
    }

    #[test]
    fn known_secrets_are_removed_in_every_form() {
        let secrets = Secrets::default();
        secrets.add_key("0123456789ab:ba9876543210");
        secrets.add("short");
        let text = "0123456789ab:ba9876543210 0123456789ab%3Aba9876543210 ba9876543210 short";
        assert_eq!(secrets.scrub(text), "REMOVED REMOVED REMOVED short");
        secrets.add_json(&serde_json::json!({ "a": [{ "hf_token": "hf_abcdefgh", "max_tokens": 5 }] }), false);
        assert_eq!(secrets.scrub("{\"hf_token\":\"hf_abcdefgh\"}"), "{\"hf_token\":\"REMOVED\"}");
        secrets.add_json(&serde_json::json!("token-of-the-cdn"), true);
        assert_eq!(secrets.scrub("token-of-the-cdn"), "REMOVED");
    }
}

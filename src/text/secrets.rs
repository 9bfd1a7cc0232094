use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

/// Maximum number of secrets of a kind that are remembered. The least recently used are forgotten.
const MAX_KNOWN: usize = 256;

/// Parts of names whose values are secrets: in URLs, headers and JSON.
const SENSITIVE: &[&str] = &[
    "token",
    "signature",
    "secret",
    "password",
    "passwd",
    "credential",
    "authorization",
    "apikey",
    "api-key",
    "api_key",
    "accesskey",
    "access-key",
    "access_key",
    "accessid",
    "keyid",
    "jwt",
    "cookie",
];

/// Whole names whose values are secrets.
const SENSITIVE_NAMES: &[&str] = &["sig", "auth", "key", "pwd", "pass", "hmac"];

/// The secrets that this process uses. They belong to the process, and not to a client, because an error, a response or
/// a job is printed without its client.
static KNOWN: RwLock<Known> = RwLock::new(Known { secrets: [const { VecDeque::new() }; 3], first_bytes: [false; 256] });

pub(super) struct Known {
    /// The secrets of each [`Kind`].
    secrets: [VecDeque<Secret>; 3],
    /// The bytes with which a form of a secret has ever begun. Most characters of a text need no further look.
    first_bytes: [bool; 256],
}

/// The kinds of secrets. Those of one kind do not displace those of another, because responses can name any number of URLs.
#[derive(Clone, Copy)]
enum Kind {
    Key,
    Token,
    Url,
}

struct Secret {
    text: String,
    /// All forms in which it may be quoted.
    forms: Vec<String>,
}

pub(super) fn known() -> RwLockReadGuard<'static, Known> {
    KNOWN.read().unwrap_or_else(PoisonError::into_inner)
}

/// Remembers an API key, its id and its secret.
pub(crate) fn learn_key(key: &str) {
    let parts = key.split_once(':').map(|(id, secret)| [id, secret]);
    remember(Kind::Key, key, parts.as_ref().map_or(&[], |parts| parts));
}

/// Remembers a token or a password.
pub(crate) fn learn(secret: &str) {
    remember(Kind::Token, secret, &[]);
}

/// Remembers the secrets in a URL: its password, and signatures and tokens in its query.
pub(crate) fn learn_url(url: &Url) {
    url.password().into_iter().for_each(learn_encoded);
    for pair in url.query().unwrap_or_default().split('&') {
        match pair.split_once('=') {
            Some((name, value)) if is_sensitive(name) => learn_encoded(value),
            _ => {}
        }
    }
}

fn learn_encoded(secret: &str) {
    remember(Kind::Url, secret, &[]);
    remember(Kind::Url, &percent_decode_str(secret).decode_utf8_lossy(), &[]);
}

/// Returns true if the name of a header, of a query parameter or of a field says that its value is a secret.
pub(crate) fn is_sensitive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // `max_tokens` is a number.
    !name.ends_with("tokens") && (SENSITIVE_NAMES.contains(&&*name) || SENSITIVE.iter().any(|part| name.contains(part)))
}

fn remember(kind: Kind, text: &str, parts: &[&str]) {
    if !is_distinctive(text) {
        return;
    }
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    let known = &mut *known;
    let list = &mut known.secrets[kind as usize];
    let found = list.iter().position(|secret| secret.text == text);
    let secret = found.and_then(|index| list.remove(index)).unwrap_or_else(|| Secret::new(text, parts));
    let first_bytes: Vec<u8> = secret.forms.iter().filter_map(|form| form.bytes().next()).collect();
    list.push_back(secret);
    if list.len() > MAX_KNOWN {
        list.pop_front();
    }
    for byte in first_bytes {
        known.first_bytes[usize::from(byte.to_ascii_lowercase())] = true;
    }
}

/// Returns true if a text is long enough that it is not found in ordinary words.
fn is_distinctive(text: &str) -> bool {
    text.len() >= 8 || (text.len() >= 5 && !text.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

impl Secret {
    fn new(text: &str, parts: &[&str]) -> Self {
        let mut forms = vec![
            text.to_owned(),
            STANDARD_NO_PAD.encode(text),
            utf8_percent_encode(text, NON_ALPHANUMERIC).to_string(),
            text.escape_debug().to_string(),
        ];
        forms.extend(parts.iter().filter(|part| is_distinctive(part)).map(|part| part.to_string()));
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms.dedup();
        Secret { text: text.to_owned(), forms }
    }
}

impl Known {
    /// Returns the end of the known secret that begins at `at`, in upper or lower case.
    pub(super) fn end_at(&self, text: &str, at: usize) -> Option<usize> {
        let rest = &text.as_bytes()[at..];
        let first = rest.first()?.to_ascii_lowercase();
        if !self.first_bytes[usize::from(first)] {
            return None;
        }
        let forms = self.secrets.iter().flatten().flat_map(|secret| &secret.forms);
        let matching = forms.filter(|form| {
            form.as_bytes()[0].to_ascii_lowercase() == first
                && rest.get(..form.len()).is_some_and(|rest| rest.eq_ignore_ascii_case(form.as_bytes()))
        });
        matching.map(|form| at + form.len()).max()
    }
}

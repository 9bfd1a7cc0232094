use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;
use url::Url;

use super::hidden::is_hidden;

/// Maximum number of secrets of a kind that are remembered. The least recently used are forgotten.
const MAX_KNOWN: usize = 256;

/// Maximum backslashes before an escaped character.
const MAX_SLASHES: usize = 8;

/// Parts of names whose values are secrets: in URLs, headers and JSON.
const SENSITIVE: &[&str] = &[
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
const SENSITIVE_NAMES: &[&str] = &["sig", "pwd", "pass", "hmac"];

/// Whole names whose values may be secrets. A key is as often a path or the name of a field.
const AMBIGUOUS_NAMES: &[&str] = &["key", "auth"];

/// Minimum bytes of a secret with an ambiguous name.
const MIN_AMBIGUOUS: usize = 16;

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
    /// The text itself, its parts, and how base64 encodes it.
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

/// Remembers a signature, or another secret of a presigned request.
pub(crate) fn learn_signed(secret: &str) {
    remember(Kind::Url, secret, &[]);
}

/// Remembers the secrets in a URL: its password, and signatures and tokens in its query.
pub(crate) fn learn_url(url: &Url) {
    url.password().into_iter().for_each(learn_encoded);
    for pair in url.query().unwrap_or_default().split('&') {
        match pair.split_once('=') {
            Some((name, value)) if is_secret_of(name, value) => learn_encoded(value),
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
    is_ambiguous(name) || {
        let name = name.to_ascii_lowercase();
        // Neither `max_tokens` nor `tokenizer` has a secret.
        let is_token = name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word.ends_with("token"));
        is_token || SENSITIVE_NAMES.contains(&&*name) || SENSITIVE.iter().any(|part| name.contains(part))
    }
}

/// Returns true if a value is a secret according to its name.
pub(super) fn is_secret_of(name: &str, value: &str) -> bool {
    match is_ambiguous(name) {
        true => value.len() >= MIN_AMBIGUOUS && !is_identifier(value),
        false => is_sensitive(name),
    }
}

pub(super) fn is_ambiguous(name: &str) -> bool {
    AMBIGUOUS_NAMES.iter().any(|ambiguous| name.eq_ignore_ascii_case(ambiguous))
}

/// Returns true if a word consists of words and numbers, such as `reference_image_2`, `img2img` or `ControlNetLoader`.
pub(super) fn is_identifier(word: &str) -> bool {
    word.split(|c: char| !c.is_ascii_alphanumeric()).all(|part| {
        let capitals = part.bytes().filter(u8::is_ascii_uppercase).count();
        let is_of_one_case = capitals == part.len() || capitals * 4 <= part.len();
        let is_word = part.bytes().all(|byte| byte.is_ascii_alphabetic()) && is_of_one_case && part.len() < 24;
        is_word || part.len() < 12
    })
}

fn remember(kind: Kind, text: &str, parts: &[&str]) {
    if !is_distinctive(text) {
        return;
    }
    // Every request remembers its key, which is usually the key of the previous request.
    if known().secrets[kind as usize].back().is_some_and(|latest| latest.text == text) {
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
        let parts: Vec<&str> = parts.iter().copied().filter(|part| is_distinctive(part)).collect();
        let mut forms: Vec<String> = std::iter::once(text)
            .chain(parts)
            .flat_map(|part| [part.to_owned(), STANDARD_NO_PAD.encode(part), URL_SAFE_NO_PAD.encode(part)])
            .collect();
        // Base64 of a longer text, in which the secret begins with the second or the third byte of a group.
        for (shift, mixed) in [(1, 2), (2, 3)] {
            let shifted = [&[0; 2][..shift], text.as_bytes()].concat();
            let whole = shifted.len() * 8 / 6;
            for encoded in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
                forms.push(encoded[mixed..whole].to_owned());
            }
        }
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        Secret { text: text.to_owned(), forms }
    }
}

impl Known {
    /// Returns the end of the known secret that begins at `at`: in upper or lower case, escaped as in URLs or in JSON, and
    /// also over line breaks and invisible characters.
    pub(super) fn end_at(&self, text: &str, at: usize) -> Option<usize> {
        let rest = text.get(at..)?;
        let first = rest.bytes().next()?.to_ascii_lowercase();
        let is_escape = matches!(first, b'%' | b'\\');
        if !is_escape && !self.first_bytes[usize::from(first)] {
            return None;
        }
        let forms = self.secrets.iter().flatten().flat_map(|secret| &secret.forms);
        let forms = forms.filter(|form| is_escape || form.as_bytes()[0].eq_ignore_ascii_case(&first));
        forms.filter_map(|form| length_of(form, rest)).max().map(|length| at + length)
    }
}

/// Returns the length of a secret's form at the beginning of a text.
fn length_of(form: &str, text: &str) -> Option<usize> {
    let mut at = 0;
    for byte in form.bytes() {
        if at > 0 {
            at += length_of_break(text.get(at..).unwrap_or_default());
        }
        let rest = &text.as_bytes()[at..];
        // A text that is quoted twice has two or more of them.
        let slashes = rest.iter().take_while(|byte| **byte == b'\\').take(MAX_SLASHES).count();
        let is_at = |index: usize| rest.get(index).is_some_and(|found| found.eq_ignore_ascii_case(&byte));
        at += match escaped(rest, slashes) {
            _ if is_at(0) => 1,
            _ if is_at(slashes) => slashes + 1,
            Some((found, length)) if found.eq_ignore_ascii_case(&byte) => length,
            _ => return None,
        };
    }
    Some(at)
}

/// Decodes a byte that is escaped as in `%2F`, `%252F` or, after backslashes, `u002f`. Returns it with the length of the
/// escape.
fn escaped(text: &[u8], slashes: usize) -> Option<(u8, usize)> {
    let (prefixes, start): (&[&[u8]], usize) = if slashes > 0 { (&[b"u00"], slashes) } else { (&[b"%25", b"%"], 0) };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    prefixes.iter().find_map(|prefix| match text[start..].strip_prefix(*prefix)? {
        [high, low, ..] => Some(((digit(high)? << 4 | digit(low)?) as u8, start + prefix.len() + 2)),
        _ => None,
    })
}

/// Returns the length of what may break a word: spaces, line breaks and invisible characters, also where they are escaped.
fn length_of_break(text: &str) -> usize {
    const ESCAPES: [&str; 8] = ["\\n", "\\r", "\\t", "%0A", "%0a", "%0D", "%0d", "\\u{200b}"];
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        at += match ESCAPES.iter().find(|escape| text[at..].starts_with(**escape)) {
            Some(escape) => escape.len(),
            None if is_hidden(c) || c.is_whitespace() => c.len_utf8(),
            None => break,
        };
    }
    at
}

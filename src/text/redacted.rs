use std::fmt;

use super::secrets::{Known, is_ambiguous, is_identifier, is_secret_of, is_sensitive, known};

/// Replaces a secret.
pub(super) const MARK: &str = "[redacted]";

/// Words before a secret in a header such as `Authorization`.
const SCHEMES: &[&str] = &["key", "bearer", "basic", "token", "digest"];

/// Prints a value's `Debug` output without secrets.
pub(crate) struct Redacted<T>(pub(crate) T);

impl<T: fmt::Debug> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = if f.alternate() { format!("{:#?}", self.0) } else { format!("{:?}", self.0) };
        let known = known();
        let (mut at, mut plain) = (0, 0);
        while let Some(c) = text[at..].chars().next() {
            match end_of_secret(&text, at, &known) {
                Some(end) => {
                    write!(f, "{}{MARK}", &text[plain..at])?;
                    (at, plain) = (end, end);
                }
                None => at += c.len_utf8(),
            }
        }
        f.write_str(&text[plain..])
    }
}

/// Returns the end of the secret that begins at `at`: one that this process uses, or one that looks like a secret.
pub(super) fn end_of_secret(text: &str, at: usize, known: &Known) -> Option<usize> {
    known.end_at(text, at).or_else(|| {
        let (before, rest) = text.split_at(at);
        let end = user_of_url(before, rest)
            .or_else(|| after_scheme(before, rest))
            .or_else(|| value_of_sensitive_name(before, rest))
            .or_else(|| key_or_jwt(before, rest))?;
        (end > 0).then_some(at + end)
    })
}

/// The user and the password of a URL.
fn user_of_url(before: &str, rest: &str) -> Option<usize> {
    if !before.ends_with("//") {
        return None;
    }
    let url = &rest[..rest.find(|c: char| c.is_whitespace() || "\"'`<>?#\\".contains(c)).unwrap_or(rest.len())];
    let authority = url.split('/').next().unwrap_or_default();
    // A password may have a slash. Then the part before the slash is not a host with a port.
    let is_host = |authority: &str| {
        authority
            .rsplit_once(':')
            .is_none_or(|(_, port)| port.ends_with(']') || port.bytes().all(|b| b.is_ascii_digit()))
    };
    let within = if authority.contains('@') || is_host(authority) { authority } else { url };
    within.rfind('@')
}

/// The credentials in `Key id:secret` or `Bearer abc123`.
fn after_scheme(before: &str, rest: &str) -> Option<usize> {
    let (word, is_blank) = match before.strip_suffix([' ', '+']).or_else(|| before.strip_suffix("%20")) {
        Some(word) => (word, true),
        None => (before.strip_suffix('_')?, false),
    };
    let scheme = last_word(word, |c| c.is_ascii_alphanumeric());
    if !is_blank && matches!(scheme, "key" | "token") {
        // An identifier such as `token_limit_2`.
        return None;
    }
    if !SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
        return None;
    }
    let length = run(rest, |c| c.is_ascii_graphic() && !"\"'`,;<>()\\".contains(c));
    let credentials = &rest[..length];
    let has_parts = credentials.trim_end_matches([':', '.']).contains(':');
    let is_secret = match scheme.eq_ignore_ascii_case("bearer") {
        true => has_parts || is_random(credentials),
        // The others are words, too, as in "unexpected token img2img".
        false if has_parts => scheme.starts_with(|c: char| c.is_ascii_uppercase()),
        false => is_random(credentials) && !is_identifier(credentials),
    };
    is_secret.then_some(length)
}

/// The value in `token=abc`, `"token": "abc123"` or `x-token: abc123`.
fn value_of_sensitive_name(before: &str, rest: &str) -> Option<usize> {
    let unquoted = before.trim_end_matches(['"', '\'', '\\']);
    // The `Debug` output of JSON has `"token": String("abc123")`.
    let unquoted = unquoted.strip_suffix("String(").unwrap_or(unquoted).trim_end_matches(' ');
    let name = unquoted.strip_suffix(['=', ':'])?;
    let is_assigned = before.ends_with('=');
    let name = name.trim_end_matches(' ').trim_end_matches(['"', '\'', '\\']);
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.%".contains(c);
    let name = last_word(name, is_name);
    if !is_sensitive(name) {
        return None;
    }
    let length = run(rest, |c| c.is_ascii_graphic() && !"&\"'`,;<>()#\\".contains(c));
    let value = &rest[..length];
    // `max_token=77` is a number.
    let is_number = length < 8 && value.bytes().all(|byte| byte.is_ascii_digit());
    let is_likely = is_ambiguous(name) || is_random(value) || is_assigned && !is_number;
    (is_likely && is_secret_of(name, value)).then_some(length)
}

/// One of fal's keys (a UUID, a colon and hexadecimal digits), or a JSON Web Token.
fn key_or_jwt(before: &str, rest: &str) -> Option<usize> {
    if before.ends_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    if rest.starts_with("eyJ") {
        let token = run(rest, |c| c.is_ascii_alphanumeric() || "-_.=".contains(c));
        return (token > 20 && rest[..token].contains('.')).then_some(token);
    }
    let (id, secret) = (rest.get(..36)?, rest.get(36..)?.strip_prefix(':')?);
    let is_id = id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let digits = run(secret, |c| c.is_ascii_hexdigit());
    (is_id && digits >= 16).then_some(37 + digits)
}

/// Returns true if a word looks like a secret and not like a word: it has both letters and digits, mixes upper and lower
/// case, or is very long without being made of words.
fn is_random(word: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| word.bytes().any(|byte| kind(&byte));
    let has_inner_capital = word.bytes().skip(1).any(|byte| byte.is_ascii_uppercase());
    (word.len() >= 24 && !is_identifier(word))
        || (word.len() >= 6 && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic))
        || (word.len() >= 10 && has(u8::is_ascii_lowercase) && has_inner_capital)
}

/// The number of bytes at the beginning of `text` whose characters match.
fn run(text: &str, matches: impl Fn(char) -> bool) -> usize {
    text.find(|c| !matches(c)).unwrap_or(text.len())
}

/// The end of `text` whose characters match.
fn last_word(text: &str, matches: impl Fn(char) -> bool) -> &str {
    &text[text.trim_end_matches(matches).len()..]
}

#[cfg(test)]
mod tests {
    use super::super::{learn, learn_key, learn_url, within};
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_redacted() {
        for (text, line) in [
            ("Authorization: Key ab:cd", "Authorization: Key [redacted]"),
            ("got `Bearer abc.DEF-123`", "got `Bearer [redacted]`"),
            ("/Bearer_abc-123", "/Bearer_[redacted]"),
            ("Bearer%20abc-123", "Bearer%20[redacted]"),
            ("key_frames_1", "key_frames_1"),
            ("bearer authentication required", "bearer authentication required"),
            ("the API key contains whitespace", "the API key contains whitespace"),
            ("https://u:p@h.x/a?b=c", "https://[redacted]@h.x/a?b=c"),
            ("https://u:p/q@h.x/", "https://[redacted]@h.x/"),
            ("https://h.x:80/@a", "https://h.x:80/@a"),
            ("https://h.x/?X-Amz-Signature=abc&a=b", "https://h.x/?X-Amz-Signature=[redacted]&a=b"),
            ("?X-Goog-Signature=0a&sig=b1&key=images", "?X-Goog-Signature=[redacted]&sig=[redacted]&key=images"),
            (r#"{"token":"Abc123","max_tokens":1234567}"#, r#"{"token":"[redacted]","max_tokens":1234567}"#),
            ("token: missing", "token: missing"),
            ("token count 123456", "token count 123456"),
            ("unexpected token img2img", "unexpected token img2img"),
            ("unexpected token ControlNetModelLoader", "unexpected token ControlNetModelLoader"),
            ("key frame_12 is out of range", "key frame_12 is out of range"),
            ("missing key: reference_image_url_2", "missing key: reference_image_url_2"),
            ("unknown key: enable_safety_checker_version", "unknown key: enable_safety_checker_version"),
            ("tokenizer=t5-xxl, max_token=77", "tokenizer=t5-xxl, max_token=77"),
            ("x-token-value=abcdef, token_limit=4096", "x-token-value=[redacted], token_limit=4096"),
            ("tokenizer: t5xxl_fp16", "tokenizer: t5xxl_fp16"),
            ("duplicate key prompt:2", "duplicate key prompt:2"),
            ("https://h.x/a?key=images/2026/fox-1.png", "https://h.x/a?key=images/2026/fox-1.png"),
            ("https://h.x/a?key=AIzaSyD4x8Rk2Lm9Pq", "https://h.x/a?key=[redacted]"),
            ("request 764cabcf-b745-4b3e-ae38-1200304cf45b", "request 764cabcf-b745-4b3e-ae38-1200304cf45b"),
            ("https://cdn.x:8080/img@2x.png, a//b@c", "https://cdn.x:8080/img@2x.png, a//[redacted]@c"),
            ("Basic dXNlcjpwYXNz", "Basic [redacted]"),
            ("missing API key: FAL_KEY is blank", "missing API key: FAL_KEY is blank"),
            ("11111111-2222-3333-4444-555555555555:0123456789abcdef0123456789abcdef", "[redacted]"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "[redacted]"),
        ] {
            assert_eq!(within(text, 500), line);
        }
    }

    #[test]
    fn known_secrets_are_redacted_in_every_form() {
        learn_key("known-id:known/secret");
        learn("tok-12345");
        learn_url(&url::Url::parse("https://h.x/?Signature=si%2Bgn4ture").expect("a URL"));
        for text in [
            "known-id:known/secret",
            "KNOWN-ID",
            "xknown/secretx",
            "known%2Did%3Aknown%2Fsecret",
            "a25vd24taWQ6a25vd24vc2VjcmV0",
            "tok-12345",
            "si%2Bgn4ture",
            "si+gn4ture",
            "known-id%3Aknown%2fsecret",
            "known%252Fsecret",
            r"known\/secret",
            r"known\u002Fsecret",
            "known/\n    secret",
            "known/\u{200b}secret",
            "a25vd24taWQ6\r\na25vd24vc2VjcmV0",
            // Base64 of `Key known-id:known/secret` and of `1 known-id:known/secret`.
            "tub3duLWlkOmtub3duL3NlY3JldA",
            "IGtub3duLWlkOmtub3duL3NlY3JldA",
        ] {
            let line = within(&format!("a {text} b"), 500);
            assert!(line.contains(MARK) && !line.contains(text), "{line}");
            let debug = format!("{:#?}", Redacted([text]));
            assert!(debug.contains(MARK) && debug.contains("\n    \""), "{debug}");
        }
        for index in 0..1_000 {
            let url = format!("https://h.x/?Signature=si9nature-{index}");
            learn_url(&url::Url::parse(&url).expect("a URL"));
        }
        for kept in ["known/secret", "tok-12345", "si9nature-999"] {
            assert_eq!(within(kept, 500), MARK, "URLs displace only other URLs");
        }
        // Too short to be told from words.
        learn_key("a:b");
        assert_eq!(within("a:b", 10), "a:b");
    }
}

//! The forms of URLs of fal's hosts: at the real fal, in records, and below the base URL of an emulator.

use std::borrow::Cow;

use crate::request::fal_host;
use crate::urls::is_within;

/// The hosts whose URLs in responses lead to the emulator. Those of the site are links for people.
fn has_api(host: &str) -> bool {
    ["fal.run", "falrun.com", "fal.media"].iter().any(|domain| is_within(host, domain))
        || matches!(host, "rest.fal.ai" | "rest.alpha.fal.ai" | "api.fal.ai")
        || fal_host::keeps_files(host)
}

/// Replaces URLs below a base URL by those of the real fal.
pub(super) fn to_real<'t>(text: &'t str, base: &str) -> Cow<'t, str> {
    if !text.contains(base) {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split(base);
    let mut real = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.strip_prefix('/') {
            Some(rest) => real.extend(["https://", rest]),
            None => real.extend([base, part]),
        }
    }
    Cow::Owned(real)
}

/// Replaces URLs of the real fal by those below a base URL.
pub(super) fn to_base<'t>(text: &'t str, base: &str) -> Cow<'t, str> {
    const SCHEME: &str = "https://";
    if !text.contains(SCHEME) {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split(SCHEME);
    let mut local = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-').unwrap_or(part.len());
        let is_host = has_api(&part[..end]) && !part[end..].starts_with([':', '@']);
        if is_host { local.extend([base, "/", part]) } else { local.extend([SCHEME, part]) }
    }
    Cow::Owned(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "http://127.0.0.1:4000";

    #[test]
    fn urls_of_fal_are_translated() {
        for (real, local) in [
            ("https://v3.fal.media/files/x?a=b", "http://127.0.0.1:4000/v3.fal.media/files/x?a=b"),
            ("\"https://v3b.fal.media\"", "\"http://127.0.0.1:4000/v3b.fal.media\""),
            ("a https://fal.run, b", "a http://127.0.0.1:4000/fal.run, b"),
            ("x", "x"),
            ("https://example.com/https://x", "https://example.com/https://x"),
            ("https://b.s3.eu-west-1.amazonaws.com/k", "http://127.0.0.1:4000/b.s3.eu-west-1.amazonaws.com/k"),
            ("https://docs.fal.ai/errors", "https://docs.fal.ai/errors"),
            ("https://evilfal.run/x", "https://evilfal.run/x"),
            ("https://fal.run.evil.test/x", "https://fal.run.evil.test/x"),
            ("https://fal.run@evil.test/x", "https://fal.run@evil.test/x"),
            ("https://fal.run:444/x", "https://fal.run:444/x"),
        ] {
            assert_eq!(to_base(real, BASE), local);
            assert_eq!(to_real(local, BASE), real);
        }
        assert_eq!(to_real("http://127.0.0.1:40001/fal.run", BASE), "http://127.0.0.1:40001/fal.run");
    }
}

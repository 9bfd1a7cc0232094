//! URLs of fal's hosts. A response has them in the form of the request that it responds to.

use std::borrow::Cow;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The domains of fal: these names, and all names below them.
pub(crate) const DOMAINS: [&str; 4] = ["fal.run", "fal.ai", "fal.media", "falrun.com"];

/// Returns whether a name is a domain, or below it. Both are in lower case.
pub(crate) fn is_within(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|below| below.is_empty() || below.ends_with('.'))
}

/// The form of the URLs of fal's hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Urls {
    /// Below the base URL of the emulator: `http://127.0.0.1:4000/v3.fal.media/files/x`.
    Base(Arc<str>),
    /// Those of the real fal: `https://v3.fal.media/files/x`.
    Real,
}

impl Urls {
    /// Returns the URL of a path that starts with the host, without a slash.
    pub(crate) fn to(&self, path: &str) -> String {
        let path = encoded(path);
        match self {
            Urls::Base(base) => format!("{base}/{path}"),
            Urls::Real => format!("https://{path}"),
        }
    }

    /// Returns the path of a URL of this form, without its query. It starts with the host, and is percent-encoded.
    pub(crate) fn path<'u>(&self, url: &'u str) -> Option<&'u str> {
        let path = match self {
            Urls::Base(base) => below_port(base, url)?,
            Urls::Real => url.strip_prefix("https://")?,
        };
        Some(path.split(['?', '#']).next().unwrap_or(path))
    }
}

/// Returns a path in percent-encoding.
pub(crate) fn encoded(path: &str) -> String {
    const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
    utf8_percent_encode(path, &UNRESERVED).to_string()
}

/// Returns the rest of a URL below the port of a base URL. The port speaks HTTP and HTTPS, and the loopback interface has several
/// names.
fn below_port<'u>(base: &str, url: &'u str) -> Option<&'u str> {
    let (_, port) = base.rsplit_once(':')?;
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    let (authority, path) = rest.split_once('/')?;
    let (host, own) = authority.rsplit_once(':')?;
    (own == port && ["127.0.0.1", "localhost", "[::1]"].contains(&host)).then_some(path)
}

/// Returns the name under which the emulator keeps a host. Backup, old and read-only names are other names of the same host.
pub(crate) fn canonical(host: &str) -> Cow<'_, str> {
    match host {
        "fal.media" | "v2.fal.media" | "v3b.fal.media" => return Cow::Borrowed("v3.fal.media"),
        _ => {}
    }
    for (other, domain) in [("falrun.com", "fal.run"), ("alpha.fal.ai", "fal.ai")] {
        if is_within(host, other) {
            return Cow::Owned(format!("{}{domain}", &host[..host.len() - other.len()]));
        }
    }
    Cow::Borrowed(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_names_of_a_host_are_known() {
        for (host, name) in [
            ("falrun.com", "fal.run"),
            ("queue.falrun.com", "queue.fal.run"),
            ("rest.alpha.fal.ai", "rest.fal.ai"),
            ("v3b.fal.media", "v3.fal.media"),
            ("notfalrun.com", "notfalrun.com"),
            ("queue.fal.run", "queue.fal.run"),
            ("", ""),
        ] {
            assert_eq!(canonical(host), name);
        }
    }

    #[test]
    fn urls_have_one_of_two_forms() {
        let base = Urls::Base("http://127.0.0.1:4000".into());
        for (urls, url) in [
            (&base, "http://127.0.0.1:4000/v3.fal.media/files/a%20b.png"),
            (&Urls::Real, "https://v3.fal.media/files/a%20b.png"),
        ] {
            assert_eq!(urls.to("v3.fal.media/files/a b.png"), url);
            assert_eq!(urls.path(&format!("{url}?a=/#b")), Some("v3.fal.media/files/a%20b.png"));
        }
        for url in ["http://localhost:4000/x", "https://127.0.0.1:4000/x?a"] {
            assert_eq!(base.path(url), Some("x"), "{url}");
        }
        for url in [
            "http://evil.test:4000/x",
            "http://a@localhost:4000/x",
            "http://127.0.0.1:40000/x",
            "http://127.0.0.1:4000",
            "https://v3.fal.media/x",
            "x",
            "",
        ] {
            assert_eq!(base.path(url), None, "{url}");
        }
        assert_eq!(Urls::Real.path("http://v3.fal.media/x"), None);
    }
}

//! The names under which the emulator is called. A web page can send requests to a loopback port, and can give its own
//! name an address on the loopback interface. Its requests have another `Host`, `Origin` or `Referer`.

use std::net::{Ipv4Addr, Ipv6Addr};

use hyper::StatusCode;
use hyper::header::{HOST, ORIGIN, REFERER};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;

use crate::response::refusal::Refusal;

/// Requires that a request is addressed to the loopback interface, and is not from a web page elsewhere. `allowed` are
/// further names.
pub(super) fn check(head: &Parts, allowed: &[String]) -> Result<(), Refusal> {
    let mut hosts = head.headers.get_all(HOST).iter();
    let host = hosts.next().filter(|_| hosts.next().is_none()).and_then(|host| host.to_str().ok());
    let host = host.ok_or_else(|| misdirected("the request needs one valid `Host` header"))?;
    for host in [Some(host), head.uri.authority().map(Authority::as_str)].into_iter().flatten() {
        if !is_allowed(host, allowed) {
            let hint = "call the emulator as localhost or 127.0.0.1, or allow the host when it starts";
            return Err(misdirected(&format!("the host `{host}` is not a loopback name: {hint}")));
        }
    }
    let mut pages = head.headers.get_all(ORIGIN).iter().chain(head.headers.get_all(REFERER)).peekable();
    // A page can hide both when it loads an image or follows a link, but browsers still say that it is elsewhere.
    if pages.peek().is_none() && head.headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
        return Err(forbidden("the request is from a web page that does not say its origin"));
    }
    for page in pages {
        let page = String::from_utf8_lossy(page.as_bytes());
        let host = page.strip_prefix("http://").or_else(|| page.strip_prefix("https://"));
        let host = host.and_then(|host| host.split(['/', '?', '#']).next());
        if !host.is_some_and(|host| is_allowed(host, allowed)) {
            let reason =
                format!("the origin `{page}` is not a loopback origin: allow its host when the emulator starts");
            return Err(forbidden(&reason));
        }
    }
    Ok(())
}

fn forbidden(reason: &str) -> Refusal {
    Refusal::Detail(StatusCode::FORBIDDEN, reason.to_owned())
}

fn misdirected(reason: &str) -> Refusal {
    Refusal::Detail(StatusCode::MISDIRECTED_REQUEST, reason.to_owned())
}

/// Returns whether a host, with or without a port, is a loopback name or one of `allowed`.
fn is_allowed(host: &str, allowed: &[String]) -> bool {
    let Some(host) = host.parse::<Authority>().ok().filter(|_| !host.contains('@')) else {
        return false;
    };
    let name = host.host().to_ascii_lowercase();
    let name = name.strip_suffix('.').unwrap_or(&name);
    let ipv6 = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || ipv6.and_then(|name| name.parse::<Ipv6Addr>().ok()).is_some_and(|address| address.is_loopback())
        || allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names_are_allowed() {
        for host in [
            "localhost",
            "LOCALHOST:1",
            "localhost.",
            "app.localhost:8787",
            "127.0.0.1",
            "127.0.0.1:65535",
            "127.255.255.254",
            "[::1]",
            "[::1]:4000",
            "[0:0:0:0:0:0:0:1]:1",
        ] {
            assert!(is_allowed(host, &[]), "{host}");
        }
    }

    #[test]
    fn other_names_are_refused() {
        for host in [
            "",
            ":80",
            "evil.test",
            "evil.test:8787",
            "localhost.evil.test",
            "notlocalhost",
            "127.0.0.1.evil.test",
            "localhost@evil.test",
            "127.0.0.1@evil.test",
            "user@localhost",
            "127.1",
            "0x7f.0.0.1",
            "2130706433",
            "0.0.0.0",
            "10.0.0.1",
            "128.0.0.1",
            "[::]",
            "[::2]:1",
            "::1",
            "[fe80::1]",
            "localhost/evil",
            "localhost evil",
            "null",
        ] {
            assert!(!is_allowed(host, &[]), "{host}");
        }
    }

    #[test]
    fn further_names_are_allowed_on_request() {
        let allowed = ["fal.internal".to_owned(), "192.168.0.7".to_owned()];
        for host in ["fal.internal", "FAL.internal:80", "fal.internal.", "192.168.0.7:1"] {
            assert!(is_allowed(host, &allowed), "{host}");
        }
        for host in ["x.fal.internal", "fal.internal.evil.test", "192.168.0.8"] {
            assert!(!is_allowed(host, &allowed), "{host}");
        }
    }
}

//! The names under which the emulator is called. A web page can send requests to a loopback port, and can give its own
//! name an address on the loopback interface. Its requests have another `Host` or `Origin`.

use std::net::{Ipv4Addr, Ipv6Addr};

use hyper::StatusCode;
use hyper::header::{HOST, ORIGIN};
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
    for origin in head.headers.get_all(ORIGIN) {
        let origin = String::from_utf8_lossy(origin.as_bytes());
        let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        if !host.is_some_and(|host| is_allowed(host, allowed)) {
            let reason =
                format!("the origin `{origin}` is not a loopback origin: allow its host when the emulator starts");
            return Err(Refusal::Detail(StatusCode::FORBIDDEN, reason));
        }
    }
    Ok(())
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

//! The names under which the emulator is called.
//!
//! A web page can send requests to a loopback port, and can give its own name an address on the loopback interface. Its requests
//! have another `Host`, `Origin` or `Referer`. It can neither open a tunnel, nor send a request with an absolute target.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use hyper::header::{HOST, HeaderMap, ORIGIN, REFERER};
use hyper::http::request::Parts;
use hyper::http::uri::{Authority, PathAndQuery};
use hyper::{StatusCode, Uri};

use crate::http::way::Way;
use crate::request::fal_host;
use crate::response::refusal::Refusal;
use crate::state::State;
use crate::urls::Urls;

/// The host that a request is for.
pub(super) enum Arrival {
    /// The emulator. URLs in the response have the form of the request.
    Here(Urls),
    /// Another host, which a proxy would reach.
    Elsewhere,
}

/// Requires that a request is addressed to the emulator, or to a host that it stands for, and is not from a web page elsewhere.
/// The path of a request for a real host gets that host as its first segment.
pub(super) fn arrive(head: &mut Parts, way: &Way, state: &State) -> Result<Arrival, Refusal> {
    let allowed = &state.settings.allowed_hosts;
    let host = named_host(&head.headers)?;
    let target = head.uri.authority().map(Authority::as_str);
    if let Way::Host(name) = way {
        if [Some(host), target].into_iter().flatten().any(|host| name_of(host).as_deref() != Some(name)) {
            return Err(misdirected(&format!("the connection is for the host `{name}`, and the request for `{host}`")));
        }
        // A page elsewhere cannot lead a connection here by itself: its browser has to trust the emulator, or use it as a proxy.
        enter(head, name)?;
        return Ok(Arrival::Here(Urls::Real));
    }
    let real = match target.filter(|target| !is_allowed(target, allowed)) {
        None if is_allowed(host, allowed) => None,
        // The target counts, and the header has to agree.
        Some(target) if name_of(target).is_some() && name_of(target) == name_of(host) => name_of(target),
        _ => {
            let host = if is_allowed(host, allowed) { target.unwrap_or(host) } else { host };
            let hint = "call the emulator as localhost or 127.0.0.1, or allow the host when it starts";
            return Err(misdirected(&format!("the host `{host}` is not a loopback name: {hint}")));
        }
    };
    check_page(&head.headers, allowed)?;
    let port = head.uri.port_u16().unwrap_or(80);
    if state.settings.allows_network && target.is_some() && real.is_none() && !state.has_port(port) {
        return Ok(Arrival::Elsewhere);
    }
    match real {
        None => Ok(Arrival::Here(Urls::Base(Arc::clone(&state.base_url)))),
        Some(name) if fal_host::is_served(&name) => {
            enter(head, &name)?;
            Ok(Arrival::Here(Urls::Real))
        }
        Some(_) => Ok(Arrival::Elsewhere),
    }
}

/// Returns the value of the only header `Host`.
fn named_host(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().filter(|_| hosts.next().is_none()).and_then(|host| host.to_str().ok());
    host.ok_or_else(|| misdirected("the request needs one valid `Host` header"))
}

/// Makes a host the first segment of the path.
fn enter(head: &mut Parts, host: &str) -> Result<(), Refusal> {
    let target = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let slash = if target.starts_with('/') { "" } else { "/" };
    head.uri = Uri::try_from(format!("/{host}{slash}{target}"))
        .map_err(|error| Refusal::Detail(StatusCode::BAD_REQUEST, format!("invalid request target: {error}")))?;
    Ok(())
}

/// Requires that a request is not from a web page elsewhere.
pub(super) fn check_page(headers: &HeaderMap, allowed: &[String]) -> Result<(), Refusal> {
    let mut pages = headers.get_all(ORIGIN).iter().chain(headers.get_all(REFERER)).peekable();
    // A page can hide both when it loads an image or follows a link, but browsers still say that it is elsewhere.
    if pages.peek().is_none() && headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
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

/// Returns the name of a host, without its port, in lower case. `None` if it is invalid.
pub(super) fn name_of(host: &str) -> Option<String> {
    let authority = host.parse::<Authority>().ok().filter(|_| !host.contains('@'))?;
    let name = authority.host();
    // The parser accepts any text as a port.
    let port = host.get(name.len()..)?;
    let is_port = port.strip_prefix(':').is_none_or(|port| port.is_empty() || port.parse::<u16>().is_ok());
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    Some(name).filter(|name| is_port && !name.is_empty())
}

/// Returns whether a host, with or without a port, is a loopback name or one of `allowed`.
pub(super) fn is_allowed(host: &str, allowed: &[String]) -> bool {
    let Some(name) = name_of(host) else { return false };
    let ipv6 = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || ipv6.and_then(|name| name.parse::<Ipv6Addr>().ok()).is_some_and(|address| address.is_loopback())
        || allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(&name))
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
            "localhost:port",
            "localhost:65536",
            "localhost:-1",
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

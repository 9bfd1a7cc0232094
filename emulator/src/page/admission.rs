//! The origins from which the page is used. `Host`, and pages on other hosts, are checked for all requests.

use hyper::header::{HOST, HeaderMap, ORIGIN};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use crate::response::refusal::Refusal;

/// Requires that a change comes from this page, and that other pages do not embed it. A page on another port of the same host
/// is another origin.
pub(super) fn check(head: &Parts) -> Result<(), Refusal> {
    let site = header(&head.headers, "sec-fetch-site");
    if head.method == Method::GET || head.method == Method::HEAD {
        let is_own = matches!(site, None | Some("same-origin" | "none"));
        return match is_own || header(&head.headers, "sec-fetch-mode") == Some("navigate") {
            true => Ok(()),
            false => Err(forbidden("another page cannot read or embed this one: open it in a tab of its own")),
        };
    }
    let origins: Vec<_> = head.headers.get_all(ORIGIN).iter().collect();
    let is_same = |origin: &[u8]| {
        let host = head.headers.get(HOST).map(|host| host.as_bytes());
        let origin = origin.strip_prefix(b"http://").or_else(|| origin.strip_prefix(b"https://"));
        origin.is_some() && origin == host
    };
    let is_own = match (origins.as_slice(), site) {
        ([], site) => site == Some("same-origin"),
        ([origin], None) => is_same(origin.as_bytes()),
        ([origin], Some(site)) => is_same(origin.as_bytes()) && site == "same-origin",
        _ => false,
    };
    match is_own {
        true => Ok(()),
        false => {
            Err(forbidden("changes need a request of this page: the header `Origin` or `Sec-Fetch-Site` has to say so"))
        }
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn forbidden(reason: &str) -> Refusal {
    Refusal::Detail(StatusCode::FORBIDDEN, reason.to_owned())
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn allows(method: &Method, headers: &[(&str, &str)]) -> bool {
        let request = Request::builder().method(method).header("host", "localhost:4000");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        check(&request.body(()).expect("the headers are valid").into_parts().0).is_ok()
    }

    #[test]
    fn changes_need_the_same_origin() {
        for headers in [
            &[("origin", "http://localhost:4000")][..],
            &[("origin", "https://localhost:4000")],
            &[("origin", "http://localhost:4000"), ("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "same-origin")],
        ] {
            assert!(allows(&Method::POST, headers), "{headers:?}");
        }
        for headers in [
            &[][..],
            &[("origin", "http://localhost:3000")],
            &[("origin", "http://127.0.0.1:4000")],
            &[("origin", "http://localhost")],
            &[("origin", "localhost:4000")],
            &[("origin", "null")],
            &[("origin", "http://localhost:4000"), ("origin", "http://localhost:3000")],
            &[("origin", "http://localhost:4000"), ("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("referer", "http://localhost:4000/faults")],
        ] {
            assert!(!allows(&Method::POST, headers), "{headers:?}");
            assert!(!allows(&Method::PUT, headers), "{headers:?}");
        }
    }

    #[test]
    fn other_pages_may_only_link_here() {
        assert!(allows(&Method::GET, &[]));
        assert!(allows(&Method::GET, &[("sec-fetch-site", "none")]));
        assert!(allows(&Method::GET, &[("sec-fetch-site", "same-origin")]));
        assert!(allows(&Method::GET, &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "navigate")]));
        assert!(!allows(&Method::GET, &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "no-cors")]));
        assert!(!allows(&Method::HEAD, &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "cors")]));
    }
}

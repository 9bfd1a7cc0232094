//! The URL in `x-fal-target-url`, and what it means. Nothing of its text is forwarded: the URL of fal is built again from
//! the endpoint, the request id and the query.

use http::Method;
use url::{Url, form_urlencoded};

use super::operation::Operation;
use super::refusal::Refusal;
use crate::protocol::{EndpointId, RequestId};
use crate::transport::{Hosts, is_loopback, join};

/// The storage that files are uploaded to: fal's CDN.
const STORAGE: &str = "fal-cdn-v3";

/// Maximum bytes of the header. A URL beyond 64 KiB cannot be sent, and an escaped one is up to three times as long.
const MAX_LENGTH: usize = 16 << 10;

/// A request that fal knows. Whether it is allowed is not decided yet.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) operation: Operation,
    /// The URL that the request is forwarded to.
    pub(super) url: Url,
    pub(super) endpoint: Option<EndpointId>,
    pub(super) request_id: Option<RequestId>,
    /// Set if fal would call a webhook.
    pub(super) has_webhook: bool,
}

/// fal's hosts that a proxy forwards to.
#[derive(Clone, Copy)]
enum Host {
    Run,
    Queue,
    Rest,
}

type Query = Vec<(String, String)>;

impl Target {
    /// Parses the text of the header.
    ///
    /// # Errors
    ///
    /// It is not a URL of one of fal's hosts, or fal has no request of that method, path and query.
    pub(super) fn parse(method: &Method, text: &str, hosts: &Hosts) -> Result<Self, Refusal> {
        let invalid = |why: &str| Refusal::bad_request(format!("invalid URL in the header `x-fal-target-url`: {why}"));
        if text.len() > MAX_LENGTH {
            return Err(invalid(&format!("it exceeds {MAX_LENGTH} bytes")));
        }
        let (host, base, path) = split_host(text, hosts).ok_or_else(|| {
            invalid("expected `https://` and one of the hosts fal.run, queue.fal.run and rest.fal.ai, without a port")
        })?;
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let query: Query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let target = match host {
            Host::Run => run(method, base, path, query),
            Host::Queue => queue(method, base, path, query),
            Host::Rest => rest(method, base, path, query),
        }?;
        // A gateway may have one host below another. An endpoint id must not lead there.
        match hosts.is_only_below(&target.url, base) {
            true => Ok(target),
            false => Err(unknown()),
        }
    }

    fn of_endpoint(operation: Operation, url: Url, endpoint: EndpointId) -> Self {
        Target { operation, url, endpoint: Some(endpoint), request_id: None, has_webhook: false }
    }
}

/// Finds the host of a URL, and returns its configured base URL with the path and the query.
///
/// The text is compared and not parsed, so that no other spelling of a host can pass: a user, a port, an escape, a dot at
/// the end. Clients of an emulator or a gateway have its base URLs as their own.
fn split_host<'a>(text: &'a str, hosts: &'a Hosts) -> Option<(Host, &'a Url, &'a str)> {
    let known = [
        ("fal.run", Host::Run, &hosts.run),
        ("queue.fal.run", Host::Queue, &hosts.queue),
        ("rest.fal.ai", Host::Rest, &hosts.rest),
    ];
    let found = known.into_iter().filter_map(|(name, host, base)| {
        let configured = base.as_str().trim_end_matches('/');
        let is_safe = base.scheme() == "https" || is_loopback(base);
        let of_fal = strip_ignoring_case(text, "https://").and_then(|rest| strip_ignoring_case(rest, name));
        let path = of_fal.or_else(|| text.strip_prefix(configured).filter(|_| is_safe));
        path.filter(|path| path.starts_with('/')).map(|path| (host, base, path))
    });
    // A base URL may be below another.
    found.min_by_key(|(.., path)| path.len())
}

fn strip_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Parses a direct run. Parameters that are not fal's own are the endpoint's.
fn run(method: &Method, base: &Url, path: &str, query: Query) -> Result<Target, Refusal> {
    let endpoint = endpoint(path.strip_prefix('/').unwrap_or(path))?;
    require(method, Method::POST)?;
    refuse_any(&query, is_of_fal)?;
    let url = with_query(join(base, endpoint.as_str()), &query);
    Ok(Target::of_endpoint(Operation::Run, url, endpoint))
}

/// Parses a submission to the queue, or a request about a queued request.
fn queue(method: &Method, base: &Url, path: &str, query: Query) -> Result<Target, Refusal> {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let requests = segments.iter().skip(2).position(|segment| *segment == "requests").map(|index| index + 2);
    let Some(requests) = requests else {
        let endpoint = endpoint(path.strip_prefix('/').unwrap_or(path))?;
        require(method, Method::POST)?;
        let is_known = |name: &str| matches!(name, "fal_webhook" | "fal_max_queue_length");
        refuse_any(&query, |name| is_of_fal(name) && !is_known(name))?;
        let url = with_query(join(base, endpoint.as_str()), &query);
        let has_webhook = query.iter().any(|(name, _)| name == "fal_webhook");
        return Ok(Target { has_webhook, ..Target::of_endpoint(Operation::Submit, url, endpoint) });
    };
    let (operation, allowed, tail) = match segments[requests + 1..] {
        [_] | [_, "response"] => (Operation::Result, Method::GET, ""),
        [_, "status"] => (Operation::Status, Method::GET, "/status"),
        [_, "status", "stream"] => (Operation::Status, Method::GET, "/status/stream"),
        [_, "cancel"] => (Operation::Cancel, Method::PUT, "/cancel"),
        _ => return Err(unknown()),
    };
    let endpoint = endpoint(&segments[..requests].join("/"))?;
    let request_id = RequestId::parse(segments[requests + 1]).map_err(|_| unknown())?;
    require(method, allowed)?;
    refuse_any(&query, |name| name != "logs" || operation != Operation::Status)?;
    let url = join(base, &format!("{}/requests/{}{tail}", endpoint.as_str(), request_id.as_str()));
    let target = Target::of_endpoint(operation, with_query(url, &query), endpoint);
    Ok(Target { request_id: Some(request_id), ..target })
}

/// Parses the start or the end of an upload to the CDN, or the creation of a token.
fn rest(method: &Method, base: &Url, path: &str, query: Query) -> Result<Target, Refusal> {
    let operation = match path {
        "/storage/upload/initiate" | "/storage/upload/initiate-multipart" | "/storage/upload/complete-multipart" => {
            Operation::Upload
        }
        "/tokens/" | "/tokens/realtime" => Operation::Token,
        _ => return Err(unknown()),
    };
    let is_expected = match operation {
        Operation::Upload => matches!(&query[..], [(name, value)] if name == "storage_type" && value == STORAGE),
        _ => query.is_empty(),
    };
    if !is_expected {
        let expected = if operation == Operation::Upload { "only `storage_type=fal-cdn-v3`" } else { "none" };
        return Err(Refusal::bad_request(format!("invalid query of the URL: expected {expected}")));
    }
    require(method, Method::POST)?;
    let url = with_query(join(base, path.trim_start_matches('/')), &query);
    Ok(Target { operation, url, endpoint: None, request_id: None, has_webhook: false })
}

fn endpoint(text: &str) -> Result<EndpointId, Refusal> {
    EndpointId::parse(text).map_err(|error| Refusal::bad_request(error.to_string()))
}

fn require(method: &Method, allowed: Method) -> Result<(), Refusal> {
    match () {
        () if *method == allowed => Ok(()),
        () if allowed == Method::GET => Err(Refusal::method("GET")),
        () if allowed == Method::PUT => Err(Refusal::method("PUT")),
        () => Err(Refusal::method("POST")),
    }
}

/// Returns true if fal itself reads a parameter, and not the endpoint.
fn is_of_fal(name: &str) -> bool {
    strip_ignoring_case(name, "fal_").is_some()
}

fn refuse_any(query: &Query, is_refused: impl Fn(&str) -> bool) -> Result<(), Refusal> {
    match query.iter().any(|(name, _)| is_refused(name)) {
        true => Err(Refusal::bad_request("a parameter in the query of the URL is not allowed")),
        false => Ok(()),
    }
}

fn with_query(mut url: Url, query: &Query) -> Url {
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}

fn unknown() -> Refusal {
    Refusal::bad_request("unknown path of the URL in the header `x-fal-target-url`")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hosts() -> Hosts {
        Hosts::new(Some("http://127.0.0.1:1/run"), Some("http://127.0.0.1:1/queue"), Some("http://127.0.0.1:1/rest"))
            .expect("hosts")
    }

    /// Parts of URLs, of which tests put targets together.
    const PARTS: &[&str] = &[
        "https://",
        "http://",
        "fal.run",
        "queue.fal.run",
        "rest.fal.ai",
        "http://127.0.0.1:1/queue",
        "/",
        "//",
        "..",
        ".",
        "%2e",
        "%2F",
        "\\",
        "?",
        "#",
        "&",
        "=",
        ";",
        "@",
        ":",
        ":443",
        "a",
        "b-1",
        "requests",
        "status",
        "stream",
        "cancel",
        "response",
        "workflows",
        "storage/upload/initiate",
        "storage_type=fal-cdn-v3",
        "fal_webhook=x",
        "logs=1",
        "tokens/",
        "\u{0}",
        "é",
        " ",
    ];

    fn part() -> impl Strategy<Value = String> {
        prop_oneof![proptest::sample::select(PARTS).prop_map(str::to_owned), ".{0,3}"]
    }

    proptest! {
        #[test]
        fn a_target_stays_below_its_host(
            host in proptest::sample::select(&["https://fal.run/a", "https://queue.fal.run/a", "https://rest.fal.ai/", ""][..]),
            parts in proptest::collection::vec(part(), 0..12),
            method in proptest::sample::select(&[Method::GET, Method::POST, Method::PUT][..]),
        ) {
            let text = format!("{host}{}", parts.concat());
            let Ok(target) = Target::parse(&method, &text, &hosts()) else { return Ok(()) };
            let host = match target.operation {
                Operation::Run => "run",
                Operation::Upload | Operation::Token => "rest",
                _ => "queue",
            };
            let url = target.url.as_str();
            let path = url.strip_prefix(&format!("http://127.0.0.1:1/{host}/")).expect("a URL below its host");
            let path = path.split_once('?').map_or(path, |(path, _)| path);
            prop_assert!(!path.contains(['%', '\\', '#', '@', ':', ';']), "{url}");
            let is_empty = |segment: &str| matches!(segment, "" | "." | "..");
            prop_assert!(!path.trim_end_matches('/').split('/').any(is_empty), "{url}");
            let keys = target.url.query_pairs().map(|(name, _)| name.to_ascii_lowercase());
            let known = ["fal_webhook", "fal_max_queue_length"];
            prop_assert!(keys.into_iter().all(|key| !key.starts_with("fal_") || known.contains(&&*key)), "{url}");
        }
    }
}

//! The hosts of a client, and which of them may receive the key, a queue request or an upload token.

use url::{Host, Url};

use super::private_hosts::names_private_host;
use crate::error::{Error, ErrorKind, host_and_port};
use crate::text::{learn_url, shown};

/// fal's hosts that may receive the key (fal's protocol reference: run, queue, REST, platform, realtime, and the
/// backups of the first two).
const TRUSTED: &[&str] =
    &["fal.run", "queue.fal.run", "rest.fal.ai", "api.fal.ai", "falrun.com", "queue.falrun.com", "ws.fal.run"];

/// The base URLs of a client's requests.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    pub(crate) run: Url,
    pub(crate) queue: Url,
    pub(crate) rest: Url,
    /// The platform API.
    pub(crate) api: Url,
    /// fal's website, which never gets the key.
    #[cfg_attr(not(feature = "platform"), allow(dead_code))]
    pub(crate) site: Url,
    /// Direct runs over a WebSocket connection. `None` if the run host is not a plain host name.
    pub(crate) ws: Option<Url>,
    /// The configured CDN for uploads. Default: the one that the REST host names.
    pub(crate) cdn: Option<Url>,
    /// The base URLs that are configured, or derived from a configured one.
    configured: Vec<Url>,
    /// Set if direct runs or the queue are configured to go to another host than fal's. Then the key belongs to that host's
    /// gateway, and fal's own hosts do not receive it.
    elsewhere: bool,
}

impl Hosts {
    /// Parses the configured hosts, each a host name or a base URL. The others default to fal's own. If only the run
    /// host is configured, the queue host is derived from it.
    pub(crate) fn new(run: Option<&str>, queue: Option<&str>, rest: Option<&str>) -> Result<Self, Error> {
        let run_url = parse_base_url("run host", run.unwrap_or("fal.run"))?;
        let queue_url = match (queue, run) {
            (Some(queue), _) => parse_base_url("queue host", queue)?,
            (None, Some(_)) => queue_host_of(&run_url)?,
            (None, None) => parse_base_url("queue host", "queue.fal.run")?,
        };
        let rest_url = parse_base_url("REST host", rest.unwrap_or("rest.fal.ai"))?;
        let ws_url = below("ws", &run_url);
        let run_and_queue = [run.map(|_| &run_url), queue.or(run).map(|_| &queue_url)];
        let elsewhere = run_and_queue.iter().flatten().any(|base| !base.host_str().is_some_and(is_fal));
        let configured = run_and_queue.into_iter().chain([rest.map(|_| &rest_url), run.and(ws_url.as_ref())]);
        Ok(Hosts {
            configured: configured.flatten().cloned().collect(),
            elsewhere,
            run: run_url,
            queue: queue_url,
            rest: rest_url,
            api: parse_base_url("platform host", "api.fal.ai")?,
            site: parse_base_url("website host", "fal.ai")?,
            ws: ws_url,
            cdn: None,
        })
    }

    /// Replaces the host of WebSocket calls, if given. `wss://` and `ws://` are accepted for `https://` and `http://`.
    pub(crate) fn with_ws(mut self, ws: Option<&str>) -> Result<Self, Error> {
        if let Some(ws) = ws.map(str::trim) {
            let http = [("wss://", "https://"), ("ws://", "http://")].into_iter().find_map(|(scheme, http)| {
                let (found, rest) = ws.split_at_checked(scheme.len())?;
                found.eq_ignore_ascii_case(scheme).then(|| format!("{http}{rest}"))
            });
            let ws = parse_base_url("WebSocket host", http.as_deref().unwrap_or(ws))?;
            self.configured.push(ws.clone());
            self.ws = Some(ws);
        }
        Ok(self)
    }

    /// Replaces the platform host and the CDN, if given.
    pub(crate) fn with_storage(mut self, api: Option<&str>, cdn: Option<&str>) -> Result<Self, Error> {
        if let Some(api) = api {
            self.api = parse_base_url("platform host", api)?;
            self.configured.push(self.api.clone());
        }
        self.cdn = cdn.map(|cdn| parse_base_url("CDN host", cdn)).transpose()?;
        Ok(self)
    }

    /// Replaces the host of fal's website, if given.
    pub(crate) fn with_site(mut self, site: Option<&str>) -> Result<Self, Error> {
        if let Some(site) = site {
            self.site = parse_base_url("website host", site)?;
        }
        Ok(self)
    }

    /// Returns true if the key may be sent to `url`.
    pub(crate) fn trusts(&self, url: &Url) -> bool {
        let is_of_fal = !self.elsewhere && is_of_fal(url, |host| TRUSTED.contains(&host));
        !has_user(url) && (is_of_fal || self.configured.iter().any(|base| is_below(url, base)))
    }

    /// Creates the error of a URL on a host of fal's that does not receive the key, because another host is configured for
    /// direct runs or for the queue. `None` for any other URL.
    pub(crate) fn unset(&self, url: &Url) -> Option<Error> {
        let unset = [
            (&self.run, "run host", "run_host(…)", "FAL_RUN_HOST"),
            (&self.queue, "queue host", "queue_host(…)", "FAL_QUEUE_RUN_HOST"),
            (&self.rest, "REST host", "rest_host(…)", "FAL_REST_HOST"),
            (&self.api, "platform host", "api_host(…)", "FAL_API_HOST"),
        ];
        let (base, what, setting, variable) = unset.into_iter().find(|(base, ..)| is_below(url, base))?;
        let other = [&self.run, &self.queue].into_iter().find(|base| self.configured.contains(base))?;
        let message = format!(
            "missing {what}: set it with `{setting}` or {variable}; the key of the configured host {} is not sent to {}",
            host_and_port(other),
            host_and_port(base),
        );
        (!self.trusts(url)).then(|| Error::new(ErrorKind::Configuration, message))
    }

    /// Moves a URL of fal's REST host to the configured one. A gateway may pass fal's responses on as they are.
    pub(crate) fn at_rest_host(&self, mut url: Url) -> Url {
        if is_of_fal(&url, |host| host == "rest.fal.ai") && self.rest.host_str() != Some("rest.fal.ai") {
            let path = format!("{}{}", self.rest.path().trim_end_matches('/'), url.path());
            let query = url.query().map(str::to_owned);
            url = self.rest.clone();
            url.set_path(&path);
            url.set_query(query.as_deref());
        }
        url
    }

    /// Returns true if `url` is below `base`, and not below another base URL of this client further down. Requests there are of
    /// another kind.
    #[cfg(feature = "proxy")]
    pub(crate) fn is_only_below(&self, url: &Url, base: &Url) -> bool {
        let depth = |base: &Url| base.path().trim_end_matches('/').len();
        let others = [&self.run, &self.queue, &self.rest, &self.api].into_iter().chain(&self.ws).chain(&self.cdn);
        is_below(url, base) && !others.into_iter().any(|other| depth(other) > depth(base) && is_below(url, other))
    }

    /// Returns true if an upload token may be sent to `url`: to fal's CDN, to the configured one, or to the REST host's
    /// origin if that is not fal's own.
    pub(crate) fn is_storage(&self, url: &Url) -> bool {
        let rest = Some(&self.rest).filter(|rest| rest.host_str() != Some("rest.fal.ai"));
        let is_configured = || rest.into_iter().chain(&self.cdn).any(|base| is_of_origin(url, base));
        let is_cdn = |host: &str| host == "fal.media" || host.ends_with(".fal.media");
        !has_user(url) && (is_of_fal(url, is_cdn) || is_configured())
    }

    /// Checks that the key and tokens do not go to another machine without TLS.
    pub(crate) fn check_encryption(&self) -> Result<(), Error> {
        self.configured.iter().chain(&self.cdn).try_for_each(check_encryption)
    }

    /// Returns false if fal would drop a webhook to this URL, because the host is private. Other services may deliver there,
    /// such as an emulator.
    pub(crate) fn delivers_to(&self, webhook: &Url) -> bool {
        self.queue.host_str() != Some("queue.fal.run") || !names_private_host(webhook)
    }

    /// Returns the host that files are uploaded to, unless only the REST host names it.
    pub(crate) fn usual_cdn(&self) -> Option<Url> {
        let usual = match self.emulator() {
            Some(origin) => Url::parse(&format!("{origin}/v3.fal.media")).ok(),
            None if self.rest.host_str() == Some("rest.fal.ai") => Url::parse("https://v3.fal.media").ok(),
            None => None,
        };
        self.cdn.clone().or(usual)
    }

    /// Returns the origin of an emulator, if direct runs go to this machine. It serves all of fal's hosts, and those of S3,
    /// below its origin.
    pub(crate) fn emulator(&self) -> Option<String> {
        is_loopback(&self.run).then(|| self.run.origin().ascii_serialization())
    }

    /// Returns true if no host uses TLS, as with an emulator.
    pub(crate) fn are_plain(&self) -> bool {
        [&self.run, &self.queue, &self.rest].into_iter().all(|base| base.scheme() == "http")
    }
}

/// Checks that a base URL does not lead to another machine without TLS.
pub(crate) fn check_encryption(base: &Url) -> Result<(), Error> {
    if base.scheme() != "http" || is_loopback(base) {
        return Ok(());
    }
    let message = format!(
        "the base URL {base} would send the API key to another machine without encryption: use `https://`, or allow it \
         with `Client::builder().allow_http(true)` or the environment variable FAL_ALLOW_HTTP=1"
    );
    Err(Error::new(ErrorKind::Configuration, message))
}

/// Returns the same URL on fal's backup host, which is tried if the host is unreachable.
pub(crate) fn backup(url: &Url) -> Option<Url> {
    let backup = match (url.scheme(), url.host_str()?) {
        ("https", "fal.run") => "falrun.com",
        ("https", "queue.fal.run") => "queue.falrun.com",
        _ => return None,
    };
    let mut url = url.clone();
    url.set_host(Some(backup)).ok()?;
    Some(url)
}

/// Appends a path to a base URL.
pub(crate) fn join(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path.split('/'));
    }
    url
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Returns true if `url` is an https URL of a host of fal's that matches.
fn is_of_fal(url: &Url, matches: impl Fn(&str) -> bool) -> bool {
    let host = url.host().filter(|_| url.scheme() == "https" && url.port().is_none());
    matches!(host, Some(Host::Domain(host)) if matches(host))
}

/// Returns true if `url` has the origin of `base` and lies below its path.
fn is_below(url: &Url, base: &Url) -> bool {
    let prefix = base.path().trim_end_matches('/');
    let rest = url.path().strip_prefix(prefix);
    is_of_origin(url, base) && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns true if `url` has the origin of a base URL. Unlike [`Url::origin`], it does not copy the hosts.
fn is_of_origin(url: &Url, base: &Url) -> bool {
    url.scheme() == base.scheme()
        && url.host_str() == base.host_str()
        && url.port_or_known_default() == base.port_or_known_default()
}

/// Returns true if a URL leads to this machine: `localhost` and names below it, loopback and unspecified addresses.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(host)) => {
            let host = without_dot(host);
            host == "localhost" || host.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => {
            let mapped = address.to_ipv4_mapped().is_some_and(|address| address.is_loopback());
            address.is_loopback() || address.is_unspecified() || mapped
        }
        None => false,
    }
}

/// Returns a URL whose host is in its canonical form. [`Url`] has converted it to lower case and Punycode, and has
/// removed a default port. What remains is the dot of an absolute name: `fal.run.` is `fal.run`.
fn canonical(mut url: Url) -> Url {
    if let Some(Host::Domain(host)) = url.host() {
        let host = without_dot(host).to_owned();
        // A host that is the dot alone stays as it is.
        let _ = url.set_host(Some(&host));
    }
    url
}

fn without_dot(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// Returns a configured host without a user, a password or a query, to be shown.
pub(crate) fn shown_host(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    let separator = if scheme.is_empty() { "" } else { "://" };
    // A password may have the characters that begin a query.
    let (user, host) = rest.rsplit_once('@').map_or(("", rest), |(_, host)| ("[redacted]@", host));
    let host = host.split(['?', '#']).next().unwrap_or_default();
    shown(&format!("{scheme}{separator}{user}{host}"))
}

/// Parses a host name or a base URL.
pub(crate) fn parse_base_url(what: &str, text: &str) -> Result<Url, Error> {
    let invalid = |why: &str| {
        let text = shown_host(text);
        let message = format!(
            "invalid {what} \"{text}\": {why}; expected a host name (`fal.run`) or a base URL (`https://app.example/path`)"
        );
        Error::new(ErrorKind::Configuration, message)
    };
    let text = text.trim();
    let has_scheme = text.split_once(':').is_some_and(|(scheme, rest)| {
        rest.starts_with("//") || scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    });
    let whole = if has_scheme { text.to_owned() } else { format!("https://{text}") };
    if text.starts_with(['/', '\\']) {
        // The parser would skip the slashes, and take the first segment of the path for the host.
        return Err(invalid("the host is missing"));
    }
    let url = Url::parse(&whole).map_err(|error| invalid("not a URL").caused_by(error))?;
    learn_url(&url);
    let url = canonical(url);
    if !has_scheme && is_loopback(&url) {
        return Err(invalid("a local host needs `http://` or `https://`"));
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid("the scheme is neither http nor https"));
    }
    if has_user(&url) || url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("a user, a query or a fragment is not allowed"));
    }
    if url.scheme() == "http" && url.host_str().is_some_and(is_fal) {
        return Err(invalid("fal's own hosts require https"));
    }
    Ok(url)
}

fn is_fal(host: &str) -> bool {
    TRUSTED.contains(&host)
        || ["fal.run", "fal.ai", "fal.media"]
            .iter()
            .any(|domain| host.strip_suffix(domain).is_some_and(|below| below.is_empty() || below.ends_with('.')))
}

/// Derives the queue host `queue.HOST` from the run host `HOST`, as fal's own clients do.
fn queue_host_of(run: &Url) -> Result<Url, Error> {
    below("queue", run).ok_or_else(|| {
        let message = format!(
            "cannot derive the queue host from the run host {run}: set it with `queue_host(…)` or FAL_QUEUE_RUN_HOST"
        );
        Error::new(ErrorKind::Configuration, message)
    })
}

/// Returns the URL of the host `NAME.HOST` of a run host `HOST`, or `None` if that is an address or has a path.
fn below(name: &str, run: &Url) -> Option<Url> {
    let host = match (run.host()?, run.path()) {
        (Host::Domain(host), "/") => format!("{name}.{host}"),
        _ => return None,
    };
    let mut url = run.clone();
    url.set_host(Some(&host)).ok()?;
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(run: Option<&str>, queue: Option<&str>) -> Hosts {
        Hosts::new(run, queue, None).expect("hosts that are URLs")
    }

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    #[test]
    fn the_key_is_sent_to_fal_over_https_only() {
        let hosts = hosts(None, None);
        for good in
            ["https://fal.run/a", "https://queue.fal.run/a?b=c", "https://QUEUE.FAL.RUN/", "https://falrun.com/"]
        {
            assert!(hosts.trusts(&url(good)), "{good}");
        }
        for bad in [
            "http://fal.run/",
            "https://fal.run:8443/",
            "https://evilfal.run/",
            "https://fal.run.evil.com/",
            "https://fal.run./",
            "https://a.fal.run/",
            "https://u@queue.fal.run/",
            "https://user@fal.run/",
            "https://:pass@fal.run/",
            "https://fal.run@evil.com/",
            "https://fal.media/",
            "https://xn--fl-7kc.run/",
            "wss://fal.run/",
            "data:text/plain,fal.run",
        ] {
            assert!(!hosts.trusts(&url(bad)), "{bad}");
        }
    }

    #[test]
    fn urls_below_a_configured_base_url_are_trusted() {
        let hosts = hosts(Some("http://127.0.0.1:8000/fal.run"), Some("http://127.0.0.1:8000/queue.fal.run/"));
        assert!(hosts.trusts(&url("http://127.0.0.1:8000/queue.fal.run/a/b/requests/r")));
        assert!(hosts.trusts(&url("http://127.0.0.1:8000/fal.run")));
        for bad in [
            "http://127.0.0.1:8001/queue.fal.run/a",
            "http://127.0.0.1:8000/queue.fal.running/a",
            "http://127.0.0.1:8000/v3.fal.media/x",
            "https://127.0.0.1:8000/queue.fal.run/a",
            "http://127.0.0.1:8000/queue.fal.run/../v3.fal.media/x",
        ] {
            assert!(!hosts.trusts(&url(bad)), "{bad}");
        }
    }

    #[test]
    fn upload_tokens_go_to_the_cdn_only() {
        let fal = hosts(None, None);
        for good in ["https://v3.fal.media/files/upload", "https://v3b.fal.media/", "https://fal.media/"] {
            assert!(fal.is_storage(&url(good)), "{good}");
        }
        for bad in [
            "http://v3.fal.media/",
            "https://v3.fal.media:8443/",
            "https://evilfal.media/",
            "https://fal.media.evil.com/",
            "https://u@v3.fal.media/",
            "https://rest.fal.ai/",
        ] {
            assert!(!fal.is_storage(&url(bad)), "{bad}");
        }
        let emulator = Hosts::new(Some("http://h:1/run"), Some("http://h:1/queue"), Some("http://h:1/rest"));
        let emulator = emulator.expect("hosts that are URLs");
        assert!(emulator.is_storage(&url("http://h:1/v3.fal.media/files/upload")));
        assert!(!emulator.is_storage(&url("http://h:2/v3.fal.media/files/upload")));
        let own = hosts(None, None).with_storage(Some("api.example"), Some("https://cdn.example")).expect("hosts");
        assert!(own.is_storage(&url("https://cdn.example/files/upload")));
        assert!(own.is_storage(&url("https://v3.fal.media/files/upload")));
        assert!(!own.is_storage(&url("http://cdn.example/files/upload")));
        assert!(own.trusts(&url("https://api.example/v1/storage")));
        assert!(!own.trusts(&url("https://cdn.example/files/upload")));
    }

    #[test]
    fn fals_hosts_get_no_key_of_another_host() {
        let fals = ["https://fal.run/a", "https://queue.fal.run/a", "https://rest.fal.ai/a", "https://api.fal.ai/v1/a"];
        for (run, queue) in
            [(Some("fal.dev"), None), (Some("https://g.example/x"), Some("q.example")), (None, Some("q.example"))]
        {
            let hosts = hosts(run, queue);
            assert!(hosts.trusts(&join(&hosts.queue, "a")), "{run:?}");
            for text in fals {
                let url = url(text);
                let is_unset =
                    [&hosts.run, &hosts.queue, &hosts.rest, &hosts.api].iter().any(|base| is_below(&url, base));
                assert!(!hosts.trusts(&url) && hosts.unset(&url).is_some() == is_unset, "{run:?} {text}");
            }
            for text in ["https://falrun.com/a", "https://ws.fal.run/a", "https://evil.example/"] {
                assert!(!hosts.trusts(&url(text)) && hosts.unset(&url(text)).is_none(), "{run:?} {text}");
            }
        }
        for (run, queue) in [(None, None), (Some("fal.run"), None), (None, Some("queue.falrun.com"))] {
            let hosts = hosts(run, queue);
            assert!(fals.iter().all(|text| hosts.trusts(&url(text)) && hosts.unset(&url(text)).is_none()), "{queue:?}");
        }
        let gateway = Hosts::new(Some("g.example"), None, Some("rest.fal.ai")).expect("hosts");
        assert!(gateway.trusts(&url(fals[2])) && !gateway.trusts(&url(fals[3])));
        assert!(gateway.with_storage(Some("api.fal.ai"), None).expect("hosts").trusts(&url(fals[3])));
    }

    #[test]
    fn urls_of_fals_rest_host_move_to_the_configured_one() {
        let gateway = Hosts::new(Some("g.example"), None, Some("https://g.example/rest/")).expect("hosts");
        for (text, moved) in [
            ("https://rest.fal.ai/storage/f%2F1?v=1", "https://g.example/rest/storage/f%2F1?v=1"),
            ("https://REST.fal.ai/", "https://g.example/rest/"),
            ("https://rest.fal.ai:8443/a", "https://rest.fal.ai:8443/a"),
            ("http://rest.fal.ai/a", "http://rest.fal.ai/a"),
            ("https://evil.example/rest.fal.ai", "https://evil.example/rest.fal.ai"),
        ] {
            assert_eq!(gateway.at_rest_host(url(text)).as_str(), moved);
            assert_eq!(hosts(None, None).at_rest_host(url(text)), url(text));
        }
    }

    #[test]
    fn queue_host_is_derived_from_the_run_host() {
        assert_eq!(hosts(Some("fal.dev"), None).queue.as_str(), "https://queue.fal.dev/");
        assert_eq!(hosts(None, None).queue.as_str(), "https://queue.fal.run/");
        for run in ["http://127.0.0.1:1", "https://a.example/prefix"] {
            let error = Hosts::new(Some(run), None, None).expect_err("no queue host follows");
            assert_eq!(error.kind(), ErrorKind::Configuration);
        }
    }

    #[test]
    fn the_websocket_host_is_derived_or_configured() {
        let ws = |hosts: &Hosts| hosts.ws.as_ref().map(Url::to_string);
        assert_eq!(ws(&hosts(None, None)).as_deref(), Some("https://ws.fal.run/"));
        assert_eq!(ws(&hosts(Some("fal.dev"), None)).as_deref(), Some("https://ws.fal.dev/"));
        let local = hosts(Some("http://127.0.0.1:1/fal.run"), Some("http://127.0.0.1:1/queue.fal.run"));
        assert_eq!(ws(&local), None);
        for (text, expected) in [
            ("ws.fal.dev", "https://ws.fal.dev/"),
            ("wss://ws.fal.dev", "https://ws.fal.dev/"),
            ("ws://127.0.0.1:1/ws.fal.run", "http://127.0.0.1:1/ws.fal.run"),
            ("http://127.0.0.1:1/ws.fal.run", "http://127.0.0.1:1/ws.fal.run"),
        ] {
            let hosts = local.clone().with_ws(Some(text)).expect(text);
            assert_eq!(ws(&hosts).as_deref(), Some(expected), "{text}");
            assert!(hosts.trusts(&url(expected)) && !local.trusts(&url(expected)), "{text}");
        }
        let plain = local.with_ws(Some("ws://10.0.0.1")).expect("a URL");
        assert!(plain.check_encryption().is_err(), "the key would travel without encryption");
        for bad in ["ws://ws.fal.run", "ftp://ws.fal.dev", "wss://user@ws.fal.dev", "ws.fal.dev?x=é"] {
            let error = hosts(None, None).with_ws(Some(bad)).expect_err(bad);
            assert!(error.to_string().contains("WebSocket host"), "{error}");
        }
    }

    #[test]
    fn configured_hosts_are_compared_in_canonical_form() {
        for text in ["https://FAL.run./", "fal.run.", "fal.run:443", " https://fal.run "] {
            assert_eq!(hosts(Some(text), None).run.as_str(), "https://fal.run/", "{text}");
            assert_eq!(hosts(Some(text), None).queue.as_str(), "https://queue.fal.run/", "{text}");
        }
        for text in
            ["http://fal.run./", "http://FAL.RUN", "http://fal.run:80", "http://queue.fal.run.", "http://x.fal.ai"]
        {
            let error = Hosts::new(Some(text), Some("queue.example"), None).expect_err(text);
            assert!(error.to_string().contains("require https"), "{error}");
        }
    }

    #[test]
    fn loopback_is_recognised_in_every_form() {
        for local in [
            "http://localhost/",
            "http://LOCALHOST.:80/",
            "http://a.localhost/",
            "http://127.0.0.1/",
            "http://127.1.2.3/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://127.0.0.1./",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://0.0.0.0/",
        ] {
            assert!(is_loopback(&url(local)), "{local}");
        }
        for other in [
            "http://localhost.example/",
            "http://notlocalhost/",
            "http://10.0.0.1/",
            "http://[::ffff:10.0.0.1]/",
            "http://127.0.0.1.example/",
        ] {
            assert!(!is_loopback(&url(other)), "{other}");
        }
    }

    #[test]
    fn passwords_of_invalid_hosts_are_not_shown() {
        for text in
            ["https://u:pa55word@fal.run", "u:pa55word@fal.run", "https://u:pa55@word@h/", "https://h?t=pa55word"]
        {
            let error = Hosts::new(Some(text), None, None).expect_err(text);
            let shown = format!("{error} {error:?} {}", shown_host(text));
            assert!(!shown.contains("pa55") && !shown.contains("word"), "{shown}");
        }
    }

    #[test]
    fn only_fals_own_hosts_have_a_backup() {
        let backup_of = |text: &str| backup(&url(text)).map(String::from);
        assert_eq!(backup_of("https://fal.run/a/b?c=d%20e").as_deref(), Some("https://falrun.com/a/b?c=d%20e"));
        assert_eq!(backup_of("https://queue.fal.run/a").as_deref(), Some("https://queue.falrun.com/a"));
        for other in ["https://falrun.com/a", "https://rest.fal.ai/a", "http://fal.run/", "https://fal.run.evil.com/"] {
            assert_eq!(backup_of(other), None, "{other}");
        }
    }
}

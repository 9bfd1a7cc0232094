//! The proxies of the environment, and which URLs go through them. A loopback URL never does, because the proxy would get
//! the API key.

use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use reqwest::Proxy;
use url::{Host, Url};

use super::hosts::is_loopback;
use crate::error::{Error, ErrorKind};
use crate::text::{learn, learn_url, shown};

/// Reads an environment variable. `None` if it is unset.
pub(crate) type Variable<'a> = &'a dyn Fn(&str) -> Result<Option<String>, Error>;

/// The proxies for https and for http URLs, and the hosts that are reached directly.
#[derive(Clone, Default)]
pub(crate) struct Proxies {
    https: Option<Named>,
    http: Option<Named>,
    direct: Vec<String>,
}

/// A proxy, and the environment variable that names it.
#[derive(Clone)]
struct Named {
    variable: String,
    url: Url,
}

impl Proxies {
    /// Reads `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in upper or lower case, as curl does. Within a CGI
    /// script there are no proxies, because a header of its request can set `HTTP_PROXY`.
    ///
    /// # Errors
    ///
    /// A variable does not name a proxy, or names one of an unsupported kind.
    pub(crate) fn from_env(variable: Variable<'_>) -> Result<Self, Error> {
        if variable("REQUEST_METHOD")?.is_some() {
            return Ok(Proxies::default());
        }
        let (_, direct) = first(variable, "NO_PROXY")?.unwrap_or_default();
        let all = named(variable, "ALL_PROXY")?;
        Ok(Proxies {
            https: named(variable, "HTTPS_PROXY")?.or_else(|| all.clone()),
            http: named(variable, "HTTP_PROXY")?.or(all),
            direct: direct.split(',').map(|host| host.trim().to_ascii_lowercase()).collect(),
        })
    }

    /// Lets an HTTP client use the proxies.
    pub(crate) fn apply(&self, client: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
        // Else reqwest reads the environment itself, and ignores a proxy that it cannot use.
        let client = client.no_proxy();
        if self.https.is_none() && self.http.is_none() {
            return client;
        }
        let proxies = self.clone();
        client.proxy(Proxy::custom(move |url| proxies.of(url).map(|proxy| proxy.url.clone())))
    }

    /// Adds the proxy to the error of a connection that could not be established.
    pub(crate) fn explain(&self, url: &Url, error: Error) -> Error {
        match self.of(url).filter(|_| error.is_connect()) {
            Some(Named { variable, .. }) => error
                .with_note(&format!("the connection goes through the proxy of the environment variable `{variable}`")),
            None => error,
        }
    }

    /// Returns the environment variable and the URL of the proxy for a URL, without a user and a password.
    pub(crate) fn shown(&self, url: &Url) -> Option<(String, String)> {
        let Named { variable, url } = self.of(url)?;
        Some((variable.clone(), shown(&url.origin().ascii_serialization())))
    }

    fn of(&self, url: &Url) -> Option<&Named> {
        let proxy = if url.scheme() == "https" { self.https.as_ref() } else { self.http.as_ref() };
        proxy.filter(|_| !is_loopback(url) && !self.direct.iter().any(|entry| names(entry, url)))
    }
}

/// Returns true if an entry of `NO_PROXY` names the URL's host: `*`, a domain, which includes those below it, an address, or
/// a network such as `10.0.0.0/8`.
fn names(entry: &str, url: &Url) -> bool {
    let address: IpAddr = match url.host() {
        None => return false,
        Some(_) if entry == "*" => return true,
        Some(Host::Domain(host)) => {
            let domain = entry.strip_prefix('*').unwrap_or(entry).trim_matches('.');
            let below = host.trim_end_matches('.').strip_suffix(domain).filter(|_| !domain.is_empty());
            return below.is_some_and(|below| below.is_empty() || below.ends_with('.'));
        }
        Some(Host::Ipv4(address)) => address.into(),
        Some(Host::Ipv6(address)) => address.into(),
    };
    let (network, bits) = match entry.split_once('/') {
        Some((network, bits)) => (network, bits.parse().unwrap_or(u32::MAX)),
        None => (entry, 128),
    };
    match (network.parse(), address) {
        (Ok(IpAddr::V4(network)), IpAddr::V4(address)) => {
            let differing = network.to_bits() ^ address.to_bits();
            differing.leading_zeros() >= bits.min(32)
        }
        (Ok(IpAddr::V6(network)), IpAddr::V6(address)) => {
            let differing = network.to_bits() ^ address.to_bits();
            differing.leading_zeros() >= bits.min(128)
        }
        _ => false,
    }
}

/// Returns the first variable that is not empty: in upper case, or else in lower case.
fn first(variable: Variable<'_>, name: &str) -> Result<Option<(String, String)>, Error> {
    for name in [name.to_owned(), name.to_ascii_lowercase()] {
        if let Some(value) = variable(&name)?.filter(|value| !value.is_empty()) {
            return Ok(Some((name, value)));
        }
    }
    Ok(None)
}

fn named(variable: Variable<'_>, name: &str) -> Result<Option<Named>, Error> {
    let Some((name, text)) = first(variable, name)? else { return Ok(None) };
    let text = text.trim();
    let unusable = |why: &str| unusable(&name, text, why);
    let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&whole).map_err(|error| unusable("not a URL").caused_by(error))?;
    learn_url(&url);
    if let Some(password) = url.password() {
        let password = percent_decode_str(password).decode_utf8_lossy();
        learn(&password);
        learn(&format!("{}:{password}", percent_decode_str(url.username()).decode_utf8_lossy()));
    }
    match url.scheme() {
        "http" | "https" => {}
        "socks4" | "socks4a" | "socks5" | "socks5h" if cfg!(feature = "socks") => {}
        "socks4" | "socks4a" | "socks5" | "socks5h" => {
            return Err(unusable("the cargo feature `socks` of fal-client is off: turn it on"));
        }
        _ => return Err(unusable("expected the scheme http, https, socks4, socks4a, socks5 or socks5h")),
    }
    // Most are typing errors such as `http//proxy`, whose host is `http`.
    if !url.has_host() || !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(unusable("expected a host and a port, such as `http://proxy.example:3128`"));
    }
    Ok(Some(Named { variable: name, url }))
}

fn unusable(name: &str, value: &str, why: &str) -> Error {
    let value = match value.rsplit_once('@') {
        Some((_, host)) => format!("[redacted]@{host}"),
        None => value.to_owned(),
    };
    let value = shown(&value);
    let message =
        format!("unusable proxy \"{value}\" in the environment variable `{name}`: {why}; or unset the variable");
    Error::new(ErrorKind::Configuration, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Proxies, Error> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            Ok(found.map(|(_, value)| value.to_string()))
        };
        Proxies::from_env(&variable)
    }

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    #[test]
    fn proxies_are_read_in_upper_and_lower_case() {
        for (variables, https, http) in [
            (&[][..], None, None),
            (&[("HTTP_PROXY", "")], None, None),
            (&[("HTTP_PROXY", "proxy.example:3128")], None, Some("HTTP_PROXY")),
            (&[("https_proxy", "https://u:p@proxy.example/")], Some("https_proxy"), None),
            (&[("ALL_PROXY", "http://[::1]:8080")], Some("ALL_PROXY"), Some("ALL_PROXY")),
            (
                &[("HTTP_PROXY", ""), ("http_proxy", "127.0.0.1:1"), ("all_proxy", "h")],
                Some("all_proxy"),
                Some("http_proxy"),
            ),
            (&[("HTTP_PROXY", "http://h"), ("REQUEST_METHOD", "GET")], None, None),
        ] {
            let proxies = of(variables).expect("proxies");
            let name = |of: &str| proxies.of(&url(of)).map(|proxy| proxy.variable.as_str());
            assert_eq!((name("https://fal.run/"), name("http://fal.run/")), (https, http), "{variables:?}");
            assert_eq!((name("http://localhost./"), name("https://[::ffff:127.0.0.1]/")), (None, None));
        }
    }

    #[test]
    fn no_proxy_lists_domains_addresses_and_networks() {
        for (list, direct, proxied) in [
            ("fal.run", "https://queue.FAL.run./", "https://notfal.run/"),
            (" x.example , .fal.run", "https://fal.run/", "https://x.example.com/"),
            ("*.fal.run", "https://queue.fal.run/", "https://fal.run.example/"),
            ("*", "https://fal.run/", "data:x"),
            ("10.0.0.0/8,192.0.2.7", "http://10.200.0.1/", "http://11.0.0.1/"),
            ("10.0.0.0/8,192.0.2.7", "http://192.0.2.7/", "http://192.0.2.8/"),
            ("2001:db8::/32", "http://[2001:db8:1::1]/", "http://[2001:db9::1]/"),
            ("0.0.0.0/0", "http://1.2.3.4/", "http://[2001:db8::1]/"),
            ("10.0.0.0/x,,/8", "http://10.0.0.0/", "http://10.0.0.1/"),
        ] {
            let proxies = of(&[("ALL_PROXY", "http://proxy.example"), ("NO_PROXY", list)]).expect("proxies");
            assert!(proxies.of(&url(direct)).is_none(), "{list}: {direct}");
            assert!(proxies.of(&url(proxied)).is_some(), "{list}: {proxied}");
        }
    }

    #[test]
    fn an_unusable_proxy_is_an_error_that_names_the_variable() {
        for (name, value) in [
            ("HTTPS_PROXY", "sock5://127.0.0.1:1080"),
            ("HTTP_PROXY", "http//proxy.example"),
            ("http_proxy", "http:/proxy.example:3128"),
            ("ALL_PROXY", "http://proxy.example:port"),
            ("all_proxy", "http://proxy.example:99999"),
            ("ALL_PROXY", "ftp://proxy.example"),
            ("ALL_PROXY", "socks5//127.0.0.1:1080"),
            ("HTTPS_PROXY", "http://"),
            ("HTTPS_PROXY", " "),
            ("HTTPS_PROXY", "http://proxy.example/?a=b"),
            ("HTTPS_PROXY", "ftp://mallory:pass%20word@proxy.example"),
            ("HTTPS_PROXY", "mallory:pass word@proxy example"),
        ] {
            let Err(error) = of(&[(name, value)]) else { panic!("{value}") };
            let text = format!("{error} {error:?}");
            assert!(text.contains(&format!("`{name}`")) && text.contains("proxy"), "{text}");
            assert!(!text.contains("mallory") && !text.contains("pass"), "{text}");
        }
    }

    #[test]
    fn socks_proxies_need_the_feature() {
        for scheme in ["socks4", "socks4a", "socks5", "socks5h"] {
            match of(&[("ALL_PROXY", &format!("{scheme}://u:p@127.0.0.1:1080"))]) {
                Ok(proxies) => assert!(cfg!(feature = "socks") && proxies.https.is_some()),
                Err(error) => {
                    assert!(!cfg!(feature = "socks") && error.to_string().contains("feature `socks`"), "{error}");
                }
            }
        }
    }
}

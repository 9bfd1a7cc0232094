//! The proxies of the environment. A loopback URL never goes through a proxy, because the proxy would get the API key.

use percent_encoding::percent_decode_str;
use reqwest::{NoProxy, Proxy};
use url::Url;

use crate::error::{Error, ErrorKind};
use crate::text::{learn, learn_url, shown};

/// Hosts on this machine, in the form of `NO_PROXY`. A name includes the names below it.
const LOOPBACK: &str = "localhost,localhost.,127.0.0.0/8,::1,::ffff:127.0.0.0/104,0.0.0.0,::";

/// Returns the proxies that environment variables name, as curl reads them: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and
/// `NO_PROXY`, in upper or lower case. Within a CGI script there are none, because a header can set `HTTP_PROXY` there.
///
/// # Errors
///
/// A variable does not name a proxy, or names one of an unsupported kind.
pub(crate) fn proxies(variable: &dyn Fn(&str) -> Result<Option<String>, Error>) -> Result<Vec<Proxy>, Error> {
    if variable("REQUEST_METHOD")?.is_some() {
        return Ok(Vec::new());
    }
    let (_, bypass) = first(variable, "NO_PROXY")?.unwrap_or_default();
    let bypass = NoProxy::from_string(&format!("{LOOPBACK},{bypass}"));
    let all = parsed(variable, "ALL_PROXY")?;
    let mut proxies = Vec::new();
    for (name, intercept) in [("HTTPS_PROXY", Proxy::https as fn(Url) -> _), ("HTTP_PROXY", Proxy::http)] {
        if let Some((name, url)) = parsed(variable, name)?.or_else(|| all.clone()) {
            let proxy = intercept(url.clone());
            let proxy = proxy.map_err(|error| unusable(&name, url.as_str(), "not a URL").caused_by(error))?;
            proxies.push(proxy.no_proxy(bypass.clone()));
        }
    }
    Ok(proxies)
}

/// Returns the first variable that is not empty: in upper case, or else in lower case.
fn first(
    variable: &dyn Fn(&str) -> Result<Option<String>, Error>,
    name: &str,
) -> Result<Option<(String, String)>, Error> {
    for name in [name.to_owned(), name.to_ascii_lowercase()] {
        if let Some(value) = variable(&name)?.filter(|value| !value.is_empty()) {
            return Ok(Some((name, value)));
        }
    }
    Ok(None)
}

fn parsed(
    variable: &dyn Fn(&str) -> Result<Option<String>, Error>,
    name: &str,
) -> Result<Option<(String, Url)>, Error> {
    let Some((name, text)) = first(variable, name)? else { return Ok(None) };
    let text = text.trim();
    let unusable = |why: &str| unusable(&name, text, why);
    let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&whole).map_err(|error| unusable("not a URL").caused_by(error))?;
    learn_url(&url);
    if let Some(password) = url.password() {
        let password = percent_decode_str(password).decode_utf8_lossy();
        learn(&format!("{}:{password}", percent_decode_str(url.username()).decode_utf8_lossy()));
    }
    match url.scheme() {
        "http" | "https" => {}
        "socks4" | "socks4a" | "socks5" | "socks5h" if cfg!(feature = "socks") => {}
        "socks4" | "socks4a" | "socks5" | "socks5h" => {
            return Err(unusable("the cargo feature `socks` of fal-client is off; turn it on"));
        }
        _ => return Err(unusable("the scheme is not http, https, socks4, socks4a, socks5 or socks5h")),
    }
    // Most are typing errors such as `http//proxy`, whose host is `http`.
    if !url.has_host() || !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(unusable("expected a host and a port, such as `http://proxy.example:3128`"));
    }
    Ok(Some((name, url)))
}

fn unusable(name: &str, value: &str, why: &str) -> Error {
    let value = match value.rsplit_once('@') {
        Some((_, host)) => format!("[redacted]@{host}"),
        None => value.to_owned(),
    };
    let value = shown(&value);
    let message =
        format!("unusable proxy \"{value}\" in the environment variable `{name}`: {why}, or unset the variable");
    Error::new(ErrorKind::Configuration, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<usize, Error> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            Ok(found.map(|(_, value)| value.to_string()))
        };
        proxies(&variable).map(|proxies| proxies.len())
    }

    #[test]
    fn proxies_are_read_in_upper_and_lower_case() {
        for (variables, number) in [
            (&[][..], 0),
            (&[("HTTP_PROXY", "")], 0),
            (&[("HTTP_PROXY", "proxy.example:3128")], 1),
            (&[("https_proxy", "https://u:p@proxy.example/")], 1),
            (&[("ALL_PROXY", "http://[::1]:8080"), ("NO_PROXY", "*")], 2),
            (&[("HTTP_PROXY", ""), ("http_proxy", "127.0.0.1:1"), ("all_proxy", "http://h")], 2),
            (&[("HTTP_PROXY", "http://h"), ("REQUEST_METHOD", "GET")], 0),
        ] {
            assert_eq!(of(variables).expect("proxies"), number, "{variables:?}");
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
            let error = of(&[(name, value)]).expect_err(value);
            let text = format!("{error} {error:?}");
            assert!(text.contains(&format!("`{name}`")) && text.contains("proxy"), "{text}");
            assert!(!text.contains("mallory") && !text.contains("pass"), "{text}");
        }
    }

    #[test]
    fn socks_proxies_need_the_feature() {
        for scheme in ["socks4", "socks4a", "socks5", "socks5h"] {
            match of(&[("ALL_PROXY", &format!("{scheme}://u:p@127.0.0.1:1080"))]) {
                Ok(number) => assert!(cfg!(feature = "socks") && number == 2),
                Err(error) => {
                    assert!(!cfg!(feature = "socks") && error.to_string().contains("feature `socks`"), "{error}");
                }
            }
        }
    }
}

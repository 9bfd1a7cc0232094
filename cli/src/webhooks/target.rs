use std::error::Error as StdError;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use tokio::net::lookup_host;

use crate::error::{Error, Exit};

/// The URL that webhooks are delivered to, and the client that delivers them.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(super) url: Url,
    pub(super) client: reqwest::Client,
}

impl Target {
    /// Parses a URL, `HOST:PORT/PATH`, or a port of `localhost`. Results leave the computer only if remote hosts are allowed.
    ///
    /// # Errors
    ///
    /// The URL is invalid, or its host is unknown or not local.
    pub(crate) async fn new(text: &str, allow_remote: bool) -> Result<Self, Error> {
        let url = parse(text).map_err(|reason| Error::new(Exit::Usage, format!("invalid URL `{text}`: {reason}")))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let addresses = addresses(&host).await.map_err(|error| {
            let error = Error::new(Exit::Usage, format!("cannot find the host `{host}`: {error}"));
            error.help("use a URL such as http://localhost:3000/hook")
        })?;
        if !allow_remote && !addresses.iter().all(|address| is_local(address.ip())) {
            let error =
                Error::new(Exit::Usage, format!("the host `{host}` is neither this computer nor in its network"));
            return Err(error.help("add --allow-remote to send the results of jobs there"));
        }
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .dns_resolver(Arc::new(Resolver { allow_remote }))
            .build()
            .map_err(|error| Error::new(Exit::Failed, format!("cannot start the client of webhooks: {error}")))?;
        Ok(Target { url, client })
    }

    /// Returns the URL without what may be secret: user, password, query and fragment.
    pub(crate) fn shown(&self) -> String {
        let mut url = self.url.clone();
        // They only fail for URLs that cannot have them.
        let _ = (url.set_username(""), url.set_password(None));
        url.set_query(None);
        url.set_fragment(None);
        url.into()
    }
}

fn parse(text: &str) -> Result<Url, String> {
    let is_port = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // The parser takes the first segment of a path as the host.
    if text.starts_with('/') {
        return Err("missing host".to_owned());
    }
    let text = match text.contains("://") {
        true => text.to_owned(),
        false if is_port => format!("http://localhost:{text}"),
        false => format!("http://{text}"),
    };
    let url = Url::parse(&text).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        scheme => Err(format!("expected http or https instead of `{scheme}`")),
    }
}

/// Returns the addresses of a host. Names of the loopback interface are not looked up.
async fn addresses(host: &str) -> io::Result<Vec<SocketAddr>> {
    let name = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, 0)]);
    }
    if name == "localhost" || name.ends_with(".localhost") {
        let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        return Ok(loopback.map(|address| SocketAddr::new(address, 0)).to_vec());
    }
    Ok(lookup_host((name.as_str(), 0)).await?.collect())
}

/// Returns true for addresses of this computer and of private networks.
fn is_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_unspecified(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unspecified(),
    }
}

/// Finds the addresses of each connection. A name may have other ones than when the command started.
#[derive(Debug)]
struct Resolver {
    allow_remote: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_remote = self.allow_remote;
        Box::pin(async move {
            let mut found = addresses(name.as_str()).await?;
            found.retain(|address| allow_remote || is_local(address.ip()));
            if found.is_empty() {
                return Err("its host has no local address".into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Returns the reason of an error, without the URL, which may have a secret.
pub(super) fn reason(error: &reqwest::Error) -> String {
    let mut deepest: &dyn StdError = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    match error.is_connect() {
        true => format!("cannot connect: {deepest}"),
        false => deepest.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_hosts_are_urls() {
        for (text, url) in [
            ("3000", "http://localhost:3000/"),
            ("localhost:3000/hook", "http://localhost:3000/hook"),
            ("127.0.0.1", "http://127.0.0.1/"),
            ("https://app.test/hook?a=b", "https://app.test/hook?a=b"),
            ("[::1]:80/hook", "http://[::1]/hook"),
        ] {
            assert_eq!(parse(text).map(String::from), Ok(url.to_owned()), "{text}");
        }
        for text in ["", "99999", "ftp://localhost/", "http://", "a b", "file:///etc/passwd", "/hook"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn loopback_and_private_addresses_are_local() {
        for address in
            ["127.0.0.1", "10.1.2.3", "172.17.0.1", "192.168.1.2", "::1", "fd00::1", "0.0.0.0", "::ffff:10.0.0.1"]
        {
            assert!(is_local(address.parse().expect(address)), "{address}");
        }
        for address in
            ["1.1.1.1", "169.254.169.254", "172.32.0.1", "2606:4700::1", "fe80::1", "::ffff:1.1.1.1", "100.64.0.1"]
        {
            assert!(!is_local(address.parse().expect(address)), "{address}");
        }
    }

    #[tokio::test]
    async fn remote_hosts_need_permission() {
        for url in ["http://1.1.1.1/hook", "https://user:word@1.1.1.1/hook?token=secret"] {
            let error = Target::new(url, false).await.expect_err(url).to_styled();
            assert!(error.contains("--allow-remote") && !error.contains("secret"), "{error}");
            assert_eq!(
                Target::new(url, true).await.expect(url).shown(),
                url.replace("user:word@", "").replace("?token=secret", "")
            );
        }
    }
}

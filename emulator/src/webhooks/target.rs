//! The URLs to which webhooks are delivered.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hyper::Uri;
use tokio::net::lookup_host;

/// A URL that the emulator delivers to.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) uri: Uri,
    host: String,
    port: u16,
    is_loopback: bool,
}

impl Target {
    /// Parses the URL of a webhook. `allowed` are the hosts that are allowed in addition to loopback ones.
    ///
    /// # Errors
    ///
    /// The reason why nothing is delivered there.
    pub(crate) fn parse(url: &str, allowed: &[String]) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|error| format!("invalid URL: {error}"))?;
        if uri.scheme_str() != Some("http") {
            return Err("the emulator delivers to http URLs only".to_owned());
        }
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host).to_owned();
        let is_loopback = host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if !is_loopback && !allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(&host)) {
            return Err(format!("the host `{host}` is not a loopback host: allow it when the emulator starts"));
        }
        let port = uri.port_u16().unwrap_or(80);
        Ok(Target { uri, host, port, is_loopback })
    }

    /// Returns the addresses of the host. A loopback name is not looked up.
    pub(crate) async fn addresses(&self) -> Result<Vec<SocketAddr>, String> {
        let addresses = match self.host.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) if self.is_loopback => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            Err(_) => {
                let found = lookup_host((self.host.as_str(), self.port)).await;
                found.map_err(|error| error.to_string())?.map(|address| address.ip()).collect()
            }
        };
        Ok(addresses.into_iter().map(|address| SocketAddr::new(address, self.port)).collect())
    }

    /// Returns the value of the `Host` header.
    pub(crate) fn authority(&self) -> String {
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        authority.rsplit_once('@').map_or(authority, |(_, host)| host).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_and_allowed_hosts_are_targets() {
        let allowed = ["app".to_owned()];
        for url in [
            "http://127.0.0.1:3000/hook",
            "http://localhost/hook?a=b",
            "http://a.localhost./",
            "http://[::1]:3000/",
            "http://user:word@127.0.0.1/",
            "http://APP:80",
        ] {
            assert!(Target::parse(url, &allowed).is_ok(), "{url}");
        }
        for url in [
            "",
            "hook",
            "/hook",
            "https://127.0.0.1/",
            "ftp://localhost/",
            "http://10.0.0.1/",
            "http://0.0.0.0/",
            "http://example.com/",
            "http://localhost.example.com/",
            "http://localhost@example.com/",
            "http://127.0.0.1.example.com/",
            "http://127.1/",
            "http://[::ffff:10.0.0.1]/",
            "http:///",
            "http://a b/",
        ] {
            assert!(Target::parse(url, &allowed).is_err(), "{url}");
        }
    }
}

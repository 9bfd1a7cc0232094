use std::time::SystemTime;

use http::StatusCode;
use http::header::DATE;
use url::Url;

use super::Client;
use crate::error::{Error, ErrorKind};
use crate::transport::probe;

/// A host that a client sends requests to. Returned by [`Client::hosts`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Host {
    /// The purpose: `run`, `queue`, `ws`, `rest`, `api` or `cdn`.
    pub name: &'static str,
    /// The base URL.
    pub url: String,
    /// The proxy that requests to the host go through. `None` if there is none, or if the client has
    /// [an HTTP client of yours](crate::ClientBuilder::http_client).
    pub proxy: Option<HostProxy>,
}

/// The proxy of the environment that requests to a host go through.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostProxy {
    /// The environment variable that names it, such as `HTTPS_PROXY`.
    pub variable: String,
    /// The URL, without a user and a password.
    pub url: String,
}

/// The response of a host. Returned by [`Client::probe`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Probe {
    /// The status.
    pub status: StatusCode,
    /// The time by the host's clock, in whole seconds.
    pub date: Option<SystemTime>,
}

impl Client {
    /// Returns the hosts of the client, as its settings and the environment have them.
    ///
    /// ```
    /// # fn main() -> Result<(), fal_client::Error> {
    /// let client = fal_client::Client::builder().key("id:secret").build()?;
    /// let queue = client.hosts().into_iter().find(|host| host.name == "queue");
    /// assert_eq!(queue.map(|host| host.url).as_deref(), Some("https://queue.fal.run/"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// `ws` is absent if no host of WebSocket calls follows from the run host. `cdn` is absent if only
    /// the REST host names it.
    pub fn hosts(&self) -> Vec<Host> {
        let hosts = &self.context().hosts;
        let urls = [
            ("run", Some(hosts.run.clone())),
            ("queue", Some(hosts.queue.clone())),
            ("ws", hosts.ws.clone()),
            ("rest", Some(hosts.rest.clone())),
            ("api", Some(hosts.api.clone())),
            ("cdn", hosts.usual_cdn()),
        ];
        let host = |(name, url): (&'static str, Option<Url>)| {
            let url = url?;
            let proxy = self.context().proxies.shown(&url).map(|(variable, url)| HostProxy { variable, url });
            Some(Host { name, proxy, url: url.into() })
        };
        urls.into_iter().filter_map(host).collect()
    }

    /// Requests the base URL of a host once, without the key. Any response will do, whatever its status: the host is
    /// reachable, by TLS if its URL begins with `https`.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
    /// for host in client.hosts() {
    ///     println!("{}: {}", host.url, client.probe(&host).await?.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The host cannot be reached, or does not respond within the [`response_timeout`](crate::ClientBuilder::response_timeout).
    pub async fn probe(&self, host: &Host) -> Result<Probe, Error> {
        let context = self.context();
        let url = Url::parse(&host.url)
            .map_err(|error| Error::new(ErrorKind::Configuration, "invalid URL of a host").caused_by(error))?;
        let response = probe(context, &url).await?;
        let date = response.headers().get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        Ok(Probe { status: response.status(), date })
    }
}

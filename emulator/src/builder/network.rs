use std::sync::Arc;
use std::time::Duration;

use crate::builder::EmulatorBuilder;
use crate::http::server::Port;
use crate::request::received_request::ReceivedRequest;

impl EmulatorBuilder {
    /// Sets the port. Default: 0, which selects a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Serves [`Emulator::base_url`](crate::Emulator::base_url) over TLS: `https://127.0.0.1:PORT`, with a certificate of the emulator's own
    /// [authority](crate::Emulator::certificate_authority). [`Emulator::client`](crate::Emulator::client) trusts it. Default: `http://127.0.0.1:PORT`.
    ///
    /// The port speaks plain HTTP and TLS in either case.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let emulator = fal_emulator::Emulator::builder().tls().start().await?;
    /// assert!(emulator.base_url().starts_with("https://127.0.0.1:"));
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Adds names, without a scheme or port, under which the emulator may be called, such as those of a reverse proxy.
    /// Web pages of these hosts may call it too. Can be called several times.
    ///
    /// Default: only loopback names are served, which are `localhost`, `*.localhost`, `127.0.0.0/8` and `[::1]`. Requests
    /// with another `Host` get a 421 response, and those with another `Origin` a 403 response. They are not recorded. So
    /// a web page cannot call the emulator.
    ///
    /// ```
    /// let builder = fal_emulator::Emulator::builder().allow_hosts(["fal.internal"]);
    /// ```
    pub fn allow_hosts<H: Into<String>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        self.settings.allowed_hosts.extend(hosts.into_iter().map(Into::into));
        self
    }

    /// Lets the emulator, as a proxy, pass connections to other hosts than fal's on. Default: they get a 403 response.
    ///
    /// Storage that others use too, which is S3 and `storage.googleapis.com`, is emulated only where fal has files in it: in the
    /// bucket of an upload policy, and for uploads that fal has initiated.
    ///
    /// ```
    /// let builder = fal_emulator::Emulator::builder().allow_network();
    /// ```
    pub fn allow_network(mut self) -> Self {
        self.settings.allows_network = true;
        self
    }

    /// Adds hosts, without a scheme or port, to which webhooks are delivered. Default: only loopback hosts. Can be called
    /// several times.
    ///
    /// fal does the opposite: it delivers to public hosts only.
    ///
    /// ```
    /// let builder = fal_emulator::Emulator::builder().allow_webhook_hosts(["app.internal"]);
    /// ```
    pub fn allow_webhook_hosts<H: Into<String>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        self.settings.webhook_hosts.extend(hosts.into_iter().map(Into::into));
        self
    }

    /// Sets the time before each response, on the emulator's clock, to see how a program feels over a slow network. It adds to the
    /// times of [`pace`](Self::pace). Default: none.
    ///
    /// Messages of open WebSockets, and events of streams that have begun, are not delayed.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let builder = fal_emulator::Emulator::builder().latency(Duration::from_millis(80));
    /// ```
    pub fn latency(mut self, latency: Duration) -> Self {
        self.settings.latency = latency;
        self
    }

    /// Sets the time without events after which a stream, of outputs or of a status, sends a comment. Default: 15 s, as on fal.
    pub fn keep_alive(mut self, interval: Duration) -> Self {
        self.settings.keep_alive = interval;
        self
    }

    /// Sets the time without an input after which a realtime connection ends, on the emulator's clock: with the error
    /// `TIMEOUT`, and a close frame. Default: none.
    pub fn session_timeout(mut self, time: Duration) -> Self {
        self.settings.session_timeout = Some(time);
        self
    }

    /// Sets the lifetime of CDN tokens. Default: 24 hours.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.token_lifetime = lifetime;
        self
    }

    /// Registers a callback for every recorded request. It runs once the response is decided, before it is sent.
    pub fn on_request(mut self, callback: impl Fn(&ReceivedRequest) + Send + Sync + 'static) -> Self {
        self.settings.on_request = Some(Arc::new(callback));
        self
    }

    pub(super) fn base_url(&self, port: &Port) -> String {
        #[cfg(feature = "tls")]
        if self.tls {
            return format!("https://{}", port.address);
        }
        format!("http://{}", port.address)
    }
}

use std::time::Duration;

use super::proxies::Proxies;
use super::tls;
use crate::error::{Error, ErrorKind};

/// Time limit for establishing a connection. fal's own clients use the same.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum idle time of a pooled connection. It is short because a billable request that is sent just as a gateway closes
/// the connection cannot be retried.
const POOL_IDLE: Duration = Duration::from_secs(20);

/// Creates the default HTTP client. `plain` says that it needs no TLS, as with an emulator.
pub(crate) fn http_client(plain: bool, proxies: &Proxies) -> Result<reqwest::Client, Error> {
    tls::configure(proxies.apply(reqwest::Client::builder()), plain)?
        .redirect(reqwest::redirect::Policy::none())
        // Another crate of the program may turn on these features of reqwest, and with them these defaults.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE)
        .build()
        .map_err(|error| Error::new(ErrorKind::Configuration, "cannot create the HTTP client").caused_by(error))
}

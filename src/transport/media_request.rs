//! The requests of downloads, with their redirects.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::header::{ACCEPT_ENCODING, LOCATION, RANGE, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use url::Url;

use super::body::beginning;
use super::context::Context;
use super::private_hosts::{is_private, names_private_host, resolves_to_private_host};
use super::request::Operation;
use super::send::{AGENT, redirected};
use super::time_limit::within;
use crate::error::{Error, ErrorKind, host_and_port};
use crate::protocol::{RawResponse, content_encoding};
use crate::text::learn_url;

pub(super) const DOWNLOAD: Operation = Operation::Storage("download");

/// Maximum redirects that a download follows.
const MAX_REDIRECTS: u32 = 10;

/// Maximum bytes kept of what a host returns instead of a file.
pub(crate) const MAX_ERROR_BODY: usize = 64 << 10;

/// Requests a file. Redirects are followed because the request carries no secrets. From a public host, they are followed
/// to other public hosts only, unless `private_redirects` is set.
pub(super) async fn get(
    context: &Context,
    first: &Url,
    headers: HeaderMap,
    private_redirects: bool,
) -> Result<reqwest::Response, Error> {
    let idle: Duration = context.timeouts.idle;
    let public_only = !private_redirects && !names_private_host(first);
    let mut url = first.clone();
    let mut first_peer_is_private = false;
    let mut redirects = 0;
    loop {
        learn_url(&url);
        let refused = public_only && redirects > 0 && {
            let resolves = async { Ok(resolves_to_private_host(&url).await) };
            names_private_host(&url) || within(Some(idle), DOWNLOAD.name(), resolves).await?
        };
        if refused {
            return Err(private_redirect(first, &url));
        }
        // With a content encoding, ranges and lengths would not be those of the file.
        let get = context.http.get(url.clone()).header(USER_AGENT, AGENT).header(ACCEPT_ENCODING, "identity");
        let sent = async { get.headers(headers.clone()).send().await.map_err(Error::transport) };
        let response = within(Some(idle), DOWNLOAD.name(), sent).await?;
        // A name may resolve differently from one moment to the next. If the first host already has a private address, it
        // is that of a proxy and says nothing.
        let peer_is_private = response.remote_addr().is_some_and(|peer| is_private(peer.ip()));
        if redirects == 0 {
            first_peer_is_private = peer_is_private;
        }
        // The caller's own HTTP client may follow redirects itself.
        let is_elsewhere = peer_is_private && !first_peer_is_private || names_private_host(response.url());
        if public_only && is_elsewhere {
            return Err(private_redirect(first, response.url()));
        }
        if response.status().is_success() {
            return unencoded(response);
        }
        let target = header(response.headers(), LOCATION.as_str()).and_then(|location| url.join(location).ok());
        let followed = |target: &Url| {
            response.status().is_redirection() && redirects < MAX_REDIRECTS && may_redirect(&url, target)
        };
        match target.filter(followed) {
            Some(target) => url = target,
            None => return Err(error_response(&url, response, idle).await?),
        }
        redirects += 1;
    }
}

/// Returns true if a URL has a file. Requests its first byte only.
pub(crate) async fn is_available(context: &Context, url: &str) -> Result<bool, Error> {
    let invalid = || Error::new(ErrorKind::InvalidInput, "invalid URL of a file: expected an http or https URL");
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(invalid)?;
    let headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_static("bytes=0-0"))]);
    match get(context, &url, headers, false).await {
        Ok(_) => Ok(true),
        Err(error) => match error.status().map(|status| status.as_u16()) {
            // An empty file has no first byte.
            Some(416) => Ok(true),
            Some(401 | 403 | 404 | 410) => {
                context.lost_files.fetch_add(1, Ordering::Relaxed);
                Ok(false)
            }
            _ => Err(error),
        },
    }
}

fn private_redirect(first: &Url, target: &Url) -> Error {
    let message = format!(
        "untrusted redirect from {} to {}, which is not on the public internet: set `allow_private_redirects(true)` if \
         the file is there",
        host_and_port(first),
        host_and_port(target)
    );
    Error::new(ErrorKind::UntrustedUrl, message)
}

/// Returns true if a redirect may be followed: only to http and https, and never from https to http.
fn may_redirect(from: &Url, to: &Url) -> bool {
    to.scheme() == "https" || (to.scheme() == "http" && from.scheme() == "http")
}

/// Rejects a response with a content encoding, which was not requested: its length and ranges are not the file's.
fn unencoded(response: reqwest::Response) -> Result<reqwest::Response, Error> {
    match content_encoding(response.headers()) {
        Some(encoding) => {
            let message = format!("the file's host sent the content encoding {encoding:?}, which was not requested");
            Err(Error::new(ErrorKind::UnexpectedResponse, message))
        }
        None => Ok(response),
    }
}

/// Creates the error of an unsuccessful response, with the beginning of its body.
async fn error_response(url: &Url, mut response: reqwest::Response, idle: Duration) -> Result<Error, Error> {
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    let body = beginning(&mut response, MAX_ERROR_BODY, idle).await?;
    let (host, response) = (url.host_str().unwrap_or("the host"), RawResponse { status, headers, body });
    Ok(if status.is_redirection() { redirected(host, response) } else { Error::service(host, response) })
}

pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_are_followed_to_http_and_never_out_of_tls() {
        let url = |text: &str| Url::parse(text).expect("a URL");
        for (from, to, followed) in [
            ("https://a.b/", "https://c.d/", true),
            ("http://a.b/", "https://a.b/", true),
            ("http://a.b/", "http://c.d/", true),
            ("https://a.b/", "http://a.b/", false),
            ("http://a.b/", "ftp://a.b/", false),
            ("https://a.b/", "file:///etc/passwd", false),
            ("http://a.b/", "data:,x", false),
        ] {
            assert_eq!(may_redirect(&url(from), &url(to)), followed, "{from} {to}");
        }
    }
}

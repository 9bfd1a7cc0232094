//! Downloads: redirects, interrupted transfers that are resumed, and the checks against another version of the file.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, LAST_MODIFIED,
    LOCATION, RANGE, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use url::Url;

use super::attempts::Attempts;
use super::context::Context;
use super::request::Operation;
use super::send::{AGENT, chunk, response_error};
use super::time_limit::within;
use crate::error::{Error, ErrorKind};
use crate::protocol::RawResponse;
use crate::text::learn_url;

/// Maximum redirects that a download follows.
const MAX_REDIRECTS: u32 = 10;

/// Maximum bytes read of an error body. Media hosts are untrusted and could send without end.
const MAX_ERROR_BODY: usize = 64 << 10;

const DOWNLOAD: Operation = Operation::Storage("download");

/// The body of a file that is being downloaded. The key is not sent because files are public or their URLs are signed.
///
/// An interrupted transfer is resumed if the host identifies the file's version by an ETag or a modification date.
#[derive(Debug)]
pub(crate) struct MediaStream {
    context: Arc<Context>,
    url: Url,
    response: reqwest::Response,
    content_type: Option<String>,
    length: Option<u64>,
    /// The header that identifies the version of the file.
    version: Option<(HeaderName, HeaderValue)>,
    received: u64,
    /// Bytes to skip, after a host restarted the transfer from byte 0.
    skip: u64,
    /// Interruptions since the last received byte.
    interruptions: u32,
}

impl MediaStream {
    pub(crate) async fn open(context: &Arc<Context>, url: Url) -> Result<Self, Error> {
        let mut attempts = Attempts::keyless(context, DOWNLOAD, &url);
        let response = loop {
            match get(context, url.clone(), HeaderMap::new()).await {
                Ok(response) => break attempts.succeeded(response),
                Err(error) => attempts.failed(error).await?,
            }
        };
        if !is_whole(response.status()) {
            let message = format!("the file's host returned {}, which is not a whole file", response.status());
            return Err(Error::new(ErrorKind::UnexpectedResponse, message));
        }
        let headers = response.headers();
        let content_type = header(headers, CONTENT_TYPE.as_str()).map(str::to_owned);
        let (length, version) = (length(headers), version(headers));
        let context = Arc::clone(context);
        Ok(MediaStream {
            context,
            url,
            response,
            content_type,
            length,
            version,
            received: 0,
            skip: 0,
            interruptions: 0,
        })
    }

    /// Returns the size of the whole file in bytes, if the host declares it.
    pub(crate) fn length(&self) -> Option<u64> {
        self.length
    }

    pub(crate) fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// Returns the next chunk, or `None` after the last.
    ///
    /// # Errors
    ///
    /// The transfer cannot be resumed, or the file does not have its declared size.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match self.chunk().await {
                Ok(Some(mut chunk)) => {
                    let skipped = self.skip.min(chunk.len() as u64);
                    self.skip -= skipped;
                    let chunk = chunk.split_off(skipped as usize);
                    self.received += chunk.len() as u64;
                    if let Some(length) = self.length.filter(|length| self.received > *length) {
                        let message = format!("the file is longer than the {length} bytes that its host declared");
                        return Err(Error::new(ErrorKind::UnexpectedResponse, message));
                    }
                    if !chunk.is_empty() {
                        self.interruptions = 0;
                        return Ok(Some(chunk));
                    }
                }
                Ok(None) => return Ok(None),
                Err(error) => self.resume(error).await?,
            }
        }
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let chunk = chunk(&mut self.response, self.context.timeouts.idle).await?;
        match self.length {
            Some(length) if chunk.is_none() && length != self.received => {
                let message = format!("the file ended after {} of {length} bytes", self.received);
                Err(Error::new(ErrorKind::Transport, message))
            }
            _ => Ok(chunk),
        }
    }

    /// Requests the rest of the file after an interruption, or returns the error.
    async fn resume(&mut self, mut error: Error) -> Result<(), Error> {
        loop {
            let mut headers = HeaderMap::new();
            match &self.version {
                Some((_, version)) => {
                    headers.insert(RANGE, range(self.received));
                    headers.insert(IF_RANGE, version.clone());
                }
                // The caller has received nothing yet, so that any version will do.
                None if self.received == 0 => {}
                None => return Err(error),
            }
            self.interruptions += 1;
            let delay = self.context.retry.delay_before_retry(DOWNLOAD, self.interruptions, &error);
            let Some(delay) = delay else { return Err(error) };
            tracing::debug!(kind = ?error.kind(), received = self.received, "download interrupted; resuming");
            tokio::time::sleep(delay).await;
            match get(&self.context, self.url.clone(), headers).await {
                Ok(response) => return self.resume_with(response),
                Err(failed) => error = failed,
            }
        }
    }

    /// Continues with the response to a request for the rest of the file.
    fn resume_with(&mut self, response: reqwest::Response) -> Result<(), Error> {
        let unexpected = |message: String| Err(Error::new(ErrorKind::UnexpectedResponse, message));
        let headers = response.headers();
        // Some hosts support ranges but ignore `If-Range`.
        let versions = self.version.as_ref().map(|(name, expected)| (headers.get(name), expected));
        let has_changed = versions.is_some_and(|(actual, expected)| actual.is_some_and(|actual| actual != expected));
        let is_unchanged = versions.is_some_and(|(actual, expected)| actual == Some(expected));
        if has_changed && self.received > 0 {
            return unexpected("the file changed on its host during the download".to_owned());
        }
        if response.status() == StatusCode::PARTIAL_CONTENT {
            let range = header(headers, CONTENT_RANGE.as_str()).and_then(content_range);
            let matching = range.filter(|(start, length)| {
                *start == self.received && (length.is_none() || self.length.is_none() || *length == self.length)
            });
            let Some((_, length)) = matching else {
                return unexpected(format!("the file's host did not resume at byte {} as requested", self.received));
            };
            // The length of a partial response may be less than the rest of the file.
            self.length = self.length.or(length);
            self.skip = 0;
        } else if is_whole(response.status()) && (self.received == 0 || is_unchanged) {
            // The host restarts from byte 0.
            (self.length, self.version) = (length(headers), version(headers));
            self.skip = self.received;
        } else {
            return unexpected(format!(
                "cannot resume the download at byte {}: the file's host returned {}, possibly with another version",
                self.received,
                response.status()
            ));
        }
        self.response = response;
        Ok(())
    }
}

/// Requests a file. Redirects are followed because the request carries no secrets.
async fn get(context: &Context, mut url: Url, headers: HeaderMap) -> Result<reqwest::Response, Error> {
    let idle: Duration = context.timeouts.idle;
    let mut redirects = 0;
    loop {
        learn_url(&url);
        // With a content encoding, ranges and lengths would not be those of the file.
        let get = context.http.get(url.clone()).header(USER_AGENT, AGENT).header(ACCEPT_ENCODING, "identity");
        let sent = async { get.headers(headers.clone()).send().await.map_err(Error::transport) };
        let response = within(Some(idle), DOWNLOAD.name(), sent).await?;
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

/// Returns true if a redirect may be followed: only to http and https, and never from https to http.
fn may_redirect(from: &Url, to: &Url) -> bool {
    to.scheme() == "https" || (to.scheme() == "http" && from.scheme() == "http")
}

/// Rejects a response with a content encoding, which was not requested: its length and ranges are not the file's.
fn unencoded(response: reqwest::Response) -> Result<reqwest::Response, Error> {
    match response.headers().get(CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => {
            let message = format!("the file's host sent the content encoding {encoding:?}, which was not requested");
            Err(Error::new(ErrorKind::UnexpectedResponse, message))
        }
        _ => Ok(response),
    }
}

/// Creates the error of an unsuccessful response, with the beginning of its body.
async fn error_response(url: &Url, mut response: reqwest::Response, idle: Duration) -> Result<Error, Error> {
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    let mut body = BytesMut::new();
    while body.len() < MAX_ERROR_BODY
        && let Some(chunk) = chunk(&mut response, idle).await?
    {
        body.extend_from_slice(&chunk);
    }
    body.truncate(MAX_ERROR_BODY);
    Ok(response_error(url.host_str().unwrap_or("the host"), RawResponse { status, headers, body: body.freeze() }))
}

/// Returns true if a response with this status has a whole file. 206 has a part of it, and 204 is not an empty file.
fn is_whole(status: StatusCode) -> bool {
    matches!(status, StatusCode::OK | StatusCode::NON_AUTHORITATIVE_INFORMATION)
}

fn length(headers: &HeaderMap) -> Option<u64> {
    header(headers, CONTENT_LENGTH.as_str())?.parse().ok()
}

/// Returns the header that identifies the version of a file: a strong ETag, or else the modification date.
fn version(headers: &HeaderMap) -> Option<(HeaderName, HeaderValue)> {
    let strong = headers.get(ETAG).filter(|etag| !etag.as_bytes().starts_with(b"W/"));
    let dated = || Some((LAST_MODIFIED, headers.get(LAST_MODIFIED)?.clone()));
    strong.map(|etag| (ETAG, etag.clone())).or_else(dated)
}

/// The `Range` header for everything from a byte on. The fallback is unreachable: digits are valid in any header.
fn range(from: u64) -> HeaderValue {
    HeaderValue::try_from(format!("bytes={from}-")).unwrap_or(HeaderValue::from_static("bytes=0-"))
}

/// Parses the start and the total length from `bytes 7-18/19`. The length may be `*`.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, length) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, length.trim().parse().ok()))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
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

    #[test]
    fn content_range_has_start_and_total_length() {
        for (text, range) in [
            ("bytes 7-18/19", Some((7, Some(19)))),
            ("bytes 0-0/*", Some((0, None))),
            ("bytes */19", None),
            ("bytes -5/19", None),
            ("items 7-18/19", None),
            ("bytes=7-18/19", None),
            ("bytes 7-18", None),
            ("", None),
        ] {
            assert_eq!(content_range(text), range, "{text}");
        }
    }
}

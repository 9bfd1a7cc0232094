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
use super::send::{AGENT, chunk, refusal};
use super::time_limit::within;
use crate::error::{Error, ErrorKind};
use crate::protocol::RawResponse;

/// How many redirects of a file's host are followed.
const MAX_REDIRECTS: u32 = 10;

/// How much of the body of an error is read: anybody may run such a host, and it could go on for ever.
const MAX_ERROR_BODY: usize = 64 << 10;

const DOWNLOAD: Operation = Operation::Storage("the download");

/// The body of a file that is being downloaded. Files are public, or their URLs are signed: the key is not sent.
///
/// Where the transfer breaks, it goes on where it broke, if the host says by an ETag or a date which version it sends.
#[derive(Debug)]
pub(crate) struct MediaStream {
    context: Arc<Context>,
    url: Url,
    response: reqwest::Response,
    content_type: Option<String>,
    length: Option<u64>,
    /// What the host calls the version of the file, and the header that says so.
    version: Option<(HeaderName, HeaderValue)>,
    received: u64,
    /// How many bytes are to be passed over, of a host that began anew.
    skip: u64,
    /// How often the transfer broke since something came.
    broken: u32,
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
            let message = format!("the host of the file answered {}, which is no whole file", response.status());
            return Err(Error::new(ErrorKind::UnexpectedResponse, message));
        }
        let headers = response.headers();
        let content_type = header(headers, CONTENT_TYPE.as_str()).map(str::to_owned);
        let (length, version) = (length(headers), version(headers));
        let context = Arc::clone(context);
        Ok(MediaStream { context, url, response, content_type, length, version, received: 0, skip: 0, broken: 0 })
    }

    /// How many bytes the whole file has, as far as the host says so.
    pub(crate) fn length(&self) -> Option<u64> {
        self.length
    }

    pub(crate) fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// The next piece; `None` after the last, if as much came as was announced.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match self.piece().await {
                Ok(Some(mut piece)) => {
                    let passed_over = self.skip.min(piece.len() as u64);
                    self.skip -= passed_over;
                    let piece = piece.split_off(passed_over as usize);
                    self.received += piece.len() as u64;
                    if let Some(length) = self.length.filter(|length| self.received > *length) {
                        let message = format!("the file has more than the {length} bytes that its host announced");
                        return Err(Error::new(ErrorKind::UnexpectedResponse, message));
                    }
                    if !piece.is_empty() {
                        self.broken = 0;
                        return Ok(Some(piece));
                    }
                }
                Ok(None) => return Ok(None),
                Err(error) => self.resume(error).await?,
            }
        }
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, Error> {
        let piece = chunk(&mut self.response, self.context.timeouts.idle).await?;
        match self.length {
            Some(length) if piece.is_none() && length != self.received => {
                let message = format!("the file ends after {} of {length} bytes", self.received);
                Err(Error::new(ErrorKind::Transport, message))
            }
            _ => Ok(piece),
        }
    }

    /// Asks for the rest of the file after the transfer broke, or gives the error back.
    async fn resume(&mut self, mut error: Error) -> Result<(), Error> {
        loop {
            let mut headers = HeaderMap::new();
            match &self.version {
                Some((_, version)) => {
                    headers.insert(RANGE, range(self.received));
                    headers.insert(IF_RANGE, version.clone());
                }
                // Nobody has had anything of it yet.
                None if self.received == 0 => {}
                None => return Err(error),
            }
            self.broken += 1;
            let pause = self.context.retry.delay_before_retry(DOWNLOAD, self.broken, &error);
            let Some(pause) = pause else { return Err(error) };
            tracing::debug!(kind = ?error.kind(), received = self.received, "the download broke, it is resumed");
            tokio::time::sleep(pause).await;
            match get(&self.context, self.url.clone(), headers).await {
                Ok(response) => return self.go_on_with(response),
                Err(failed) => error = failed,
            }
        }
    }

    /// Takes the answer to a question for the rest of the file.
    fn go_on_with(&mut self, response: reqwest::Response) -> Result<(), Error> {
        let unexpected = |message: String| Err(Error::new(ErrorKind::UnexpectedResponse, message));
        let headers = response.headers();
        // Not every host that knows ranges heeds the condition.
        let versions = self.version.as_ref().map(|(name, expected)| (headers.get(name), expected));
        let is_another = versions.is_some_and(|(actual, expected)| actual.is_some_and(|actual| actual != expected));
        let is_the_same = versions.is_some_and(|(actual, expected)| actual == Some(expected));
        if is_another && self.received > 0 {
            return unexpected("the file was changed on its host while it was downloaded".to_owned());
        }
        if response.status() == StatusCode::PARTIAL_CONTENT {
            let range = header(headers, CONTENT_RANGE.as_str()).and_then(content_range);
            let fits = range.filter(|(start, length)| {
                *start == self.received && (length.is_none() || self.length.is_none() || *length == self.length)
            });
            let Some((_, length)) = fits else {
                return unexpected(format!(
                    "the host of the file was asked to go on at byte {} and did not",
                    self.received
                ));
            };
            // It may be more than the host gives at once.
            self.length = self.length.or(length);
            self.skip = 0;
        } else if is_whole(response.status()) && (self.received == 0 || is_the_same) {
            // The host begins anew.
            (self.length, self.version) = (length(headers), version(headers));
            self.skip = self.received;
        } else {
            return unexpected(format!(
                "the host of the file was asked to go on at byte {} and answered {} with what may be another file",
                self.received,
                response.status()
            ));
        }
        self.response = response;
        Ok(())
    }
}

/// Asks for a file. Redirects are followed, for nothing goes along that must not.
async fn get(context: &Context, mut url: Url, headers: HeaderMap) -> Result<reqwest::Response, Error> {
    let idle: Duration = context.timeouts.idle;
    let mut redirects = 0;
    loop {
        // Ranges and lengths are those of the file itself.
        let get = context.http.get(url.clone()).header(USER_AGENT, AGENT).header(ACCEPT_ENCODING, "identity");
        let sent = async { get.headers(headers.clone()).send().await.map_err(Error::transport) };
        let response = within(Some(idle), "the file's host", sent).await?;
        if response.status().is_success() {
            return unencoded(response);
        }
        let target = header(response.headers(), LOCATION.as_str()).and_then(|location| url.join(location).ok());
        let followed =
            |target: &Url| response.status().is_redirection() && redirects < MAX_REDIRECTS && leads(&url, target);
        match target.filter(followed) {
            Some(target) => url = target,
            None => return Err(refused(&url, response, idle).await?),
        }
        redirects += 1;
    }
}

/// Whether a redirect is followed: to the web only, and not from where nobody listens to where everybody can.
fn leads(from: &Url, to: &Url) -> bool {
    to.scheme() == "https" || (to.scheme() == "http" && from.scheme() == "http")
}

/// The answer, if what comes is the file itself. It was not to be compressed; what is all the same is another file, of
/// another length.
fn unencoded(response: reqwest::Response) -> Result<reqwest::Response, Error> {
    match response.headers().get(CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => {
            let message = format!("the host of the file sends it encoded as {encoding:?}, though it was asked not to");
            Err(Error::new(ErrorKind::UnexpectedResponse, message))
        }
        _ => Ok(response),
    }
}

/// The error of an answer that is no success, with the beginning of its body.
async fn refused(url: &Url, mut response: reqwest::Response, idle: Duration) -> Result<Error, Error> {
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    let mut body = BytesMut::new();
    while body.len() < MAX_ERROR_BODY
        && let Some(piece) = chunk(&mut response, idle).await?
    {
        body.extend_from_slice(&piece);
    }
    body.truncate(MAX_ERROR_BODY);
    Ok(refusal(url.host_str().unwrap_or("the host"), RawResponse { status, headers, body: body.freeze() }))
}

/// Whether an answer of this status has a whole file. A part of it is none, and what has no content is no empty file.
fn is_whole(status: StatusCode) -> bool {
    matches!(status, StatusCode::OK | StatusCode::NON_AUTHORITATIVE_INFORMATION)
}

fn length(headers: &HeaderMap) -> Option<u64> {
    header(headers, CONTENT_LENGTH.as_str())?.parse().ok()
}

/// What names the version of a file for sure: an ETag that is not weak, or the time of its last change.
fn version(headers: &HeaderMap) -> Option<(HeaderName, HeaderValue)> {
    let strong = headers.get(ETAG).filter(|etag| !etag.as_bytes().starts_with(b"W/"));
    let dated = || Some((LAST_MODIFIED, headers.get(LAST_MODIFIED)?.clone()));
    strong.map(|etag| (ETAG, etag.clone())).or_else(dated)
}

/// The wish for everything from a byte on. Digits are good in any header.
fn range(from: u64) -> HeaderValue {
    HeaderValue::try_from(format!("bytes={from}-")).unwrap_or(HeaderValue::from_static("bytes=0-"))
}

/// Start and whole length of `bytes 7-18/19`; the length may be `*`.
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
    fn redirects_are_followed_on_the_web_and_not_out_of_tls() {
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
            assert_eq!(leads(&url(from), &url(to)), followed, "{from} {to}");
        }
    }

    #[test]
    fn a_content_range_says_where_it_is() {
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

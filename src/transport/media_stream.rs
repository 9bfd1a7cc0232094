//! Downloads: interrupted transfers that are resumed, and the checks against another version of the file.
//!
//! The first response decides about the file: its version, and its length if it announces one. A transfer is resumed only
//! as the rest of that file, and only a file of that length is complete.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, IF_RANGE, LAST_MODIFIED, RANGE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::time::Instant;
use url::Url;

use super::attempts::Attempts;
use super::body::chunk;
use super::context::Context;
use super::media_request::{DOWNLOAD, get, header};
use super::retry::RetryPolicy;
use crate::error::{Error, ErrorKind};

/// The time for which a missing file is requested again, and the number of requests. It may have been created just now.
const MISSING_PATIENCE: Duration = Duration::from_secs(4);
const MAX_MISSING: u32 = 3;

/// Maximum delay between requests for a file that is being uploaded.
const MAX_UPLOAD_DELAY: Duration = Duration::from_secs(5);

/// The body of a file that is being downloaded. The key is not sent because files are public or their URLs are signed.
///
/// An interrupted transfer is resumed if the host identifies the file's version by an ETag or a modification date.
#[derive(Debug)]
pub(crate) struct MediaStream {
    context: Arc<Context>,
    url: Url,
    /// True if redirects from a public host to a private one are followed.
    private_redirects: bool,
    response: reqwest::Response,
    content_type: Option<String>,
    /// The length that the first response announced. Once a transfer was resumed, it is known.
    length: Option<u64>,
    /// The header that identifies the version of the file.
    version: Option<(HeaderName, HeaderValue)>,
    modified: Option<HeaderValue>,
    received: u64,
    /// Bytes to skip, after a host restarted the transfer from byte 0.
    skip: u64,
    /// Interruptions since the last received byte.
    interruptions: u32,
}

impl MediaStream {
    /// Opens a file. A missing one is requested again for `upload`, if its upload may not be finished.
    pub(crate) async fn open(
        context: &Arc<Context>,
        url: Url,
        private_redirects: bool,
        upload: Duration,
    ) -> Result<Self, Error> {
        let mut missing = Missing::new(upload);
        let mut attempts = Attempts::keyless(context, DOWNLOAD, &url);
        let response = loop {
            match get(context, &url, HeaderMap::new(), private_redirects).await {
                Ok(response) => break attempts.succeeded(response),
                Err(error) => match missing.delay(&context.retry, &error) {
                    Some(delay) => {
                        attempts.record(&error);
                        tokio::time::sleep(delay).await;
                    }
                    None => attempts.failed(missing.explain(error)).await?,
                },
            }
        };
        if !is_whole(response.status()) {
            let message = format!("the file's host returned {}, which is not a whole file", response.status());
            return Err(Error::new(ErrorKind::UnexpectedResponse, message));
        }
        let mut stream = MediaStream {
            context: Arc::clone(context),
            url,
            private_redirects,
            response,
            content_type: None,
            length: None,
            version: None,
            modified: None,
            received: 0,
            skip: 0,
            interruptions: 0,
        };
        stream.begin();
        Ok(stream)
    }

    /// Takes the description of the file from a response that begins with its first byte.
    fn begin(&mut self) {
        let headers = self.response.headers();
        self.content_type = header(headers, CONTENT_TYPE.as_str()).map(str::to_owned);
        self.length = length(headers);
        self.version = version(headers);
        self.modified = headers.get(LAST_MODIFIED).cloned();
    }

    /// Returns the status and the headers of the response.
    pub(crate) fn head(&self) -> (StatusCode, HeaderMap) {
        (self.response.status(), self.response.headers().clone())
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
                // The caller has received nothing yet, so that any version will do.
                _ if self.received == 0 => {}
                Some((_, version)) => {
                    headers.insert(RANGE, range(self.received));
                    headers.insert(IF_RANGE, version.clone());
                }
                None => return Err(error),
            }
            self.interruptions += 1;
            let delay = self.context.retry.delay_before_retry(DOWNLOAD, self.interruptions, &error);
            let Some(delay) = delay else { return Err(error) };
            tracing::debug!(kind = ?error.kind(), received = self.received, "download interrupted; resuming");
            tokio::time::sleep(delay).await;
            match get(&self.context, &self.url, headers, self.private_redirects).await {
                Ok(response) => return self.resume_with(response),
                Err(failed) => error = failed,
            }
        }
    }

    /// Continues with the response to a request for the rest of the file.
    fn resume_with(&mut self, response: reqwest::Response) -> Result<(), Error> {
        let (status, headers) = (response.status(), response.headers());
        if self.received == 0 {
            if !is_whole(status) {
                return Err(self.not_the_rest(&format!("the host returned {status}")));
            }
            self.response = response;
            self.begin();
            return Ok(());
        }
        // Some hosts support ranges but ignore `If-Range`.
        let found = self.version.as_ref().and_then(|(name, expected)| Some(headers.get(name)? == expected));
        let is_modified =
            || headers.get(LAST_MODIFIED).zip(self.modified.as_ref()).is_some_and(|(now, then)| now != then);
        if !found.unwrap_or_else(|| !is_modified()) {
            return Err(self.not_the_rest("the file changed on its host"));
        }
        let (skip, length) = if status == StatusCode::PARTIAL_CONTENT {
            match header(headers, CONTENT_RANGE.as_str()).and_then(content_range) {
                Some((start, length)) if start == self.received => (0, length),
                _ => return Err(self.not_the_rest("the host did not resume there as requested")),
            }
        } else if is_whole(status) && found == Some(true) {
            // The host restarts from byte 0.
            (self.received, length(headers))
        } else {
            return Err(self.not_the_rest(&format!("the host returned {status}, possibly with another version")));
        };
        // Without a length, a part of the file could not be told from the whole of it.
        let Some(whole) = self.length.or(length) else {
            return Err(self.not_the_rest("the host does not say how long the file is"));
        };
        if length.is_some_and(|length| length != whole) || whole < self.received {
            return Err(self.not_the_rest("the file's length changed on its host"));
        }
        (self.length, self.skip) = (Some(whole), skip);
        self.response = response;
        Ok(())
    }

    fn not_the_rest(&self, why: &str) -> Error {
        let message = format!("cannot resume the download at byte {}: {why}", self.received);
        Error::new(ErrorKind::UnexpectedResponse, message)
    }
}

/// Decides how long a missing file is waited for.
struct Missing {
    /// The time for which the upload of the file is waited for. Zero if it is not being uploaded.
    upload: Duration,
    opened: Instant,
    /// The number of responses without the file.
    count: u32,
}

impl Missing {
    fn new(upload: Duration) -> Self {
        Missing { upload, opened: Instant::now(), count: 0 }
    }

    /// Returns the delay before a missing file is requested again. `None` if it is not waited for any more.
    fn delay(&mut self, retry: &RetryPolicy, error: &Error) -> Option<Duration> {
        if !self.is_missing(error) {
            return None;
        }
        let (delay, waited) = (retry.backoff(self.count + 1), self.opened.elapsed());
        self.count += 1;
        match self.upload.checked_sub(waited).filter(|left| !left.is_zero()) {
            Some(left) => Some(delay.min(MAX_UPLOAD_DELAY).min(left)),
            None if self.upload.is_zero() => {
                let patience = MISSING_PATIENCE.min(retry.patience);
                (self.count <= MAX_MISSING && waited + delay <= patience).then_some(delay)
            }
            None => None,
        }
    }

    /// Returns true if a response may be about a file that is not uploaded yet. S3 conceals from those who may not list a
    /// bucket that a file is missing.
    fn is_missing(&self, error: &Error) -> bool {
        match error.status() {
            Some(StatusCode::NOT_FOUND) => true,
            Some(StatusCode::FORBIDDEN) => !self.upload.is_zero(),
            _ => false,
        }
    }

    fn explain(&self, error: Error) -> Error {
        match self.is_missing(&error) && !self.upload.is_zero() {
            true => error.with_note(&format!(
                "the file is not in the bucket after {:?}: its upload takes longer or has failed, or it is not public",
                self.upload
            )),
            false => error,
        }
    }
}

/// Returns true if a response with this status has a whole file. 206 has a part of it, and 204 is not an empty file.
fn is_whole(status: StatusCode) -> bool {
    matches!(status, StatusCode::OK | StatusCode::NON_AUTHORITATIVE_INFORMATION)
}

fn length(headers: &HeaderMap) -> Option<u64> {
    header(headers, CONTENT_LENGTH.as_str())?.parse().ok()
}

/// Returns the header that identifies the version of a file: a strong ETag, or else the modification date. A date has
/// whole seconds, so that it identifies nothing within its second, and it is not trusted without a length.
fn version(headers: &HeaderMap) -> Option<(HeaderName, HeaderValue)> {
    let strong = headers.get(ETAG).filter(|etag| !etag.as_bytes().starts_with(b"W/"));
    let date = |name: &HeaderName| httpdate::parse_http_date(header(headers, name.as_str())?).ok();
    let dated = || {
        let modified: SystemTime = date(&LAST_MODIFIED)?;
        let is_past = date(&DATE).is_none_or(|now| now > modified);
        (is_past && length(headers).is_some()).then_some((LAST_MODIFIED, headers.get(LAST_MODIFIED)?.clone()))
    };
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

#[cfg(test)]
mod tests {
    use super::*;

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

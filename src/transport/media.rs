use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, LAST_MODIFIED, LOCATION, RANGE,
    USER_AGENT,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use url::Url;

use super::Operation;
use super::send::{AGENT, chunk, refusal, whole_body, within};
use super::tries::Tries;
use crate::{Client, Error, ErrorKind};

/// How many redirects of a file's host are followed.
const REDIRECTS: u32 = 10;

const DOWNLOAD: Operation = Operation::Storage("the download");

/// The body of a file that is being downloaded. Files are public, or their URLs are signed: the key is not sent.
///
/// Where the transfer breaks, it goes on where it broke, if the host says by an ETag or a date which version it sends.
#[derive(Debug)]
pub(crate) struct MediaStream {
    client: Client,
    url: Url,
    response: reqwest::Response,
    content_type: Option<String>,
    length: Option<u64>,
    /// What the host calls the version of the file.
    version: Option<HeaderValue>,
    received: u64,
    /// How many bytes are to be passed over, of a host that began anew.
    skip: u64,
    /// How often the transfer broke since something came.
    broken: u32,
}

impl MediaStream {
    pub(crate) async fn open(client: &Client, url: Url) -> Result<Self, Error> {
        let shared = client.shared();
        let mut tries = Tries::keyless(shared, DOWNLOAD, &url);
        let response = loop {
            match get(client, url.clone(), HeaderMap::new()).await {
                Ok(response) => break tries.got_through(response),
                Err(error) => tries.failed(error).await?,
            }
        };
        let headers = response.headers();
        let content_type = text(headers, CONTENT_TYPE.as_str()).map(str::to_owned);
        let (length, version) = (length(headers), version(headers).cloned());
        let client = client.clone();
        Ok(MediaStream { client, url, response, content_type, length, version, received: 0, skip: 0, broken: 0 })
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
        let piece = chunk(&mut self.response, self.client.shared().timeouts.idle).await?;
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
                Some(version) => {
                    headers.insert(RANGE, range(self.received));
                    headers.insert(IF_RANGE, version.clone());
                }
                // Nobody has had anything of it yet.
                None if self.received == 0 => {}
                None => return Err(error),
            }
            self.broken += 1;
            let pause = self.client.shared().retry.pause(DOWNLOAD, self.broken, &error);
            let Some(pause) = pause else { return Err(error) };
            tracing::debug!(kind = ?error.kind(), received = self.received, "the download broke, it is resumed");
            tokio::time::sleep(pause).await;
            match get(&self.client, self.url.clone(), headers).await {
                Ok(response) => return self.go_on_with(response),
                Err(failed) => error = failed,
            }
        }
    }

    /// Takes the answer to a question for the rest of the file.
    fn go_on_with(&mut self, response: reqwest::Response) -> Result<(), Error> {
        let headers = response.headers();
        if response.status() == StatusCode::PARTIAL_CONTENT {
            let range = text(headers, CONTENT_RANGE.as_str()).and_then(content_range);
            let fits = range.is_some_and(|(start, length)| {
                start == self.received && (length.is_none() || self.length.is_none() || length == self.length)
            });
            if !fits {
                let message = format!("the host of the file was asked to go on at byte {} and did not", self.received);
                return Err(Error::new(ErrorKind::UnexpectedResponse, message));
            }
            self.skip = 0;
        } else if self.received == 0 || version(headers) == self.version.as_ref() {
            // The host begins anew.
            (self.length, self.version) = (length(headers), version(headers).cloned());
            self.skip = self.received;
        } else {
            let message = "the file was changed on its host while it was downloaded";
            return Err(Error::new(ErrorKind::UnexpectedResponse, message));
        }
        self.response = response;
        Ok(())
    }
}

/// Asks for a file. Redirects are followed, for nothing goes along that must not.
async fn get(client: &Client, mut url: Url, headers: HeaderMap) -> Result<reqwest::Response, Error> {
    let shared = client.shared();
    let idle: Duration = shared.timeouts.idle;
    let mut redirects = 0;
    loop {
        // Ranges and lengths are those of the file itself.
        let get = shared.http.get(url.clone()).header(USER_AGENT, AGENT).header(ACCEPT_ENCODING, "identity");
        let answer = async { get.headers(headers.clone()).send().await.map_err(Error::transport) };
        let response = within(Some(idle), "the file's host", answer).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let target = text(response.headers(), LOCATION.as_str()).and_then(|location| url.join(location).ok());
        match target.filter(|_| response.status().is_redirection() && redirects < REDIRECTS) {
            Some(target) => url = target,
            None => return Err(refusal(whole_body(response, idle).await?)),
        }
        redirects += 1;
    }
}

fn length(headers: &HeaderMap) -> Option<u64> {
    text(headers, CONTENT_LENGTH.as_str())?.parse().ok()
}

/// What names the version of a file for sure: an ETag that is not weak, or the time of its last change.
fn version(headers: &HeaderMap) -> Option<&HeaderValue> {
    let strong = headers.get(ETAG).filter(|etag| !etag.as_bytes().starts_with(b"W/"));
    strong.or_else(|| headers.get(LAST_MODIFIED))
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

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, LOCATION, USER_AGENT};
use url::Url;

use super::send::{AGENT, chunk, refusal, whole_body, within};
use crate::client::Shared;
use crate::{Error, ErrorKind};

/// How many redirects of a file's host are followed.
const REDIRECTS: u32 = 10;

/// The body of a file that is being downloaded. Files are public, or their URLs are signed: the key is not sent.
#[derive(Debug)]
pub(crate) struct MediaStream {
    response: reqwest::Response,
    idle: std::time::Duration,
    announced: Option<u64>,
    received: u64,
}

impl MediaStream {
    /// Follows redirects, for nothing goes along that must not.
    pub(crate) async fn open(shared: &Shared, mut url: Url) -> Result<Self, Error> {
        let idle = shared.timeouts.idle;
        let mut redirects = 0;
        let response = loop {
            let get = shared.http.get(url.clone()).header(USER_AGENT, AGENT);
            let answer = async { get.send().await.map_err(Error::transport) };
            let response = within(Some(idle), "the file's host", answer).await?;
            if response.status().is_success() {
                break response;
            }
            let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
            let target = location.and_then(|location| url.join(location).ok());
            match target.filter(|_| response.status().is_redirection() && redirects < REDIRECTS) {
                Some(target) => url = target,
                None => return Err(refusal(whole_body(response, idle).await?)),
            }
            redirects += 1;
        };
        let announced = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        Ok(MediaStream { response, idle, announced, received: 0 })
    }

    /// The next piece; `None` after the last, if as much came as was announced.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let next = chunk(&mut self.response, self.idle).await?;
        self.received += next.as_ref().map_or(0, |chunk| chunk.len() as u64);
        match self.announced {
            Some(announced) if next.is_none() && announced != self.received => {
                let message = format!("the file ends after {} of {announced} bytes", self.received);
                Err(Error::new(ErrorKind::Transport, message))
            }
            _ => Ok(next),
        }
    }
}

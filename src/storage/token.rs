//! The CDN's upload tokens: fetching, caching and replacing them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderValue, Method};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use url::Url;

use crate::error::{Error, ErrorKind};
use crate::protocol::{RawResponse, unix_seconds};
use crate::text::learn;
use crate::transport::{Context, Operation, Request, join, send};

/// Lifetime of a token that does not declare when it expires.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(60);

/// Maximum time before its expiry at which a token is replaced. A tenth of its lifetime if that is less.
const MAX_MARGIN: Duration = Duration::from_secs(300);

/// Time after which a caller no longer waits for the fetch of another.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// The upload token of a client, kept until shortly before it expires. Concurrent callers share one token fetch,
/// including its error.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<Option<Fetched>>);

/// The result of the last token fetch.
#[derive(Debug)]
struct Fetched {
    /// The key that the token was fetched with. A provider may return another key next time.
    key: Option<HeaderValue>,
    at: Instant,
    token: Result<Token, Error>,
}

/// An upload token of the CDN. It replaces the key, which is not sent to the CDN.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// The value of the `Authorization` header.
    pub(super) authorization: HeaderValue,
    /// The CDN that accepts the token.
    pub(super) cdn: Url,
    fresh_until: Instant,
}

#[derive(Deserialize)]
struct Grant {
    token: String,
    token_type: String,
    base_url: Option<String>,
    expires_at: Option<String>,
}

impl Tokens {
    /// Returns a fresh token.
    pub(super) async fn get(&self, context: &Context) -> Result<Token, Error> {
        let (key, called_at) = (context.credentials.authorization().await?, Instant::now());
        // Its future may not be polled.
        let Ok(mut kept) = timeout(MAX_WAIT, self.0.lock()).await else { return Token::fetch(context).await };
        match kept.as_ref().filter(|fetched| fetched.key == key) {
            Some(Fetched { token: Ok(token), .. }) if token.fresh_until > Instant::now() => return Ok(token.clone()),
            Some(Fetched { token: Err(error), at, .. }) if called_at < *at => return Err(error.clone()),
            _ => {}
        }
        let token = Token::fetch(context).await;
        *kept = Some(Fetched { key, at: Instant::now(), token: token.clone() });
        token
    }

    /// Discards a token that the CDN rejected.
    pub(super) async fn forget(&self, rejected: &Token) {
        let is_rejected = |token: &Token| token.authorization == rejected.authorization;
        let Ok(mut kept) = timeout(MAX_WAIT, self.0.lock()).await else { return };
        if kept.as_ref().is_some_and(|fetched| fetched.token.as_ref().is_ok_and(is_rejected)) {
            *kept = None;
        }
    }
}

impl Token {
    async fn fetch(context: &Context) -> Result<Self, Error> {
        let url = join(&context.hosts.rest, "storage/auth/token");
        let mut request = Request::new(Operation::Storage("upload token"), Method::POST, url);
        request.url.set_query(Some("storage_type=fal-cdn-v3"));
        request.body = Some("{}".into());
        Token::parse(context, send(context, &request).await?)
    }

    fn parse(context: &Context, response: RawResponse) -> Result<Self, Error> {
        let grant: Grant = match serde_json::from_slice(&response.body) {
            Ok(grant) => grant,
            // The parser's message may quote the token.
            Err(_) => return Err(Error::unexpected("fal returned no upload token", response)),
        };
        let authorization = HeaderValue::from_str(&format!("{} {}", grant.token_type, grant.token));
        let Ok(mut authorization) = authorization else {
            return Err(Error::unexpected("fal returned an invalid upload token", response));
        };
        authorization.set_sensitive(true);
        learn(&grant.token);
        let cdn = match &context.hosts.cdn {
            Some(cdn) => cdn.clone(),
            None => cdn_of(context, grant.base_url.as_deref())?,
        };
        let lifetime = grant.expires_at.as_deref().and_then(|end| lifetime(end, &response));
        let fresh_until = Instant::now() + fresh_for(lifetime.unwrap_or(DEFAULT_LIFETIME));
        Ok(Token { authorization, cdn, fresh_until })
    }
}

/// Parses the URL of a token's CDN, if the token may be sent there.
fn cdn_of(context: &Context, base_url: Option<&str>) -> Result<Url, Error> {
    let base_url = base_url.unwrap_or("https://v3.fal.media");
    match Url::parse(base_url) {
        Ok(cdn) if context.hosts.is_storage(&cdn) => Ok(cdn),
        _ => Err(Error::new(
            ErrorKind::UntrustedUrl,
            format!("untrusted CDN {base_url:?} for uploads: not one of fal's storage hosts; nothing was sent"),
        )),
    }
}

/// Returns how long a token is used before it is replaced.
fn fresh_for(lifetime: Duration) -> Duration {
    lifetime - MAX_MARGIN.min(lifetime / 10)
}

/// Returns the time until a token expires, by the clock of the service that issued it.
fn lifetime(end: &str, response: &RawResponse) -> Option<Duration> {
    let now = response.header(http::header::DATE.as_str()).and_then(|date| httpdate::parse_http_date(date).ok());
    let now = now.unwrap_or_else(SystemTime::now).duration_since(UNIX_EPOCH).ok()?.as_secs();
    // An expired token has a lifetime of 0. The maximum of a century avoids an overflow of the clock.
    let seconds = u64::try_from(unix_seconds(end)?).ok()?.saturating_sub(now);
    Some(Duration::from_secs(seconds.min(100 * 365 * 86_400)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_replaced_before_they_expire() {
        for (lifetime, seconds) in [(0, 0), (60, 54), (3000, 2700), (3600, 3300), (86_400, 86_100)] {
            assert_eq!(fresh_for(Duration::from_secs(lifetime)).as_secs(), seconds);
        }
    }
}

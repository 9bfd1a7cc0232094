use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderValue, Method};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::timestamp::unix_seconds;
use crate::error::{Error, ErrorKind};
use crate::protocol::RawResponse;
use crate::transport::{Context, Operation, Request, join, send};

/// How long a token is used that does not say when it expires.
const DEFAULT_LIFE: Duration = Duration::from_secs(60);

/// How long before its end a token is replaced, at most; a tenth of its life where that is less.
const MAX_MARGIN: Duration = Duration::from_secs(300);

/// The token with which a client uploads to the CDN, kept until shortly before it expires. Whoever needs one while it is
/// fetched waits for it, and shares the error if there is none.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<Option<Fetched>>);

/// What came of it when a token was fetched the last time.
#[derive(Debug)]
struct Fetched {
    /// The key for which it was given: a provider may give another one the next time.
    key: Option<HeaderValue>,
    at: Instant,
    token: Result<Token, Error>,
}

/// A token of the CDN's: it stands for the key, which the CDN does not get.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// The value of the `Authorization` header.
    pub(super) authorization: HeaderValue,
    /// Where it is good.
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
    /// A token that is good for a while yet.
    pub(super) async fn get(&self, context: &Context) -> Result<Token, Error> {
        let (key, asked) = (context.credentials.authorization().await?, Instant::now());
        let mut kept = self.0.lock().await;
        match kept.as_ref().filter(|fetched| fetched.key == key) {
            Some(Fetched { token: Ok(token), .. }) if token.fresh_until > Instant::now() => return Ok(token.clone()),
            Some(Fetched { token: Err(error), at, .. }) if asked < *at => return Err(error.clone()),
            _ => {}
        }
        let token = Token::fetch(context).await;
        *kept = Some(Fetched { key, at: Instant::now(), token: token.clone() });
        token
    }

    /// Keeps a token no longer that the CDN has refused.
    pub(super) async fn forget(&self, refused: &Token) {
        let is_it = |token: &Token| token.authorization == refused.authorization;
        let mut kept = self.0.lock().await;
        if kept.as_ref().is_some_and(|fetched| fetched.token.as_ref().is_ok_and(is_it)) {
            *kept = None;
        }
    }
}

impl Token {
    async fn fetch(context: &Context) -> Result<Self, Error> {
        let url = join(&context.hosts.rest, "storage/auth/token");
        let mut request = Request::new(Operation::Storage("the token for uploads"), Method::POST, url);
        request.url.set_query(Some("storage_type=fal-cdn-v3"));
        request.body = Some("{}".into());
        Token::parse(context, send(context, &request).await?)
    }

    fn parse(context: &Context, response: RawResponse) -> Result<Self, Error> {
        let grant: Grant = match serde_json::from_slice(&response.body) {
            Ok(grant) => grant,
            Err(error) => return Err(Error::unexpected("fal gave no token for uploads", response).caused_by(error)),
        };
        let authorization = HeaderValue::from_str(&format!("{} {}", grant.token_type, grant.token));
        let Ok(mut authorization) = authorization else {
            return Err(Error::unexpected("fal gave a token for uploads that cannot be sent", response));
        };
        authorization.set_sensitive(true);
        let cdn = match &context.hosts.cdn {
            Some(cdn) => cdn.clone(),
            None => cdn_of(context, grant.base_url.as_deref())?,
        };
        let life = grant.expires_at.as_deref().and_then(|end| life(end, &response)).unwrap_or(DEFAULT_LIFE);
        let fresh_until = Instant::now() + used(life);
        Ok(Token { authorization, cdn, fresh_until })
    }
}

/// The CDN that a token is for, if the token may go there.
fn cdn_of(context: &Context, base_url: Option<&str>) -> Result<Url, Error> {
    let base_url = base_url.unwrap_or("https://v3.fal.media");
    match Url::parse(base_url) {
        Ok(cdn) if context.hosts.is_storage(&cdn) => Ok(cdn),
        _ => Err(Error::new(
            ErrorKind::UntrustedUrl,
            format!(
                "fal's token for uploads is for {base_url:?}, which is no storage of fal's; nothing was sent there"
            ),
        )),
    }
}

/// How long a token of such a life is used.
fn used(life: Duration) -> Duration {
    life - MAX_MARGIN.min(life / 10)
}

/// How long it is until a token expires, by the clock of the service that issued it.
fn life(end: &str, response: &RawResponse) -> Option<Duration> {
    let now = response.header(http::header::DATE.as_str()).and_then(|date| httpdate::parse_http_date(date).ok());
    let now = now.unwrap_or_else(SystemTime::now).duration_since(UNIX_EPOCH).ok()?.as_secs();
    // The life of a token that has expired is 0. Nobody's client lives as long as a century.
    let seconds = u64::try_from(unix_seconds(end)?).ok()?.saturating_sub(now);
    Some(Duration::from_secs(seconds.min(100 * 365 * 86_400)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_replaced_before_it_expires() {
        for (life, seconds) in [(0, 0), (60, 54), (3000, 2700), (3600, 3300), (86_400, 86_100)] {
            assert_eq!(used(Duration::from_secs(life)).as_secs(), seconds);
        }
    }
}

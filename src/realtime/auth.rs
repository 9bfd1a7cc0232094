use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::{Error, ErrorKind};
use crate::text::learn;
use crate::tokens::{TokenScope, issue};
use crate::transport::Context;

type Provided = Pin<Box<dyn Future<Output = Result<String, Box<dyn std::error::Error + Send + Sync>>> + Send>>;

/// Returns the token for an application with its path.
pub(super) type Provider = Arc<dyn Fn(String) -> Provided + Send + Sync>;

/// Lifetime of a token that the client requests itself. fal's own clients use the same.
const LIFETIME: Duration = Duration::from_secs(120);

/// The authentication of a connection.
#[derive(Clone, Default)]
pub(super) enum Auth {
    /// The key, in a header of the handshake.
    #[default]
    Key,
    /// A token that the client requests from fal.
    Token,
    /// A token from the caller.
    Provider(Provider),
}

/// A source of tokens, which keeps the last one until 90 % of its lifetime have passed.
pub(super) struct TokenSource {
    auth: Auth,
    /// The lifetime of a token. Without it, a caller's token is used for one connection.
    lifetime: Option<Duration>,
    /// The endpoint with the path of the connection.
    app: String,
    kept: Mutex<Option<Kept>>,
}

/// A token with the instant until which it is used.
struct Kept {
    token: String,
    fresh_until: Instant,
}

/// A token for a handshake.
pub(super) struct ForHandshake {
    pub(super) token: String,
    /// True if it was used before.
    pub(super) is_kept: bool,
}

impl TokenSource {
    pub(super) fn new(auth: Auth, lifetime: Option<Duration>, app: &str) -> Self {
        TokenSource { auth, lifetime, app: app.to_owned(), kept: Mutex::default() }
    }

    /// Returns the token of the next handshake, or `None` if it sends the key.
    pub(super) async fn get(&self, context: &Context) -> Result<Option<ForHandshake>, Error> {
        if !self.has_tokens() {
            return Ok(None);
        }
        let mut kept = self.kept.lock().await;
        if let Some(Kept { token, .. }) = kept.as_ref().filter(|kept| kept.fresh_until > Instant::now()) {
            return Ok(Some(ForHandshake { token: token.clone(), is_kept: true }));
        }
        let requested_at = Instant::now();
        let (token, lifetime) = match &self.auth {
            Auth::Provider(provide) => (provided(provide, &self.app).await?, self.lifetime),
            _ => {
                let lifetime = self.lifetime.unwrap_or(LIFETIME);
                let scope = TokenScope::from(self.app.as_str()).aliases()?;
                (issue(context, scope, lifetime).await?.as_str().to_owned(), Some(lifetime))
            }
        };
        let fresh_until = lifetime.and_then(|lifetime| requested_at.checked_add(lifetime.mul_f64(0.9)));
        *kept = fresh_until.map(|fresh_until| Kept { token: token.clone(), fresh_until });
        Ok(Some(ForHandshake { token, is_kept: false }))
    }

    /// Returns true if handshakes send tokens instead of the key.
    pub(super) fn has_tokens(&self) -> bool {
        !matches!(self.auth, Auth::Key)
    }

    /// Discards the token, which fal has rejected.
    pub(super) fn forget(&self) {
        // If another handshake is replacing it, it is discarded anyway.
        if let Ok(mut kept) = self.kept.try_lock() {
            *kept = None;
        }
    }
}

async fn provided(provide: &Provider, app: &str) -> Result<String, Error> {
    let token = provide(app.to_owned()).await.map_err(|error| {
        Error::new(ErrorKind::Credentials, format!("the token provider failed: {error}")).caused_by(error)
    })?;
    let token = token.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = "the token of the token provider is empty, or has whitespace or a non-ASCII character";
        return Err(Error::new(ErrorKind::Credentials, message));
    }
    learn(token);
    Ok(token.to_owned())
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Auth::Key => "API key",
            Auth::Token => "token",
            Auth::Provider(_) => "token provider",
        })
    }
}

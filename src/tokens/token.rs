use std::fmt;
use std::time::{Duration, SystemTime};

use crate::text::learn;

/// A short-lived token, which grants access to some applications. `Debug` does not show it.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use std::time::Duration;
///
/// let token = client.tokens().create("fal-ai/fast-lcm-diffusion", Duration::from_secs(120)).await?;
/// println!("{token:?} is valid for {:?}", token.ttl());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    secret: String,
    ttl: Duration,
    expires_at: SystemTime,
}

impl Token {
    /// Creates a token that was requested at `requested_at`.
    pub(super) fn new(secret: String, ttl: Duration, requested_at: SystemTime) -> Self {
        learn(&secret);
        let expires_at = requested_at.checked_add(ttl).unwrap_or(requested_at);
        Token { secret, ttl, expires_at }
    }

    /// Returns the token itself, a JSON Web Token.
    pub fn as_str(&self) -> &str {
        &self.secret
    }

    /// Returns the lifetime that was requested.
    pub fn ttl(&self) -> Duration {
        self.ttl
    }

    /// Returns when the token expires, by the local clock.
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("ttl", &self.ttl).field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

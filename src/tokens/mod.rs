//! Short-lived tokens for browsers and apps, which must not have the API key.

mod issue;
mod scope;
mod token;

use std::time::Duration;

pub(crate) use issue::issue;
pub use scope::TokenScope;
pub use token::Token;

use crate::client::Client;
use crate::error::Error;

/// Creates short-lived tokens. Returned by [`Client::tokens`].
///
/// A server creates a token with its API key, and hands it to a browser or to an app. Realtime connections and streams accept the
/// token instead of the key, as the query parameter `fal_jwt_token`.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use std::time::Duration;
///
/// let token = client.tokens().create("fal-ai/fast-lcm-diffusion", Duration::from_secs(120)).await?;
/// let body = serde_json::json!({ "token": token.as_str(), "seconds": token.ttl().as_secs() });
/// # let _ = body;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Tokens {
    client: Client,
}

impl Client {
    /// Returns the service that creates short-lived tokens.
    pub fn tokens(&self) -> Tokens {
        Tokens { client: self.clone() }
    }
}

impl Tokens {
    /// Creates a token for the applications of some endpoints. Range of `ttl`: 1 second to 24 hours, in whole seconds. fal's own
    /// clients use 2 minutes.
    ///
    /// fal knows the application by its alias alone, without its owner: a token for `fal-ai/flux/dev` is one for `flux`. This is
    /// the request that fal's own clients send for realtime connections and for streams.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
    /// use std::time::Duration;
    ///
    /// let two = ["fal-ai/fast-lcm-diffusion", "fal-ai/fast-turbo-diffusion"];
    /// let token = client.tokens().create(two, Duration::from_secs(300)).await?;
    /// # let _ = token;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - An id is invalid, the scope is empty, or `ttl` is out of range. Nothing was sent.
    /// - fal rejects the request, or does not return a token.
    pub async fn create(&self, scope: impl Into<TokenScope>, ttl: Duration) -> Result<Token, Error> {
        issue(self.client.context(), scope.into().aliases()?, ttl).await
    }

    /// Creates a token for the realtime connections of some endpoints. It is narrower than that of [`create`](Self::create):
    /// fal knows the application with its owner and its path, such as `fal-ai/fast-lcm-diffusion/realtime`.
    ///
    /// It is the request of fal's documentation of realtime connections. No released client of fal sends it. The range of `ttl`
    /// and the errors are those of [`create`](Self::create).
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
    /// use std::time::Duration;
    ///
    /// let token = client.tokens().create_realtime("fal-ai/fast-lcm-diffusion", Duration::from_secs(120)).await?;
    /// # let _ = token;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create_realtime(&self, scope: impl Into<TokenScope>, ttl: Duration) -> Result<Token, Error> {
        issue(self.client.context(), scope.into().realtime_paths()?, ttl).await
    }
}

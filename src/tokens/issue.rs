//! The requests for a token.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::scope::Allowed;
use super::token::Token;
use crate::error::{Error, ErrorKind};
use crate::protocol::RawResponse;
use crate::transport::{Context, Operation, Request, join, send};

/// Maximum lifetime of a token.
const MAX_TTL: Duration = Duration::from_secs(86_400);

/// Maximum bytes of a token. It becomes a part of a URL.
const MAX_TOKEN: usize = 8192;

/// The response: the token alone or, from some proxies, in an object.
#[derive(Deserialize)]
#[serde(untagged)]
enum Issued {
    Bare(String),
    Token { token: String },
    Detail { detail: String },
}

/// Requests a token.
pub(crate) async fn issue(context: &Context, allowed: Allowed, ttl: Duration) -> Result<Token, Error> {
    if ttl < Duration::from_secs(1) || ttl > MAX_TTL {
        let message = format!("invalid lifetime of a token: {ttl:?}; expected 1 second to 24 hours");
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    let ttl = Duration::from_secs(ttl.as_secs());
    let (path, body) = match allowed {
        Allowed::Aliases(apps) => ("tokens/", json!({ "allowed_apps": apps, "token_expiration": ttl.as_secs() })),
        Allowed::Realtime(apps) => ("tokens/realtime", json!({ "allowed_apps": apps, "duration": ttl.as_secs() })),
    };
    let mut request = Request::new(Operation::Storage("token request"), Method::POST, join(&context.hosts.rest, path));
    request.body = Some(body.to_string().into());
    let requested_at = SystemTime::now();
    let response = send(context, &request).await?;
    match parse(&response.body) {
        Some(token) => Ok(Token::new(token, ttl, requested_at)),
        // The error must not have the body, because it may be a token in another form.
        None => Err(Error::new(ErrorKind::UnexpectedResponse, "fal did not return a token")
            .with_response(RawResponse { body: Bytes::new(), ..response })),
    }
}

/// Returns the token of a response, unless it could not be a part of a URL.
fn parse(body: &[u8]) -> Option<String> {
    let (Issued::Bare(token) | Issued::Token { token } | Issued::Detail { detail: token }) =
        serde_json::from_slice(body).ok()?;
    let is_token =
        (1..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    is_token.then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_alone_or_in_an_object() {
        for body in
            [r#""t.o-k_1""#, r#"{"token":"t.o-k_1"}"#, r#"{"detail":"t.o-k_1"}"#, r#"{"token":"t.o-k_1","x":1}"#]
        {
            assert_eq!(parse(body.as_bytes()).as_deref(), Some("t.o-k_1"), "{body}");
        }
        for body in ["", "t.o-k_1", r#""""#, r#"" ""#, r#""a b""#, "{}", "[]", "null", r#"{"token":1}"#, r#""é""#] {
            assert_eq!(parse(body.as_bytes()), None, "{body}");
        }
        let long = format!("\"{}\"", "x".repeat(MAX_TOKEN + 1));
        assert_eq!(parse(long.as_bytes()), None);
    }
}

//! Temporary tokens for streams and WebSockets. A server hands them to browsers and apps, which must not have its key.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fal_documents::app_segments;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::random;
use crate::time::clock::{Clock, MAX_ADVANCE};

/// Issues and checks tokens. A token carries its applications and its expiry, so nothing is stored.
pub(crate) struct Tokens {
    clock: Arc<Clock>,
    /// Signs the tokens.
    secret: String,
}

/// The reason why a token is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// The emulator has not issued the token.
    Unknown,
    Expired,
    /// The token is for other applications.
    OtherApp,
}

impl Tokens {
    pub(crate) fn new(clock: Arc<Clock>) -> Self {
        Tokens { clock, secret: random::secret() }
    }

    /// Issues a token in the format of a JWT. `apps` are aliases, such as `flux`, or paths, such as `fal-ai/flux/realtime`.
    pub(crate) fn issue(&self, apps: &[&str], lifetime: Duration) -> String {
        let now = seconds(self.clock.date());
        let expiry = now.saturating_add(lifetime.min(MAX_ADVANCE).as_secs());
        let claims = json!({ "allowed_apps": apps, "iat": now, "exp": expiry, "jti": random::name() });
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&json!({ "alg": "HS256", "typ": "JWT" })), encode(&claims));
        format!("{signed}.{}", self.signature(&signed))
    }

    /// Requires a token for an endpoint or a path below it.
    pub(crate) fn check(&self, token: &str, path: &str) -> Result<(), TokenError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Unknown)?;
        if signature != self.signature(signed) {
            return Err(TokenError::Unknown);
        }
        let claims = signed.split_once('.').and_then(|(_, claims)| URL_SAFE_NO_PAD.decode(claims).ok());
        let claims: Value =
            claims.and_then(|claims| serde_json::from_slice(&claims).ok()).ok_or(TokenError::Unknown)?;
        if claims["exp"].as_u64().is_none_or(|expiry| seconds(self.clock.date()) >= expiry) {
            return Err(TokenError::Expired);
        }
        let mut apps = claims["allowed_apps"].as_array().into_iter().flatten().filter_map(Value::as_str);
        if apps.any(|app| allows(app, path)) { Ok(()) } else { Err(TokenError::OtherApp) }
    }

    fn signature(&self, signed: &str) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{}.{signed}", self.secret)))
    }
}

/// Returns whether an entry of `allowed_apps` allows a path: its alias is the entry, or it begins with the entry.
fn allows(app: &str, path: &str) -> bool {
    if !app.contains('/') {
        return path.split('/').nth(app_segments(path) - 1) == Some(app);
    }
    path.strip_prefix(app).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn seconds(date: SystemTime) -> u64 {
    date.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// Does not show the secret.
impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_allow_an_alias_or_a_path() {
        for (app, path) in [
            ("flux", "fal-ai/flux/realtime"),
            ("flux", "fal-ai/flux"),
            ("wf", "workflows/me/wf/stream"),
            ("fal-ai/flux", "fal-ai/flux/realtime"),
            ("fal-ai/flux/realtime", "fal-ai/flux/realtime"),
        ] {
            assert!(allows(app, path), "{app} {path}");
        }
        for (app, path) in [
            ("", "fal-ai/flux"),
            ("realtime", "fal-ai/flux/realtime"),
            ("flu", "fal-ai/flux"),
            ("me", "workflows/me/wf"),
            ("fal-ai/flu", "fal-ai/flux"),
            ("fal-ai/flux/realtime", "fal-ai/flux/stream"),
            ("fal-ai/", "fal-ai/flux"),
        ] {
            assert!(!allows(app, path), "{app} {path}");
        }
    }
}

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

/// The keys that are accepted.
#[derive(Clone, Debug)]
pub(crate) enum Keys {
    /// Any key. A key is still required.
    Any,
    /// One key.
    Only(String),
}

/// The reason why a request has no accepted key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyError {
    Missing,
    Wrong,
    /// The key is not of the form `id:secret`.
    Malformed,
    /// The id is known, and the secret is another one.
    OtherSecret,
}

impl KeyError {
    /// Returns the detail of the response about a key that is not missing.
    pub(crate) fn detail(self) -> &'static str {
        match self {
            KeyError::Missing => "Authentication is required",
            KeyError::Wrong => "invalid key credentials",
            KeyError::Malformed => "Invalid Key Authorization header format",
            KeyError::OtherSecret => "No user found for Key ID and Secret",
        }
    }
}

impl Keys {
    /// Requires an accepted key in the headers.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), KeyError> {
        let key = headers
            .get(AUTHORIZATION)
            .and_then(|header| header.to_str().ok())
            .and_then(|header| header.strip_prefix("Key ").or_else(|| bearer(header)))
            .filter(|key| !key.trim().is_empty())
            .ok_or(KeyError::Missing)?;
        match self {
            Keys::Only(accepted) if key != accepted => Err(match (key.split_once(':'), accepted.split_once(':')) {
                (None, _) => KeyError::Malformed,
                (Some((id, _)), Some((known, _))) if id == known => KeyError::OtherSecret,
                _ => KeyError::Wrong,
            }),
            _ => Ok(()),
        }
    }

    /// Returns whether any key is accepted.
    pub(crate) fn are_any(&self) -> bool {
        matches!(self, Keys::Any)
    }

    /// Returns a key that is accepted.
    pub(crate) fn accepted(&self) -> &str {
        match self {
            Keys::Any => "local-key-id:local-key-secret",
            Keys::Only(key) => key,
        }
    }
}

/// Returns a key, or the token of a user who is logged in, as a bearer. A CDN token is neither.
fn bearer(header: &str) -> Option<&str> {
    let is_login = |token: &str| token.split('.').count() == 3;
    header.strip_prefix("Bearer ").filter(|token| token.contains(':') || is_login(token))
}

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
}

impl Keys {
    /// Requires an accepted key in the headers.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), KeyError> {
        let key = headers
            .get(AUTHORIZATION)
            .and_then(|header| header.to_str().ok()?.strip_prefix("Key "))
            .filter(|key| !key.trim().is_empty())
            .ok_or(KeyError::Missing)?;
        match self {
            Keys::Only(accepted) if key != accepted => Err(KeyError::Wrong),
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

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

/// Which keys are accepted.
#[derive(Clone, Debug)]
pub(crate) enum Keys {
    /// Any, as long as there is one.
    Any,
    /// This one.
    Only(String),
}

/// Why a request has no key that is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyError {
    Missing,
    Wrong,
}

impl Keys {
    /// Whether a request has a key that is accepted.
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

    /// A key that is accepted.
    pub(crate) fn accepted(&self) -> &str {
        match self {
            Keys::Any => "emulator:key",
            Keys::Only(key) => key,
        }
    }
}

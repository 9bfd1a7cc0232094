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
pub(crate) enum NoKey {
    Missing,
    Wrong,
}

impl Keys {
    /// Whether a request has a key that is accepted.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), NoKey> {
        let key = headers
            .get(AUTHORIZATION)
            .and_then(|header| header.to_str().ok()?.strip_prefix("Key "))
            .filter(|key| !key.trim().is_empty())
            .ok_or(NoKey::Missing)?;
        match self {
            Keys::Only(accepted) if key != accepted => Err(NoKey::Wrong),
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

impl NoKey {
    /// What is said of a key that is not accepted.
    pub(crate) const WRONG: &str = "invalid key credentials";

    /// What is said to who wants something of an endpoint.
    pub(crate) fn detail(self, endpoint: &str) -> String {
        match self {
            NoKey::Missing => {
                let what = format!("Cannot access application \"{endpoint}\".");
                format!("{what} Authentication is required to access this application.")
            }
            NoKey::Wrong => NoKey::WRONG.to_owned(),
        }
    }
}

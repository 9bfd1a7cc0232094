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

impl Keys {
    /// Whether a request about an endpoint has a key that is accepted. The error is the `detail` of the answer.
    pub(crate) fn check(&self, headers: &HeaderMap, endpoint: &str) -> Result<(), String> {
        let key = headers
            .get(AUTHORIZATION)
            .and_then(|header| header.to_str().ok()?.strip_prefix("Key "))
            .filter(|key| !key.trim().is_empty())
            .ok_or_else(|| {
                let what = format!("Cannot access application \"{endpoint}\".");
                format!("{what} Authentication is required to access this application.")
            })?;
        match self {
            Keys::Only(accepted) if key != accepted => Err("invalid key credentials".to_owned()),
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

use std::borrow::Cow;

use crate::error::{Error, ErrorKind};
use crate::protocol::EndpointId;

/// The endpoints that a token is for: an id, a handle, an `ENDPOINT`, or several ids.
///
/// ```
/// use fal_client::TokenScope;
///
/// let one = TokenScope::from("fal-ai/fast-lcm-diffusion");
/// let two = TokenScope::from(["fal-ai/fast-lcm-diffusion", "fal-ai/fast-turbo-diffusion"]);
/// assert_ne!(one, two);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenScope(Vec<Cow<'static, str>>);

/// The applications of a request for a token.
#[derive(Debug, PartialEq)]
pub(crate) enum Allowed {
    /// The aliases of applications, without their owners.
    Aliases(Vec<String>),
    /// The endpoints of realtime connections, with their paths.
    Realtime(Vec<String>),
}

impl TokenScope {
    pub(crate) fn aliases(&self) -> Result<Allowed, Error> {
        self.each(|id| id.alias().to_owned()).map(Allowed::Aliases)
    }

    pub(crate) fn realtime_paths(&self) -> Result<Allowed, Error> {
        let path = |id: &EndpointId| {
            let id = id.as_str();
            if id.ends_with("/realtime") { id.to_owned() } else { format!("{id}/realtime") }
        };
        self.each(path).map(Allowed::Realtime)
    }

    /// Converts each id. The same result is listed once.
    fn each(&self, convert: impl Fn(&EndpointId) -> String) -> Result<Vec<String>, Error> {
        let mut allowed = Vec::new();
        for id in &self.0 {
            let app = convert(&EndpointId::parse(id)?);
            if !allowed.contains(&app) {
                allowed.push(app);
            }
        }
        if allowed.is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput, "missing scope of the token: name at least one endpoint"));
        }
        Ok(allowed)
    }
}

impl From<Cow<'static, str>> for TokenScope {
    fn from(id: Cow<'static, str>) -> Self {
        TokenScope(vec![id])
    }
}

impl From<&str> for TokenScope {
    fn from(id: &str) -> Self {
        TokenScope(vec![Cow::Owned(id.to_owned())])
    }
}

impl From<String> for TokenScope {
    fn from(id: String) -> Self {
        TokenScope(vec![Cow::Owned(id)])
    }
}

impl<S: Into<String>> From<Vec<S>> for TokenScope {
    fn from(ids: Vec<S>) -> Self {
        TokenScope(ids.into_iter().map(|id| Cow::Owned(id.into())).collect())
    }
}

impl<S: Into<String>, const N: usize> From<[S; N]> for TokenScope {
    fn from(ids: [S; N]) -> Self {
        Vec::from(ids).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applications_are_named_by_alias_or_by_path() {
        for (id, alias, path) in [
            ("fal-ai/flux/dev", "flux", "fal-ai/flux/dev/realtime"),
            ("workflows/me/wf/x", "wf", "workflows/me/wf/x/realtime"),
            ("1234-test", "test", "1234/test/realtime"),
            ("a/b/realtime", "b", "a/b/realtime"),
        ] {
            let scope = TokenScope::from(id);
            assert_eq!(scope.aliases().expect(id), Allowed::Aliases(vec![alias.to_owned()]));
            assert_eq!(scope.realtime_paths().expect(id), Allowed::Realtime(vec![path.to_owned()]));
        }
    }
}

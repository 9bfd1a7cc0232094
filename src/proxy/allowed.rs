use super::pattern::Pattern;
use crate::protocol::EndpointId;

/// The endpoints that a proxy forwards calls to.
#[derive(Clone, Debug, Default)]
pub(super) struct Allowed(Vec<Pattern>);

impl Allowed {
    pub(super) fn push(&mut self, pattern: Pattern) {
        self.0.push(pattern);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns true if runs and submissions of an endpoint are allowed. Its output stream has a path of its own.
    pub(super) fn call(&self, id: &EndpointId) -> bool {
        let streamed = id.as_str().strip_suffix("/stream").filter(|streamed| streamed.len() >= id.app().len());
        self.0.iter().any(|pattern| [Some(id.as_str()), streamed].into_iter().flatten().any(|id| pattern.matches(id)))
    }

    /// Returns true if requests about a queued request are allowed. Their URLs usually have the application only, to which
    /// several endpoints belong.
    pub(super) fn queued(&self, id: &EndpointId) -> bool {
        let is_app = id.as_str() == id.app();
        self.0.iter().any(|pattern| if is_app { pattern.reaches(id.app()) } else { pattern.matches(id.as_str()) })
    }

    /// Returns true if a token may be valid for an application: its name without the owner, or an endpoint with the path of
    /// its realtime connection. A name includes all endpoints of the application.
    pub(super) fn token(&self, app: &str) -> bool {
        if !app.contains('/') {
            let is_name = EndpointId::parse(&format!("owner/{app}")).is_ok();
            return is_name && self.0.iter().any(|pattern| pattern.covers_alias(app));
        }
        EndpointId::parse(app).is_ok_and(|id| {
            let path = id.as_str().strip_suffix("/realtime").filter(|path| path.len() >= id.app().len());
            self.call(&id) || path.is_some_and(|path| self.0.iter().any(|pattern| pattern.matches(path)))
        })
    }
}

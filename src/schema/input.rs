use serde::Serialize;

use crate::{FileInput, ValidationError};

/// What can be sent to an endpoint: a generated `Input`, or a [`serde_json::Value`] for an untyped call.
pub trait EndpointInput: Serialize + Send + Sync + 'static {
    /// Checks every bound that the endpoint's schema states, and reports all violations at once.
    fn validate(&self) -> Result<(), ValidationError>;

    /// Shows each file of the input, with the path of its field (`loras[0].path`).
    fn files_mut(&mut self, visit: &mut dyn FnMut(&str, &mut FileInput));
}

/// An untyped input is taken as it is.
impl EndpointInput for serde_json::Value {
    fn validate(&self) -> Result<(), ValidationError> {
        Ok(())
    }

    fn files_mut(&mut self, _visit: &mut dyn FnMut(&str, &mut FileInput)) {}
}

use serde::Serialize;

use super::validator::Findings;
use crate::error::ValidationError;
use crate::files::FileInput;

/// An input of an endpoint: a generated `Input`, or a [`serde_json::Value`] for an untyped call.
pub trait EndpointInput: Serialize + Send + Sync + 'static {
    /// Checks every constraint of the endpoint's schema and reports all violations together. The limits of local files are
    /// checked when a call is awaited, because it may have to open them.
    ///
    /// # Errors
    ///
    /// Lists the violations, each with the location of its field.
    fn validate(&self) -> Result<(), ValidationError>;

    /// Visits each file of the input, with the path of its field (`loras[0].path`).
    fn visit_files(&mut self, visit: &mut dyn FnMut(&str, &mut FileInput));

    /// Returns the violations, and the files whose limits a call checks.
    #[doc(hidden)]
    fn findings(&self) -> Findings {
        self.validate().into()
    }
}

/// An untyped input is sent as it is.
impl EndpointInput for serde_json::Value {
    fn validate(&self) -> Result<(), ValidationError> {
        Ok(())
    }

    fn visit_files(&mut self, _visit: &mut dyn FnMut(&str, &mut FileInput)) {}
}

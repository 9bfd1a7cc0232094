use serde_json::Value;

use crate::error::ValidationError;
use crate::files::FileInput;
use crate::schema::{EndpointInput, LimitedFile};

/// An input of any type. Calls use it through this trait, so that they are compiled in this crate and not again in each
/// program for each of its inputs.
pub(crate) trait AnyInput: Send + Sync {
    fn validate(&self) -> Result<(), ValidationError>;
    fn limited_files(&self) -> Vec<LimitedFile>;
    fn visit_files(&mut self, visit: &mut dyn FnMut(&str, &mut FileInput));
    fn to_json(&self) -> Result<Vec<u8>, serde_json::Error>;
    fn to_value(&self) -> Result<Value, serde_json::Error>;
}

impl<I: EndpointInput> AnyInput for I {
    fn validate(&self) -> Result<(), ValidationError> {
        EndpointInput::validate(self)
    }

    fn limited_files(&self) -> Vec<LimitedFile> {
        EndpointInput::limited_files(self)
    }

    fn visit_files(&mut self, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        EndpointInput::visit_files(self, visit);
    }

    fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    fn to_value(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(self)
    }
}

use serde_json::Value;

use crate::files::FileInput;
use crate::schema::{EndpointInput, Findings};

/// Bytes that most inputs fit into, so that their JSON does not grow step by step.
const USUAL_LENGTH: usize = 512;

/// An input of any type. Calls use it through this trait, so that they are compiled in this crate and not again in each
/// program for each of its inputs.
pub(crate) trait AnyInput: Send + Sync {
    fn findings(&self) -> Findings;
    fn visit_files(&mut self, visit: &mut dyn FnMut(&str, &mut FileInput));
    fn to_json(&self) -> Result<Vec<u8>, serde_json::Error>;
    fn to_value(&self) -> Result<Value, serde_json::Error>;
}

impl<I: EndpointInput> AnyInput for I {
    fn findings(&self) -> Findings {
        EndpointInput::findings(self)
    }

    fn visit_files(&mut self, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        EndpointInput::visit_files(self, visit);
    }

    fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut json = Vec::with_capacity(USUAL_LENGTH);
        serde_json::to_writer(&mut json, self).map(|()| json)
    }

    fn to_value(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(self)
    }
}

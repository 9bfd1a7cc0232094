use std::borrow::Cow;

use fal_client::serde_json::Value;
use fal_client::{EndpointInput, FileInput, IntoEndpoint, ValidationError};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// An input that was validated and recorded. It is sent as it is, so that integers of any size survive.
pub(crate) struct RecordedInput(Box<RawValue>);

impl RecordedInput {
    pub(crate) fn parse(json: String) -> Result<Self, serde_json::Error> {
        RawValue::from_string(json).map(RecordedInput)
    }
}

impl Serialize for RecordedInput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl EndpointInput for RecordedInput {
    fn validate(&self) -> Result<(), ValidationError> {
        Ok(())
    }

    fn visit_files(&mut self, _visit: &mut dyn FnMut(&str, &mut FileInput)) {}
}

/// The endpoint of a recorded input.
pub(crate) struct RecordedEndpoint(pub(crate) String);

impl IntoEndpoint for RecordedEndpoint {
    type Input = RecordedInput;
    type Output = Value;

    fn into_id(self) -> Cow<'static, str> {
        Cow::Owned(self.0)
    }
}

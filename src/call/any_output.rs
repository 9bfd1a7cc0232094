use serde::de::DeserializeOwned;

use crate::protocol::json;
use crate::schema::report::{Report, Reported};

/// The place for an output of any type. Calls use it through this trait, so that they are compiled in this crate and not again
/// in each program for each of its outputs.
pub(crate) trait AnyOutput {
    /// Reads an output, and keeps it.
    fn read(&mut self, json: &[u8]) -> Result<Report, serde_json::Error>;

    /// Returns the path of the value that does not match the type, such as `images[0].url`. It is `.` for the whole output.
    fn path_of_mismatch(&self, json: &[u8]) -> Option<String>;
}

impl<O: DeserializeOwned + 'static> AnyOutput for Option<O> {
    fn read(&mut self, json: &[u8]) -> Result<Report, serde_json::Error> {
        let Reported { data, report } = json::from_slice::<Reported<O>>(json)?;
        *self = Some(data);
        Ok(report)
    }

    fn path_of_mismatch(&self, json: &[u8]) -> Option<String> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        serde_path_to_error::deserialize::<_, O>(&mut deserializer).err().map(|error| error.path().to_string())
    }
}

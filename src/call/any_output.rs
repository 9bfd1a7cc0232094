use serde::de::DeserializeOwned;

use crate::schema::report::{Report, Reported};

/// The place for an output of any type. Calls use it through this trait, so that they are compiled in this crate and not again
/// in each program for each of its outputs.
pub(crate) trait AnyOutput {
    /// Reads an output, and keeps it.
    fn read(&mut self, json: &str) -> Result<Report, serde_json::Error>;
}

impl<O: DeserializeOwned + 'static> AnyOutput for Option<O> {
    fn read(&mut self, json: &str) -> Result<Report, serde_json::Error> {
        let Reported { data, report } = serde_json::from_str::<Reported<O>>(json)?;
        *self = Some(data);
        Ok(report)
    }
}

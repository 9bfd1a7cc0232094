use std::collections::HashMap;
use std::sync::Mutex;

use crate::platform::model_entry::ModelEntry;
use crate::sync::lock;

/// The entries of models that a test has set, by endpoint id.
#[derive(Debug, Default)]
pub(crate) struct Models(Mutex<HashMap<String, ModelEntry>>);

impl Models {
    pub(crate) fn set(&self, endpoint: String, entry: ModelEntry) {
        lock(&self.0).insert(endpoint, entry);
    }

    pub(crate) fn get(&self, endpoint: &str) -> ModelEntry {
        lock(&self.0).get(endpoint).copied().unwrap_or_default()
    }
}

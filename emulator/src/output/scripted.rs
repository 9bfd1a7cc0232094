use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use fal_documents::Validator;
use fal_documents::validate::MAX_CHECKS;
use serde_json::Value;

use crate::documents::document::Document;
use crate::sync::lock;

/// The outputs that a test has set, by endpoint id.
#[derive(Debug, Default)]
pub(crate) struct ScriptedOutputs {
    outputs: Mutex<HashMap<String, Arc<Value>>>,
    /// The outputs of streams and of realtime inputs.
    series: Mutex<HashMap<String, Arc<Vec<Value>>>>,
}

impl ScriptedOutputs {
    /// Sets the output of an endpoint. The error says where the output breaks the document.
    pub(crate) fn set(&self, document: &Document, output: Value) -> Result<(), String> {
        let validator = Validator::of_output(&document.schemas)?;
        if !validator.is_within_bounds(&output) {
            return Err(format!("more than {MAX_CHECKS} checks of an output"));
        }
        if let Some(error) = validator.first_error(&output) {
            return Err(error);
        }
        lock(&self.outputs).insert(document.id.clone(), Arc::new(output));
        Ok(())
    }

    pub(crate) fn get(&self, endpoint: &str) -> Option<Arc<Value>> {
        lock(&self.outputs).get(endpoint).cloned()
    }

    /// Sets the outputs of an endpoint's streams and realtime inputs.
    pub(crate) fn set_series(&self, endpoint: &str, outputs: Vec<Value>) {
        lock(&self.series).insert(endpoint.to_owned(), Arc::new(outputs));
    }

    pub(crate) fn series(&self, endpoint: &str) -> Option<Arc<Vec<Value>>> {
        lock(&self.series).get(endpoint).cloned()
    }
}

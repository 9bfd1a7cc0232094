use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::documents::document::Document;
use crate::input::checks::{self, MAX_CHECKS};
use crate::input::judge;
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
        if !checks::are_few(&document.root, &document.output, &output) {
            return Err(format!("more than {MAX_CHECKS} checks of an output"));
        }
        let validator = judge::validator(document, &document.output)
            .map_err(|reason| format!("the document's output schema is invalid {reason}"))?;
        if let Some(error) = validator.iter_errors(&output).next() {
            let path = error.instance_path().as_str();
            return Err(if path.is_empty() { error.to_string() } else { format!("at {path}: {error}") });
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

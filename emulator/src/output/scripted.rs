use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::documents::document::Document;
use crate::input::checks::{self, MAX_CHECKS};
use crate::input::judge;
use crate::sync::lock;

/// The outputs that a test has set, by endpoint id.
#[derive(Debug, Default)]
pub(crate) struct ScriptedOutputs(Mutex<HashMap<String, Arc<Value>>>);

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
        lock(&self.0).insert(document.id.clone(), Arc::new(output));
        Ok(())
    }

    pub(crate) fn get(&self, endpoint: &str) -> Option<Arc<Value>> {
        lock(&self.0).get(endpoint).cloned()
    }
}

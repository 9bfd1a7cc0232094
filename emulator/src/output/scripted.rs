use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use fal_documents::Validator;
use fal_documents::validate::MAX_CHECKS;
use serde_json::Value;

use crate::documents::document::Document;
use crate::sync::lock;

/// The outputs that a test has set, by endpoint id.
#[derive(Default)]
pub(crate) struct ScriptedOutputs {
    outputs: Mutex<HashMap<String, Output>>,
    /// The outputs of the next requests, one each.
    next: Mutex<HashMap<String, VecDeque<Arc<Value>>>>,
    /// The outputs of streams and of realtime inputs.
    series: Mutex<HashMap<String, Arc<Vec<Value>>>>,
}

/// The output of all requests to an endpoint.
#[derive(Clone)]
enum Output {
    Fixed(Arc<Value>),
    /// The output is made from the input.
    Made {
        make: MakeOutput,
        validator: Arc<Validator>,
    },
}

pub(crate) type MakeOutput = Arc<dyn Fn(&Value) -> Value + Send + Sync>;

impl ScriptedOutputs {
    /// Sets the output of an endpoint. The error says where the output breaks the document.
    pub(crate) fn set(&self, document: &Document, output: Value) -> Result<(), String> {
        check(&Validator::of_output(&document.schemas)?, &output)?;
        lock(&self.outputs).insert(document.id.clone(), Output::Fixed(Arc::new(output)));
        Ok(())
    }

    /// Sets the output of an endpoint, which is made from the input of each request.
    pub(crate) fn set_made(&self, document: &Document, make: MakeOutput) -> Result<(), String> {
        let validator = Arc::new(Validator::of_output(&document.schemas)?);
        lock(&self.outputs).insert(document.id.clone(), Output::Made { make, validator });
        Ok(())
    }

    /// Adds outputs of an endpoint's next requests. The error says where an output breaks the document.
    pub(crate) fn add_next(&self, document: &Document, outputs: Vec<Value>) -> Result<(), String> {
        let validator = Validator::of_output(&document.schemas)?;
        outputs.iter().try_for_each(|output| check(&validator, output))?;
        lock(&self.next).entry(document.id.clone()).or_default().extend(outputs.into_iter().map(Arc::new));
        Ok(())
    }

    /// Takes the output of a request, if a test has set one. The error says where a made output breaks the document.
    pub(crate) fn take(&self, endpoint: &str, input: &Value) -> Option<Result<Arc<Value>, String>> {
        if let Some(next) = lock(&self.next).get_mut(endpoint).and_then(VecDeque::pop_front) {
            return Some(Ok(next));
        }
        // The lock ends here, because a test's function may call the emulator.
        let output = lock(&self.outputs).get(endpoint).cloned()?;
        Some(match output {
            Output::Fixed(output) => Ok(output),
            Output::Made { make, validator } => {
                let output = make(input);
                check(&validator, &output).map(|()| Arc::new(output))
            }
        })
    }

    /// Sets the outputs of an endpoint's streams and realtime inputs.
    pub(crate) fn set_series(&self, endpoint: &str, outputs: Vec<Value>) {
        lock(&self.series).insert(endpoint.to_owned(), Arc::new(outputs));
    }

    pub(crate) fn series(&self, endpoint: &str) -> Option<Arc<Vec<Value>>> {
        lock(&self.series).get(endpoint).cloned()
    }
}

fn check(validator: &Validator, output: &Value) -> Result<(), String> {
    if !validator.is_within_bounds(output) {
        return Err(format!("more than {MAX_CHECKS} checks of an output"));
    }
    validator.first_error(output).map_or(Ok(()), Err)
}

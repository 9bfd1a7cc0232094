use serde_json::Value;

use crate::key::canonical;
use crate::record::Record;

/// The value in place of a redacted one.
const REDACTED: &str = "[redacted]";

/// Data of final jobs to remove from the journal.
///
/// Key, hash of the input, request ids, units, cost and error stay. The same input is still recognised, so it is not submitted
/// again. A short input can be guessed from its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redaction {
    /// The values of these fields of the input, at any depth, such as `prompt`.
    Fields(Vec<String>),
    /// The input.
    Inputs,
    /// The input, the output and the list of its files. The result of the job is lost. Downloaded files stay.
    InputsAndOutputs,
}

impl Redaction {
    /// Removes the data from a job.
    pub(crate) fn apply(&self, record: &mut Record) {
        match self {
            Redaction::Fields(names) => match serde_json::from_str::<Value>(&record.input) {
                Ok(mut input) => {
                    redact(&mut input, names);
                    record.input = canonical(&input.to_string()).unwrap_or_else(|_| redacted());
                }
                Err(_) => record.input = redacted(),
            },
            Redaction::Inputs => record.input = redacted(),
            Redaction::InputsAndOutputs => {
                record.input = redacted();
                (record.output, record.files) = (None, None);
            }
        }
        record.request = None;
        record.redacted = true;
    }
}

/// Returns the JSON of a redacted value.
fn redacted() -> String {
    Value::from(REDACTED).to_string()
}

fn redact(value: &mut Value, names: &[String]) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match names.contains(name) {
                    true => *value = REDACTED.into(),
                    false => redact(value, names),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redact(item, names)),
        _ => {}
    }
}

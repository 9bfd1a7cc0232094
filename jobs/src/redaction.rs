use serde_json::Value;

use crate::key::canonical;
use crate::record::Record;

/// The value in place of a redacted one.
const REDACTED: &str = "[redacted]";

/// Data of final jobs to remove from the journal.
///
/// ```no_run
/// # async fn example(journal: fal_jobs::Journal) -> Result<(), fal_jobs::Error> {
/// use fal_jobs::{Filter, Redaction};
///
/// let prompts = Redaction::Fields(vec!["prompt".to_owned(), "negative_prompt".to_owned()]);
/// journal.redact(Filter::new().label("customer-7"), &prompts).await?;
/// # Ok(())
/// # }
/// ```
///
/// Models repeat prompts in their outputs. Where a string of the output has the name and the value of a removed field, or contains a
/// removed text of several words, that is removed too.
///
/// Key, label, options, hash of the input, request ids, units, cost and error stay. The same input is still recognised, so it is not
/// submitted again. A short input can be guessed from its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redaction {
    /// The values of these fields of the input, at any depth, such as `prompt`, and what the output repeats of them.
    Fields(Vec<String>),
    /// The input, and what the output repeats of it.
    Inputs,
    /// The input, the output and the list of its files. The result of the job is lost. Downloaded files stay.
    InputsAndOutputs,
}

impl Redaction {
    /// Removes the data from a job.
    pub(crate) fn apply(&self, record: &mut Record) {
        match self {
            Redaction::Fields(names) => {
                let mut removed = Vec::new();
                record.input = match serde_json::from_str::<Value>(&record.input) {
                    Ok(mut input) => {
                        redact(&mut input, names, &mut removed);
                        canonical(&input.to_string()).unwrap_or_else(|_| redacted())
                    }
                    Err(_) => redacted(),
                };
                redact_output(record, &removed);
            }
            Redaction::Inputs => {
                let mut removed = Vec::new();
                if let Ok(input) = serde_json::from_str(&record.input) {
                    texts("", &input, &mut removed);
                }
                record.input = redacted();
                redact_output(record, &removed);
            }
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

/// A string with the name of its field.
type Text = (String, String);

/// Replaces the values of fields, and adds their strings to `removed`.
fn redact(value: &mut Value, names: &[String], removed: &mut Vec<Text>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if names.contains(name) {
                    texts(name, value, removed);
                    *value = REDACTED.into();
                } else {
                    redact(value, names, removed);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redact(item, names, removed)),
        _ => {}
    }
}

/// Adds the strings of a value, which is in the field `name`.
fn texts(name: &str, value: &Value, found: &mut Vec<Text>) {
    match value {
        Value::String(text) if !text.trim().is_empty() && text != REDACTED => {
            found.push((name.to_owned(), text.trim().to_owned()));
        }
        Value::Array(items) => items.iter().for_each(|item| texts(name, item, found)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| texts(name, value, found)),
        _ => {}
    }
}

/// Removes the texts from the output that it repeats. An output without them stays as fal has sent it.
fn redact_output(record: &mut Record, removed: &[Text]) {
    let Some(output) = record.output.as_deref().filter(|_| !removed.is_empty()) else { return };
    let Ok(mut value) = serde_json::from_str::<Value>(output) else { return };
    if redact_texts("", &mut value, removed) {
        record.output = Some(value.to_string());
    }
}

/// Returns true if the value, which is in the field `name`, had one of the texts.
fn redact_texts(name: &str, value: &mut Value, removed: &[Text]) -> bool {
    let mut has_changed = false;
    match value {
        Value::String(string) => {
            for (field, text) in removed {
                let is_same = name == field && string.trim() == text;
                if is_same || (text.contains(char::is_whitespace) && string.contains(text)) {
                    *string = string.replace(text, REDACTED);
                    has_changed = true;
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| has_changed |= redact_texts(name, item, removed)),
        Value::Object(fields) => {
            fields.iter_mut().for_each(|(name, value)| has_changed |= redact_texts(name, value, removed));
        }
        _ => {}
    }
    has_changed
}

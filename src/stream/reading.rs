//! Tells outputs from the other events of a stream.
//!
//! The types of outputs are lenient, so that an output that is billed is read despite its flaws. An event is therefore only
//! an output if it is not something else:
//!
//! | event | is |
//! | --- | --- |
//! | named `error`; or JSON that is an error | an error |
//! | an event of a workflow | that event |
//! | JSON with a field of the output, or a required one if there are required ones | an output |
//! | other JSON with the words of an error | an error |
//! | other JSON | JSON |
//! | anything else | a text |

use std::any::{Any, TypeId};
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::event_data::EventData;
use super::workflow_event::WorkflowEvent;
use crate::protocol::{WorkflowStep, envelope, has_words_of_error, is_error, json, workflow_step};
use crate::schema::report::{Outermost, Report, Reported};

/// Finds the name of the field `type`. To prepare the search takes longer than to search an event.
static TYPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"type\""));

/// The data of an event, with the report about an output.
pub(super) struct Read<O> {
    pub(super) data: EventData<O>,
    pub(super) missing: Vec<String>,
    pub(super) skipped: Vec<String>,
}

impl<O> Read<O> {
    fn output(data: EventData<O>, report: Report) -> Self {
        Read { data, missing: report.missing, skipped: report.skipped }
    }
}

impl<O> From<EventData<O>> for Read<O> {
    fn from(data: EventData<O>) -> Self {
        Read { data, missing: Vec::new(), skipped: Vec::new() }
    }
}

/// Reads the data of an event. `None` if the event is an error.
pub(super) fn read<O: DeserializeOwned + 'static>(name: &str, data: &str) -> Option<Read<O>> {
    if name.eq_ignore_ascii_case("error") {
        return None;
    }
    let is_untyped = TypeId::of::<O>() == TypeId::of::<Value>();
    let is_plain = !is_untyped && !may_have_type(data);
    if is_plain && let Some(read) = read_output(data) {
        return Some(read);
    }
    let Ok(mut value) = json::from_str::<Value>(data) else {
        return Some(EventData::Text(data.to_owned()).into());
    };
    if is_error(&value) {
        return None;
    }
    if value.get("type").is_some() {
        match workflow_step(&mut value) {
            Some(WorkflowStep::Submit { node_id, app_id, request_id }) => {
                return Some(EventData::Workflow(WorkflowEvent::Submit { node_id, app_id, request_id }).into());
            }
            Some(WorkflowStep::Completion { node_id, output }) => {
                return Some(EventData::Workflow(WorkflowEvent::Completion { node_id, output }).into());
            }
            Some(WorkflowStep::Output(output)) => {
                return Some(read_final_output(output).unwrap_or_else(|| {
                    let whole = json::from_str(data).unwrap_or_default();
                    EventData::Json(whole).into()
                }));
            }
            None => {}
        }
    }
    match of_type::<O>(value) {
        Ok(output) => Some(EventData::Output(output).into()),
        Err(value) => match (!is_plain).then(|| read_output(data)).flatten() {
            Some(read) => Some(read),
            None if has_words_of_error(&value) => None,
            None => Some(EventData::Json(value).into()),
        },
    }
}

/// Returns true if the data may be an object with a field `type`. Most outputs have none, and are parsed only once.
fn may_have_type(data: &str) -> bool {
    TYPE.find(data.as_bytes()).is_some()
}

/// Reads a typed output.
fn read_output<O: DeserializeOwned + 'static>(data: &str) -> Option<Read<O>> {
    let Reported { data: output, report } = json::from_str::<Reported<O>>(data).ok()?;
    let is_output = match report.outermost {
        Some(outermost) => has_fields(outermost),
        // A type that no attribute describes may take any object.
        None => !envelope::is_error_body(data.as_bytes()),
    };
    is_output.then(|| Read::output(EventData::Output(output), report))
}

/// Reads the output of a workflow.
fn read_final_output<O: DeserializeOwned + 'static>(output: Value) -> Option<Read<O>> {
    let output = match of_type::<O>(output) {
        Ok(output) => return Some(EventData::Workflow(WorkflowEvent::Output(output)).into()),
        Err(output) => output,
    };
    let Reported { data, report } = Reported::<O>::deserialize(output).ok()?;
    let is_output = report.outermost.is_none_or(has_fields);
    is_output.then(|| Read::output(EventData::Workflow(WorkflowEvent::Output(data)), report))
}

fn has_fields(outermost: Outermost) -> bool {
    match outermost.required().next() {
        Some(_) => outermost.required_read > 0,
        None => outermost.read > 0 || outermost.has_no_fields(),
    }
}

/// Returns the value itself if the output is untyped.
fn of_type<O: 'static>(value: Value) -> Result<O, Value> {
    let mut value = Some(value);
    match (&mut value as &mut dyn Any).downcast_mut::<Option<O>>().and_then(Option::take) {
        Some(output) => Ok(output),
        None => Err(value.unwrap_or_default()),
    }
}

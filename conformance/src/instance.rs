use std::fmt;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::Error;

/// A value of an endpoint's input or output, with the expected verdict.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    /// The endpoint id.
    pub(crate) id: String,
    pub(crate) side: Side,
    pub(crate) case: String,
    pub(crate) expect: Expect,
    pub(crate) value: Value,
}

/// The side of an endpoint that a value belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Input,
    Output,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Input => "input",
            Side::Output => "output",
        })
    }
}

/// The expected verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// Deserialized, valid, and serialized as the same JSON.
    Accept,
    /// Rejected by deserialization or validation.
    Reject,
    /// Rejected too, although it is labelled as accepted: it breaks a bound that the label does not know.
    RejectByOtherBounds,
    /// Deserialized although it breaks the schema, without loss of anything that the schema declares.
    Tolerate,
}

/// Loads every instance of a folder, ordered by file and line. The folder may have no instances.
pub(crate) fn load(folder: &Path) -> Result<Vec<Instance>, Error> {
    let entries = fs::read_dir(folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let mut files = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let mut instances = Vec::new();
    for file in files {
        let id = file.file_stem().unwrap_or_default().to_string_lossy().replace("__", "/");
        let text = fs::read_to_string(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let instance = parse(&id, line)
                .map_err(|error| format!("invalid instance at {}:{}: {error}", file.display(), number + 1))?;
            instances.push(instance);
        }
    }
    Ok(instances)
}

fn parse(id: &str, line: &str) -> Result<Instance, Error> {
    let mut json: Value = serde_json::from_str(line)?;
    let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let side = match &*text("of") {
        "input" => Side::Input,
        "output" => Side::Output,
        other => return Err(format!("invalid `of` {other:?}: expected `input` or `output`").into()),
    };
    let expect = match &*text("expect") {
        "accept" => Expect::Accept,
        "reject" => Expect::Reject,
        "tolerate" => Expect::Tolerate,
        other => return Err(format!("invalid `expect` {other:?}: expected `accept`, `reject` or `tolerate`").into()),
    };
    let case = text("case");
    let value = json.get_mut("value").map(Value::take).ok_or("`value` is missing")?;
    Ok(Instance { id: id.to_owned(), side, case, expect, value })
}

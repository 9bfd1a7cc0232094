//! The instances: judged values of an endpoint's input or output.

use std::fmt;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::Error;

/// A value, and what is to become of it.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    /// The endpoint's id.
    pub(crate) id: String,
    pub(crate) of: Of,
    pub(crate) case: String,
    pub(crate) expect: Expect,
    pub(crate) value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Input,
    Output,
}

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Of::Input => "input",
            Of::Output => "output",
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// Read, valid, and written back as it was.
    Accept,
    /// Refused by reading or by validation.
    Reject,
    /// Read, although it breaks the schema, and nothing that the schema names is lost.
    Tolerate,
}

/// Every instance of a folder, by file and line.
pub(crate) fn read(folder: &Path) -> Result<Vec<Instance>, Error> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{} cannot be read: {error}", folder.display()))?;
    let mut files = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let mut instances = Vec::new();
    for file in files {
        let id = file.file_stem().unwrap_or_default().to_string_lossy().replace("__", "/");
        let text = fs::read_to_string(&file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let instance = parse(&id, line)
                .map_err(|error| format!("{}, line {}, is not an instance: {error}", file.display(), number + 1))?;
            instances.push(instance);
        }
    }
    match instances.is_empty() {
        true => Err(format!("{} holds no .jsonl file with instances", folder.display()).into()),
        false => Ok(instances),
    }
}

fn parse(id: &str, line: &str) -> Result<Instance, Error> {
    let mut json: Value = serde_json::from_str(line)?;
    let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let of = match &*text("of") {
        "input" => Of::Input,
        "output" => Of::Output,
        other => return Err(format!("`of` is {other:?}").into()),
    };
    let expect = match &*text("expect") {
        "accept" => Expect::Accept,
        "reject" => Expect::Reject,
        "tolerate" => Expect::Tolerate,
        other => return Err(format!("`expect` is {other:?}").into()),
    };
    let case = text("case");
    let value = json.get_mut("value").map(Value::take).ok_or("`value` is missing")?;
    Ok(Instance { id: id.to_owned(), of, case, expect, value })
}

//! The path of a field: `prompt`, `image_size.width`, `loras[0].scale`, `loras[].scale`.

use serde_json::Value;

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A field of an object.
    Name(String),
    /// An item of an array.
    Index(usize),
    /// A new item at the end of an array.
    Append,
}

/// Splits a path into its steps. The error is the reason.
pub(super) fn parse(text: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    for part in text.split('.') {
        let (name, mut rest) = part.split_at(part.find('[').unwrap_or(part.len()));
        match (name.is_empty(), steps.is_empty()) {
            (true, _) => return Err("expected a name, as in `prompt` or `loras[0].scale`".to_owned()),
            (false, _) => steps.push(Step::Name(name.to_owned())),
        }
        while !rest.is_empty() {
            let index = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
            let (index, after) = index.ok_or("expected an index in brackets, as in `loras[0]`")?;
            steps.push(match index.parse() {
                Ok(index) => Step::Index(index),
                Err(_) if index.is_empty() => Step::Append,
                Err(_) => return Err(format!("expected an index instead of `{index}`, as in `loras[0]`")),
            });
            rest = after;
        }
    }
    Ok(steps)
}

/// Formats a location of fal's errors, such as `["body", "loras", 0, "scale"]`, as a path.
pub(super) fn of_loc(loc: &Value) -> String {
    let mut path = String::new();
    for step in loc.as_array().into_iter().flatten().skip(1) {
        match step {
            Value::String(name) if path.is_empty() => path.push_str(name),
            Value::String(name) => path.push_str(&format!(".{name}")),
            index => path.push_str(&format!("[{index}]")),
        }
    }
    path
}

/// Formats a JSON pointer as a path, and as the location of fal's errors.
pub(super) fn of_pointer(pointer: &str) -> String {
    let steps = pointer.split('/').skip(1).map(|step| match step.parse::<usize>() {
        Ok(index) => Value::from(index),
        Err(_) => Value::from(fal_documents::pointer::unescape(step)),
    });
    of_loc(&std::iter::once(Value::from("body")).chain(steps).collect())
}

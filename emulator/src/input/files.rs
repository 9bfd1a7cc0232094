use fal_documents::validate::Violation;
use serde_json::{Value, json};

/// Returns a violation for every URL in an input whose file is missing.
pub(crate) fn missing_files(input: &Value, is_missing: &dyn Fn(&str) -> bool) -> Vec<Value> {
    let mut violations = Vec::new();
    collect(input, &mut vec![json!("body")], is_missing, &mut violations);
    violations
}

fn collect(value: &Value, loc: &mut Vec<Value>, is_missing: &dyn Fn(&str) -> bool, violations: &mut Vec<Value>) {
    let mut inside = |key: Value, value: &Value| {
        loc.push(key);
        collect(value, loc, is_missing, violations);
        loc.pop();
    };
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| inside(json!(index), item)),
        Value::Object(members) => members.iter().for_each(|(name, member)| inside(json!(name), member)),
        Value::String(url) if is_missing(url) => {
            let violation = Violation::new("file_download_error", "Failed to download the file");
            violations.push(violation.detail(Value::Array(loc.clone()), Some(value)));
        }
        _ => {}
    }
}

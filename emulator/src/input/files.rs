use serde_json::{Value, json};

use crate::input::judge::detail;
use crate::input::violation::Violation;

/// A violation for every text in an input that is the URL of a file that is not there.
pub(crate) fn missing_files(input: &Value, is_missing: &dyn Fn(&str) -> bool) -> Vec<Value> {
    let mut found = Vec::new();
    look(input, &mut vec![json!("body")], is_missing, &mut found);
    found
}

fn look(value: &Value, loc: &mut Vec<Value>, is_missing: &dyn Fn(&str) -> bool, found: &mut Vec<Value>) {
    let mut inside = |key: Value, value: &Value| {
        loc.push(key);
        look(value, loc, is_missing, found);
        loc.pop();
    };
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| inside(json!(index), item)),
        Value::Object(members) => members.iter().for_each(|(name, member)| inside(json!(name), member)),
        Value::String(url) if is_missing(url) => {
            let violation = Violation::new("file_download_error", "Failed to download the file");
            found.push(detail(Value::Array(loc.clone()), &violation, Some(value)));
        }
        _ => {}
    }
}

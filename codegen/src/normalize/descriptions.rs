use serde_json::Value;

use crate::prose::MAX_TEXT;

/// Cuts long descriptions to one character more than the documentation has, so that no later pass copies the rest.
pub(super) fn cut(value: &mut Value) {
    match value {
        Value::Object(object) => object.iter_mut().for_each(|(key, value)| match value {
            Value::String(text) if key == "description" => {
                if let Some((end, _)) = text.char_indices().nth(MAX_TEXT + 1) {
                    text.truncate(end);
                    text.shrink_to_fit();
                }
            }
            value => cut(value),
        }),
        Value::Array(list) => list.iter_mut().for_each(cut),
        _ => {}
    }
}

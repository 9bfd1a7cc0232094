use fal_documents::pointer;
use serde_json::Value;

/// Decodes references: `#/$defs/Page%5BA%5D` is the component `Page[A]`, `#/$defs/a~1b` is `a/b`.
pub(super) fn unescape(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get_mut("$ref")
                && reference.starts_with("#/")
                && reference.contains(['%', '~'])
            {
                *reference = pointer::unescape(&percent_decoded(reference));
            }
            object.values_mut().for_each(unescape);
        }
        Value::Array(list) => list.iter_mut().for_each(unescape),
        _ => {}
    }
}

/// Invalid escapes stay as they are, and so do texts that would not be UTF-8.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

//! Fix-ups: JSON patches (RFC 6902) for what is wrong in a document. `flux.patch.json` is for `flux.json` beside it.

use std::path::Path;

use serde_json::Value;

use crate::error::Finding;
use crate::{pointer, prose};

/// Applies the text of a patch to a document. A patch that does not apply, or that changes nothing any more, is stale.
pub(crate) fn apply(file: &Path, patch: &[u8], document: &mut Value) -> Result<(), Finding> {
    let operations: Vec<Value> = serde_json::from_slice(patch)
        .map_err(|error| Finding::new(file, "", format!("this is not a JSON patch, a list of operations: {error}")))?;
    let mut patched = document.clone();
    for (place, operation) in operations.iter().enumerate() {
        operate(&mut patched, operation).map_err(|reason| {
            let reason =
                format!("the patch no longer applies: {reason}; mend it, or remove it if fal has mended the document");
            Finding::new(file, format!("/{place}"), reason)
        })?;
    }
    if patched == *document {
        return Err(Finding::new(file, "", "the patch changes nothing any more; remove it"));
    }
    *document = patched;
    Ok(())
}

fn operate(document: &mut Value, operation: &Value) -> Result<(), String> {
    let text = |key: &str| {
        operation.get(key).and_then(Value::as_str).ok_or_else(|| format!("the operation has no text {key:?}"))
    };
    let value = || operation.get("value").cloned().ok_or_else(|| "the operation has no \"value\"".to_owned());
    let path = text("path")?;
    match text("op")? {
        "add" => add(document, path, value()?),
        "remove" => remove(document, path).map(drop),
        "replace" => {
            let value = value()?;
            *document.pointer_mut(path).ok_or_else(|| nothing_at(path))? = value;
            Ok(())
        }
        "move" => {
            let from = text("from")?;
            if path.starts_with(&format!("{from}/")) {
                return Err(format!("{from:?} cannot be moved into itself"));
            }
            let value = remove(document, from)?;
            add(document, path, value)
        }
        "copy" => {
            let from = text("from")?;
            let value = document.pointer(from).cloned().ok_or_else(|| nothing_at(from))?;
            add(document, path, value)
        }
        "test" => match (document.pointer(path), value()?) {
            (Some(found), tested) if *found == tested => Ok(()),
            (Some(found), tested) => {
                let [found, tested] = [found, &tested].map(|value| prose::code(&value.to_string()));
                Err(format!("at {path:?} is {found} and not {tested}"))
            }
            (None, _) => Err(nothing_at(path)),
        },
        other => Err(format!("{other:?} is none of add, remove, replace, move, copy and test")),
    }
}

fn nothing_at(path: &str) -> String {
    match path.is_empty() || path.starts_with('/') {
        true => format!("there is nothing at {path:?}"),
        false => format!("{path:?} is no path: it does not begin with a slash"),
    }
}

/// A path's parent, and the last key, unescaped.
fn split<'a>(document: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), String> {
    let (parent, key) = path.rsplit_once('/').ok_or_else(|| format!("{path:?} is no path below the root"))?;
    Ok((document.pointer_mut(parent).ok_or_else(|| nothing_at(parent))?, pointer::unescape(key)))
}

fn add(document: &mut Value, path: &str, value: Value) -> Result<(), String> {
    if path.is_empty() {
        *document = value;
        return Ok(());
    }
    match split(document, path)? {
        (Value::Object(object), key) => drop(object.insert(key, value)),
        (Value::Array(list), key) => {
            let place = if key == "-" { Some(list.len()) } else { index(&key) };
            let place = place.filter(|place| *place <= list.len()).ok_or_else(|| nothing_at(path))?;
            list.insert(place, value);
        }
        _ => return Err(format!("{path:?} is neither in an object nor in a list")),
    }
    Ok(())
}

fn remove(document: &mut Value, path: &str) -> Result<Value, String> {
    let removed = match split(document, path)? {
        (Value::Object(object), key) => object.remove(&key),
        (Value::Array(list), key) => index(&key).filter(|place| *place < list.len()).map(|place| list.remove(place)),
        _ => None,
    };
    removed.ok_or_else(|| nothing_at(path))
}

/// An index as RFC 6901 writes it: no sign, no leading zero.
fn index(key: &str) -> Option<usize> {
    let plain = key.bytes().all(|byte| byte.is_ascii_digit()) && (key == "0" || !key.starts_with('0'));
    if plain { key.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::apply;

    fn patched(document: Value, patch: Value) -> Result<Value, String> {
        let mut document = document;
        apply(Path::new("a.patch.json"), patch.to_string().as_bytes(), &mut document)
            .map_err(|finding| finding.to_string())?;
        Ok(document)
    }

    #[test]
    fn every_operation_does_what_the_rfc_says() {
        for (patch, expected) in [
            (json!([{ "op": "add", "path": "/b", "value": 2 }]), json!({ "a": [1, 2], "b": 2 })),
            (json!([{ "op": "add", "path": "/a/0", "value": 0 }]), json!({ "a": [0, 1, 2] })),
            (json!([{ "op": "add", "path": "/a/-", "value": 3 }]), json!({ "a": [1, 2, 3] })),
            (json!([{ "op": "add", "path": "", "value": 3 }]), json!(3)),
            (json!([{ "op": "add", "path": "/x~1y~0z", "value": 1 }]), json!({ "a": [1, 2], "x/y~z": 1 })),
            (json!([{ "op": "remove", "path": "/a/0" }]), json!({ "a": [2] })),
            (json!([{ "op": "replace", "path": "/a", "value": 3 }]), json!({ "a": 3 })),
            (json!([{ "op": "move", "from": "/a/0", "path": "/b" }]), json!({ "a": [2], "b": 1 })),
            (json!([{ "op": "copy", "from": "/a/0", "path": "/b" }]), json!({ "a": [1, 2], "b": 1 })),
            (json!([{ "op": "test", "path": "/a/0", "value": 1 }, { "op": "remove", "path": "/a" }]), json!({})),
        ] {
            assert_eq!(patched(json!({ "a": [1, 2] }), patch.clone()), Ok(expected), "{patch}");
        }
    }

    #[test]
    fn a_stale_patch_is_refused() {
        for (patch, reason) in [
            (json!({}), "not a JSON patch"),
            (
                json!([{ "op": "remove", "path": "/b" }]),
                "at /0: the patch no longer applies: there is nothing at \"/b\"",
            ),
            (json!([{ "op": "remove", "path": "/a/2" }]), "there is nothing at \"/a/2\""),
            (json!([{ "op": "remove", "path": "/a/00" }]), "there is nothing at \"/a/00\""),
            (json!([{ "op": "remove", "path": "" }]), "is no path below the root"),
            (json!([{ "op": "replace", "path": "/b/c", "value": 1 }]), "there is nothing at \"/b/c\""),
            (json!([{ "op": "add", "path": "/a/3", "value": 1 }]), "there is nothing at \"/a/3\""),
            (json!([{ "op": "add", "path": "/a/0/x", "value": 1 }]), "neither in an object nor in a list"),
            (json!([{ "op": "replace", "path": "a", "value": 1 }]), "\"a\" is no path: it does not begin with a slash"),
            (json!([{ "op": "test", "path": "/a/0", "value": 2 }]), "at \"/a/0\" is `1` and not `2`"),
            (json!([{ "op": "move", "from": "/a", "path": "/a/0" }]), "cannot be moved into itself"),
            (json!([{ "op": "turn", "path": "/a" }]), "\"turn\" is none of"),
            (json!([{ "path": "/a" }]), "no text \"op\""),
            (json!([{ "op": "replace", "path": "/a/0", "value": 1 }]), "changes nothing any more; remove it"),
            (json!([]), "changes nothing any more"),
        ] {
            let error = patched(json!({ "a": [1, 2] }), patch.clone()).expect_err("a stale patch");
            assert!(error.starts_with("a.patch.json") && error.contains(reason), "{patch}: {error}");
        }
    }
}

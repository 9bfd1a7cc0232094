//! Corrections of documents: JSON patches (RFC 6902). `flux.patch.json` is for the `flux.json` next to it.

use std::path::Path;

use serde_json::Value;

use crate::budget::{self, Budget, MAX_DEPTH, MAX_FILE};
use crate::finding::Finding;
use crate::refusals::{self, nothing_at};
use crate::{json, pointer};

/// Applies the text of a patch to a document. A patch is stale if it does not apply, or if it has no effect.
///
/// Bounds what the operations add, in size and in depth: a few of them can copy a document into itself again and again.
pub(crate) fn apply(file: &Path, patch: &[u8], document: &mut Value) -> Result<(), Finding> {
    if budget::size_of_text(patch) > MAX_FILE {
        return Err(Finding::new(file, "", refusals::TOO_LARGE));
    }
    let not_a_patch = |reason: &str| Finding::new(file, "", refusals::not_a_patch(reason));
    let Value::Array(operations) = json::parse(patch).map_err(|reason| not_a_patch(&reason))? else {
        return Err(not_a_patch(refusals::NO_OPERATIONS));
    };
    let (mut patched, mut budget) = (document.clone(), Budget::new(MAX_FILE));
    for (index, operation) in operations.iter().enumerate() {
        operate(&mut patched, operation, &mut budget)
            .map_err(|reason| Finding::new(file, format!("/{index}"), refusals::stale_patch(&reason)))?;
    }
    if patched == *document {
        return Err(Finding::new(file, "", refusals::NO_EFFECT));
    }
    *document = patched;
    Ok(())
}

fn operate(document: &mut Value, operation: &Value, budget: &mut Budget) -> Result<(), String> {
    let string = |key: &str| operation.get(key).and_then(Value::as_str).ok_or_else(|| refusals::no_string(key));
    let value = || operation.get("value").cloned().ok_or_else(|| refusals::NO_VALUE.to_owned());
    let path = string("path")?;
    match string("op")? {
        "add" => {
            let value = value()?;
            spend_on(&value, path, budget)?;
            add(document, path, value, budget)
        }
        "remove" => remove(document, path, budget).map(drop),
        "replace" => {
            let value = value()?;
            spend_on(&value, path, budget)?;
            *document.pointer_mut(path).ok_or_else(|| nothing_at(path))? = value;
            Ok(())
        }
        "move" => {
            let from = string("from")?;
            if path.starts_with(&format!("{from}/")) {
                return Err(refusals::moved_into_itself(from));
            }
            let value = remove(document, from, budget)?;
            spend_on(&value, path, budget)?;
            add(document, path, value, budget)
        }
        "copy" => {
            let from = string("from")?;
            let copied = document.pointer(from).ok_or_else(|| nothing_at(from))?;
            // Before anything is copied.
            spend_on(copied, path, budget)?;
            let value = copied.clone();
            add(document, path, value, budget)
        }
        "test" => match (document.pointer(path), value()?) {
            (Some(found), tested) if *found == tested => Ok(()),
            (Some(found), tested) => Err(refusals::unexpected_value(path, found, &tested)),
            (None, _) => Err(nothing_at(path)),
        },
        other => Err(refusals::unknown_operation(other)),
    }
}

/// Splits a path into the value of its parent and its last key, unescaped.
fn split<'a>(document: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), String> {
    let (parent, key) = path.rsplit_once('/').ok_or_else(|| refusals::not_below_root(path))?;
    Ok((document.pointer_mut(parent).ok_or_else(|| nothing_at(parent))?, pointer::unescape(key)))
}

/// Accounts for a value that an operation puts at a path.
fn spend_on(value: &Value, path: &str, budget: &mut Budget) -> Result<(), String> {
    if !budget.spend(budget::size(value)) {
        return Err(refusals::TOO_MUCH_PATCHED.to_owned());
    }
    let around = path.bytes().filter(|byte| *byte == b'/').count();
    if around + budget::depth(value) > MAX_DEPTH { Err(refusals::PATCHED_TOO_DEEP.to_owned()) } else { Ok(()) }
}

/// Accounts for the items of an array that move when one is inserted or removed before them.
fn spend_on_moved(items: usize, budget: &mut Budget) -> Result<(), String> {
    if budget.spend(items) { Ok(()) } else { Err(refusals::TOO_MUCH_PATCHED.to_owned()) }
}

fn add(document: &mut Value, path: &str, value: Value, budget: &mut Budget) -> Result<(), String> {
    if path.is_empty() {
        *document = value;
        return Ok(());
    }
    match split(document, path)? {
        (Value::Object(object), key) => drop(object.insert(key, value)),
        (Value::Array(list), key) => {
            let index = if key == "-" { Some(list.len()) } else { index(&key) };
            let index = index.filter(|index| *index <= list.len()).ok_or_else(|| nothing_at(path))?;
            spend_on_moved(list.len() - index, budget)?;
            list.insert(index, value);
        }
        _ => return Err(refusals::no_container(path)),
    }
    Ok(())
}

fn remove(document: &mut Value, path: &str, budget: &mut Budget) -> Result<Value, String> {
    let removed = match split(document, path)? {
        (Value::Object(object), key) => object.remove(&key),
        (Value::Array(list), key) => match index(&key).filter(|index| *index < list.len()) {
            Some(index) => {
                spend_on_moved(list.len() - index, budget)?;
                Some(list.remove(index))
            }
            None => None,
        },
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
    fn every_operation_follows_the_rfc() {
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
    fn stale_patches_are_rejected() {
        for (patch, reason) in [
            (json!({}), "invalid JSON patch: expected an array of operations"),
            (json!([{ "op": "remove", "path": "/b" }]), "at /0: patch does not apply: there is nothing at `/b`"),
            (json!([{ "op": "remove", "path": "/a/2" }]), "there is nothing at `/a/2`"),
            (json!([{ "op": "remove", "path": "/a/00" }]), "there is nothing at `/a/00`"),
            (json!([{ "op": "remove", "path": "" }]), "path `` does not point below the root"),
            (json!([{ "op": "replace", "path": "/b/c", "value": 1 }]), "there is nothing at `/b/c`"),
            (json!([{ "op": "add", "path": "/a/3", "value": 1 }]), "there is nothing at `/a/3`"),
            (
                json!([{ "op": "add", "path": "/a/0/x", "value": 1 }]),
                "the parent of `/a/0/x` is neither an object nor an array",
            ),
            (json!([{ "op": "replace", "path": "a", "value": 1 }]), "invalid path `a`: expected a leading slash"),
            (json!([{ "op": "test", "path": "/a/0", "value": 2 }]), "expected `2` at `/a/0`, found `1`"),
            (json!([{ "op": "move", "from": "/a", "path": "/a/0" }]), "cannot move `/a` into itself"),
            (json!([{ "op": "turn", "path": "/a" }]), "unknown operation `turn`: expected add, remove"),
            (json!([{ "path": "/a" }]), "missing string `op`"),
            (json!([{ "op": "replace", "path": "/a/0", "value": 1 }]), "patch has no effect; remove it"),
            (json!([]), "patch has no effect"),
        ] {
            let error = patched(json!({ "a": [1, 2] }), patch.clone()).expect_err("a stale patch");
            assert!(error.starts_with("a.patch.json") && error.contains(reason), "{patch}: {error}");
        }
    }
}

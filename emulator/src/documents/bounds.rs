//! Bounds on the work that a document causes. Validators and outputs unroll references, so a small document can describe
//! a huge schema.

use serde_json::Value;

use crate::documents::schema;

/// The most bytes of a document.
pub(crate) const MAX_BYTES: usize = 4 << 20;
/// The most schemas that apply to one value, with references unrolled.
const MAX_COMPOSED: usize = 2_000;
/// The most compositions and references inside each other.
const MAX_DEPTH: usize = 64;

/// The keywords whose schemas apply to the same value.
const COMPOSITIONS: [&str; 8] = ["allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"];

/// Checks every schema inside `part`. `root` is the target of references. The error says which bound is exceeded.
pub(super) fn check(root: &Value, part: &Value) -> Result<(), String> {
    match part {
        Value::Object(members) => {
            if COMPOSITIONS.iter().chain(&["$ref"]).any(|keyword| members.contains_key(*keyword)) {
                Composition { root, inside: Vec::new(), count: 0 }.add(part, 0)?;
            }
            members.values().try_for_each(|member| check(root, member))
        }
        Value::Array(items) => items.iter().try_for_each(|item| check(root, item)),
        _ => Ok(()),
    }
}

/// The schemas that apply to one value.
struct Composition<'a> {
    root: &'a Value,
    /// The references around the current schema. A cycle ends where it closes.
    inside: Vec<&'a str>,
    count: usize,
}

impl<'a> Composition<'a> {
    fn add(&mut self, schema: &'a Value, depth: usize) -> Result<(), String> {
        self.count += 1;
        if self.count > MAX_COMPOSED {
            return Err(format!("a schema combines more than {MAX_COMPOSED} others: reduce its allOf, anyOf and $ref"));
        }
        if depth > MAX_DEPTH {
            return Err(format!("a schema nests references and compositions more than {MAX_DEPTH} deep"));
        }
        for keyword in COMPOSITIONS {
            match schema.get(keyword) {
                Some(Value::Array(members)) => members.iter().try_for_each(|member| self.add(member, depth + 1))?,
                Some(Value::Object(members)) if keyword == "dependentSchemas" => {
                    members.values().try_for_each(|member| self.add(member, depth + 1))?;
                }
                Some(member) => self.add(member, depth + 1)?,
                None => {}
            }
        }
        let reference = schema.get("$ref").and_then(Value::as_str).filter(|name| !self.inside.contains(name));
        if let Some((name, target)) = reference.and_then(|name| Some((name, schema::resolve(self.root, name)?))) {
            self.inside.push(name);
            self.add(target, depth + 1)?;
            self.inside.pop();
        }
        Ok(())
    }
}

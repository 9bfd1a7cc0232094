//! Bounds on the work that a document causes. Validators and outputs unroll references, so a small document can describe
//! a huge schema.

use serde_json::{Map, Value};

use crate::validate::schemas::resolve;

/// The most bytes of a document.
pub(super) const MAX_BYTES: usize = 4 << 20;
/// The most schemas that apply to one value, with references unrolled.
const MAX_COMPOSED: usize = 2_000;
/// The most schemas that a document combines in all, each counted wherever it is combined. Known documents have some 200.
const MAX_COMPOSED_IN_ALL: usize = 100_000;
/// The most compositions and references inside each other.
const MAX_DEPTH: usize = 64;

/// The most patterns of a document, because a validator compiles each. Known documents have one.
const MAX_PATTERNS: usize = 100;
/// The most bytes that a compiled pattern takes.
pub(super) const MAX_PATTERN_BYTES: usize = 256 << 10;
/// The most steps back while a text is matched with a pattern.
pub(super) const MAX_PATTERN_STEPS: usize = 100_000;

/// The keywords whose schemas apply to the same value.
pub(super) const COMPOSITIONS: [&str; 8] = ["allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"];

/// Checks every schema of a document. `root` is the target of references. The error says which bound is exceeded.
pub(super) fn check(root: &Value, parts: &[&Value]) -> Result<(), String> {
    let mut count = 0;
    parts.iter().try_for_each(|part| check_part(root, part, &mut count))?;
    match parts.iter().map(|part| patterns(part)).sum::<usize>() {
        0..=MAX_PATTERNS => Ok(()),
        more => Err(format!("the schemas have {more} patterns, but at most {MAX_PATTERNS} are allowed")),
    }
}

/// Returns the number of patterns inside a schema.
fn patterns(schema: &Value) -> usize {
    match schema {
        Value::Object(members) => {
            let own = usize::from(members.get("pattern").is_some_and(Value::is_string));
            let keys = members.get("patternProperties").and_then(Value::as_object).map_or(0, Map::len);
            own + keys + members.values().map(patterns).sum::<usize>()
        }
        Value::Array(items) => items.iter().map(patterns).sum(),
        _ => 0,
    }
}

fn check_part(root: &Value, part: &Value, count: &mut usize) -> Result<(), String> {
    match part {
        Value::Object(members) => {
            if COMPOSITIONS.iter().chain(&["$ref"]).any(|keyword| members.contains_key(*keyword)) {
                let mut composition = Composition { root, inside: Vec::new(), count: 0 };
                composition.add(part, 0)?;
                *count += composition.count;
                if *count > MAX_COMPOSED_IN_ALL {
                    return Err(format!("the schemas combine more than {MAX_COMPOSED_IN_ALL} others: {REDUCE}"));
                }
            }
            members.values().try_for_each(|member| check_part(root, member, count))
        }
        Value::Array(items) => items.iter().try_for_each(|item| check_part(root, item, count)),
        _ => Ok(()),
    }
}

const REDUCE: &str = "reduce their allOf, anyOf and $ref";

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
            return Err(format!("a schema combines more than {MAX_COMPOSED} others: {REDUCE}"));
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
        if let Some((name, target)) = reference.and_then(|name| Some((name, resolve(self.root, name)?))) {
            self.inside.push(name);
            self.add(target, depth + 1)?;
            self.inside.pop();
        }
        Ok(())
    }
}

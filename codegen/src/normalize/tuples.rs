use serde_json::{Map, Value, json};

/// Further items of a tuple are ignored.
const MAX_MEMBERS: usize = 64;

/// A tuple becomes an array of a union of its items' types.
///
/// Tuples have the form `prefixItems: [A, B]`, `items: [A, B]` or, in some of fal's documents, `items: {"0": A, "1": B}`.
pub(super) fn list(object: &mut Map<String, Value>) {
    let members: Vec<Value> = match (object.remove("prefixItems"), object.get("items")) {
        (Some(Value::Array(members)), rest) => {
            let rest = rest.filter(|rest| rest.is_object()).cloned();
            members.into_iter().chain(rest).collect()
        }
        (_, Some(Value::Array(members))) => members.clone(),
        (_, Some(Value::Object(items))) => {
            let members: Option<Vec<Value>> =
                (0..items.len()).map(|index| items.get(&index.to_string()).cloned()).collect();
            match members.filter(|members| !members.is_empty()) {
                Some(members) => members,
                None => return,
            }
        }
        _ => return,
    };
    let mut different: Vec<Value> = Vec::new();
    for member in members.into_iter().take(MAX_MEMBERS) {
        if !different.contains(&member) {
            different.push(member);
        }
    }
    let items = match different.len() {
        0 => json!({}),
        1 => different.remove(0),
        _ => json!({ "anyOf": different }),
    };
    object.insert("items".to_owned(), items);
    object.entry("type").or_insert_with(|| json!("array"));
}

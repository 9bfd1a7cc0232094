use serde_json::{Map, Value, json};

/// A tuple becomes a list of what its places may hold: `prefixItems: [A, B]`, `items: [A, B]`, and `items: {"0": A, "1": B}`,
/// which is how fal writes some.
pub(super) fn list(object: &mut Map<String, Value>) {
    let places: Vec<Value> = match (object.remove("prefixItems"), object.get("items")) {
        (Some(Value::Array(places)), rest) => {
            let rest = rest.filter(|rest| rest.is_object()).cloned();
            places.into_iter().chain(rest).collect()
        }
        (_, Some(Value::Array(places))) => places.clone(),
        (_, Some(Value::Object(items))) => {
            let places: Option<Vec<Value>> =
                (0..items.len()).map(|place| items.get(&place.to_string()).cloned()).collect();
            match places.filter(|places| !places.is_empty()) {
                Some(places) => places,
                None => return,
            }
        }
        _ => return,
    };
    let mut different: Vec<Value> = Vec::new();
    for place in places.into_iter().take(64) {
        if !different.contains(&place) {
            different.push(place);
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

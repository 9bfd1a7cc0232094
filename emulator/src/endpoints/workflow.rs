//! Workflows: the definitions that fal's platform API has of them, and their nodes in the order in which they run.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The most nodes of a workflow.
const MAX_NODES: usize = 1_000;
/// The owner of a definition that names none: the user of the emulator.
const OWNER: &str = "emulator";

/// A workflow: several calls of models, each with the outputs of earlier ones.
#[derive(Debug)]
pub(crate) struct Workflow {
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) title: String,
    /// The definition: nodes, output and schema.
    pub(crate) contents: Value,
    /// The nodes that call a model, each after those that it depends on.
    pub(crate) nodes: Vec<Node>,
    /// The output, with references to outputs of nodes.
    output: Value,
}

/// A node that calls a model.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) id: String,
    /// The endpoint.
    pub(crate) app: String,
    /// The input, with references.
    input: Value,
    depends: Vec<String>,
}

impl Workflow {
    /// Parses a definition: the workflow itself, or the response of the platform API with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let definition: Value = serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
        let definition = definition.get("workflow").unwrap_or(&definition);
        let text = |name: &str| definition.get(name).and_then(Value::as_str).map(str::to_owned);
        let name = text("name").ok_or("a workflow needs a `name`")?;
        let owner = text("user_nickname").unwrap_or_else(|| OWNER.to_owned());
        let contents = definition.get("contents").cloned().ok_or("a workflow needs `contents`")?;
        let all = contents.get("nodes").and_then(Value::as_object);
        let all = all.ok_or("the contents of a workflow need an object `nodes`")?;
        if all.len() > MAX_NODES {
            return Err(format!("a workflow has at most {MAX_NODES} nodes"));
        }
        let nodes = in_order(all.iter().filter_map(|(id, node)| Node::parse(id, node)).collect())?;
        let output = contents.get("output").filter(|output| output.as_object().is_some_and(|it| !it.is_empty()));
        let shown = all.values().find_map(|node| node.get("fields").filter(|fields| fields.is_object()));
        let output = output.or(shown).cloned().ok_or("a workflow needs an `output`, or a node with `fields`")?;
        let title = text("title").unwrap_or_else(|| name.clone());
        Ok(Workflow { owner, name, title, contents, nodes, output })
    }

    /// Returns the id of the endpoint that runs the workflow.
    pub(crate) fn id(&self) -> String {
        format!("workflows/{}/{}", self.owner, self.name)
    }

    /// Returns a document of the endpoint, in the short form.
    pub(crate) fn document(&self) -> Value {
        let schema = |name: &str| self.contents.pointer(&format!("/schema/{name}")).and_then(Value::as_object);
        let outputs = schema("output").cloned().or_else(|| self.output.as_object().cloned()).unwrap_or_default();
        let outputs: Map<String, Value> = outputs.into_iter().map(|(name, _)| (name, json!({}))).collect();
        json!({
            "endpointId": self.id(),
            "input": schema("input").map_or_else(|| json!({ "type": "object" }), input_schema),
            "output": { "type": "object", "properties": outputs },
        })
    }

    /// Returns the input of a node. `values` are the input of the workflow and the outputs of nodes, by id.
    pub(crate) fn input_of(&self, node: &Node, values: &BTreeMap<String, Value>) -> Value {
        let mut input = resolve(&node.input, values);
        // An optional field of the workflow that is not set is not set in a node either.
        if let Some(members) = input.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        input
    }

    pub(crate) fn output_of(&self, values: &BTreeMap<String, Value>) -> Value {
        resolve(&self.output, values)
    }
}

impl Node {
    /// Parses a node, or returns `None` if it calls no model.
    fn parse(id: &str, node: &Value) -> Option<Self> {
        let app = node.get("app").and_then(Value::as_str)?.to_owned();
        let depends = node.get("depends").and_then(Value::as_array).into_iter().flatten();
        let depends = depends.filter_map(Value::as_str).map(str::to_owned).collect();
        let input = node.get("input").cloned().unwrap_or_else(|| json!({}));
        Some(Node { id: id.to_owned(), app, input, depends })
    }
}

/// Orders nodes so that each comes after those that it depends on.
fn in_order(mut left: Vec<Node>) -> Result<Vec<Node>, String> {
    let mut ordered: Vec<Node> = Vec::new();
    while !left.is_empty() {
        let waits = |node: &Node| node.depends.iter().any(|id| left.iter().any(|other| other.id == *id));
        let (waiting, ready): (Vec<Node>, Vec<Node>) = left.iter().cloned().partition(waits);
        if ready.is_empty() {
            let ids: Vec<&str> = waiting.iter().map(|node| node.id.as_str()).collect();
            return Err(format!("nodes of the workflow depend on each other: {}", ids.join(", ")));
        }
        ordered.extend(ready);
        left = waiting;
    }
    Ok(ordered)
}

/// Returns the JSON Schema of the fields of a workflow's input.
fn input_schema(fields: &Map<String, Value>) -> Value {
    const KEYWORDS: [&str; 8] =
        ["description", "default", "enum", "examples", "minimum", "maximum", "items", "properties"];
    let property = |field: &Value| {
        let mut schema = Map::new();
        let kind = field.get("type").and_then(Value::as_str);
        if let Some(kind @ ("string" | "number" | "integer" | "boolean" | "array" | "object")) = kind {
            schema.insert("type".to_owned(), kind.into());
        }
        if let Some(label) = field.get("label").filter(|label| label.is_string()) {
            schema.insert("title".to_owned(), label.clone());
        }
        let present = KEYWORDS.iter().filter_map(|name| Some(((*name).to_owned(), field.get(*name)?.clone())));
        schema.extend(present.filter(|(_, value)| !value.is_null()));
        Value::Object(schema)
    };
    let is_required = |field: &Value| field.get("required") == Some(&Value::Bool(true));
    let required: Vec<&String> = fields.iter().filter(|(_, field)| is_required(field)).map(|(name, _)| name).collect();
    let properties: Map<String, Value> = fields.iter().map(|(name, field)| (name.clone(), property(field))).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

/// Replaces the references in a value: `$input.prompt` and `$node.images.0.url`.
fn resolve(value: &Value, values: &BTreeMap<String, Value>) -> Value {
    match value {
        Value::String(text) => reference(text, values).unwrap_or_else(|| value.clone()),
        Value::Array(items) => items.iter().map(|item| resolve(item, values)).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, member)| (name.clone(), resolve(member, values))).collect()
        }
        other => other.clone(),
    }
}

/// Returns the value of a reference, null if it is missing. Returns `None` for any other text.
fn reference(text: &str, values: &BTreeMap<String, Value>) -> Option<Value> {
    let mut path = text.strip_prefix('$')?.split('.');
    let mut value = values.get(path.next()?)?;
    for name in path {
        let item = name.parse::<usize>().ok().and_then(|index| value.get(index));
        match item.or_else(|| value.get(name)) {
            Some(found) => value = found,
            None => return Some(Value::Null),
        }
    }
    Some(value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(contents: &Value) -> Result<Workflow, String> {
        Workflow::parse(&json!({ "name": "shop", "contents": contents }).to_string())
    }

    #[test]
    fn nodes_are_ordered_by_their_dependencies() {
        let node = |depends: &[&str]| json!({ "app": "a/b", "depends": depends });
        let contents = json!({
            "nodes": { "a": node(&["c", "input"]), "b": node(&["a"]), "c": node(&["input"]), "out": { "fields": {} } },
            "output": { "url": "$b.url" },
        });
        let workflow = parse(&contents).expect("a workflow");
        let ids: Vec<&str> = workflow.nodes.iter().map(|node| node.id.as_str()).collect();
        assert_eq!(ids, ["c", "a", "b"]);
        assert_eq!(workflow.id(), "workflows/emulator/shop");

        let circle = json!({ "nodes": { "a": node(&["b"]), "b": node(&["a"]) }, "output": { "x": 1 } });
        assert!(parse(&circle).expect_err("a circle").contains("a, b"));
        for contents in [json!({}), json!({ "nodes": [] }), json!({ "nodes": {} })] {
            assert!(parse(&contents).is_err(), "{contents}");
        }
        assert!(Workflow::parse("{").is_err() && Workflow::parse("[]").is_err());
    }

    #[test]
    fn references_are_replaced() {
        let values = BTreeMap::from([
            ("input".to_owned(), json!({ "prompt": "a fox" })),
            ("draw".to_owned(), json!({ "images": [{ "url": "u" }] })),
        ]);
        let value = json!(["$input.prompt", { "url": "$draw.images.0.url" }, "$draw.images.1.url", "$5", "$input", 7]);
        let expected = json!(["a fox", { "url": "u" }, null, "$5", { "prompt": "a fox" }, 7]);
        assert_eq!(resolve(&value, &values), expected);
    }
}

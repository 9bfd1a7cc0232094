//! Examples of calls in several languages.

use maud::{Markup, html};
use serde_json::{Map, Value, json};

use crate::page::field::{Control, Field};
use crate::page::text::{pretty, shortened};

/// Returns the input of an example: the required fields.
pub(super) fn example(fields: &[Field]) -> Value {
    let required = fields.iter().filter(|field| field.is_required);
    let input: Map<String, Value> = required.map(|field| (field.name.clone(), value(field))).collect();
    Value::Object(input)
}

fn value(field: &Field) -> Value {
    let known = field.example.as_ref().or(field.default.as_ref()).cloned();
    known.unwrap_or_else(|| match &field.control {
        Control::Number { min, .. } => {
            min.as_ref().and_then(|min| serde_json::from_str(min).ok()).unwrap_or_else(|| json!(1))
        }
        Control::Checkbox | Control::Choice => json!(true),
        Control::Select(values) => values.first().cloned().unwrap_or_default(),
        Control::Mixed(values) => values.first().map_or_else(|| json!("…"), |value| json!(value)),
        Control::File => json!("https://example.com/file"),
        Control::Files => json!(["https://example.com/file"]),
        Control::Json => json!([]),
        Control::Line | Control::Text => json!("…"),
    })
}

/// Shows calls with an input.
pub(super) fn examples(base_url: &str, id: &str, input: &Value) -> Markup {
    let examples = [
        ("curl", curl(base_url, id, input)),
        ("Rust", rust(id, input)),
        ("Python", python(id, input)),
        ("JavaScript", javascript(id, input)),
    ];
    html! {
        @for (index, (language, code)) in examples.iter().enumerate() {
            details.example name="examples" open[index == 0] {
                summary { (language) }
                pre tabindex="0" { code { (shortened(code, 6_000)) } }
            }
        }
    }
}

fn curl(base_url: &str, id: &str, input: &Value) -> String {
    let input = pretty(input).replace('\'', "'\\''");
    format!(
        "curl '{base_url}/queue.fal.run/{id}' \\\n  -H \"Authorization: Key $FAL_KEY\" \\\n  -H 'Content-Type: application/json' \\\n  -d '{input}'"
    )
}

fn rust(id: &str, input: &Value) -> String {
    let input = indented(input, 4);
    format!(
        "let client = fal_client::Client::from_env()?;\nlet input = serde_json::json!({input});\nlet result = client.endpoint({}).subscribe(input).await?;\nprintln!(\"{{}}\", result.data);",
        json!(id)
    )
    .replace("\n    }", "\n}")
}

fn python(id: &str, input: &Value) -> String {
    let words =
        |text: String| text.replace(": true", ": True").replace(": false", ": False").replace(": null", ": None");
    format!(
        "import fal_client\n\nresult = fal_client.subscribe(\n    {},\n    arguments={},\n)\nprint(result)",
        json!(id),
        words(indented(input, 4))
    )
}

fn javascript(id: &str, input: &Value) -> String {
    format!(
        "import {{ fal }} from \"@fal-ai/client\";\n\nconst result = await fal.subscribe({}, {{\n  input: {},\n}});\nconsole.log(result.data);",
        json!(id),
        indented(input, 2)
    )
}

/// Returns JSON of which all lines but the first are indented.
fn indented(value: &Value, spaces: usize) -> String {
    pretty(value).replace('\n', &format!("\n{}", " ".repeat(spaces)))
}

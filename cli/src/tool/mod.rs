//! Endpoints as tools of agents: a name, a description and a JSON Schema that the clients of all providers accept.

mod format;
mod name;
mod schema;
mod strict;

use std::collections::BTreeSet;

pub(crate) use format::Format;
pub(crate) use schema::bounded;

use fal_documents::Document;
use fal_documents::text::quoted;
use serde_json::{Map, Value};

use crate::catalog::Entry;

/// The names of the tools that the MCP server has in addition to those of endpoints.
pub(crate) const RESERVED: [&str; 5] = ["job_cancel", "job_result", "price", "search_models", "show_model"];

/// The longest description, in characters. OpenAI's limit is 1024.
const MAX_DESCRIPTION: usize = 1000;

/// An endpoint as a tool.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    /// The id of the endpoint.
    pub(crate) id: String,
    /// The name: see [`name::of_endpoint`].
    pub(crate) name: String,
    pub(crate) description: String,
    /// The schema of the input.
    pub(crate) input: Map<String, Value>,
    /// The names of the output's fields.
    pub(crate) output: Vec<String>,
}

/// The tools of endpoints, and why others have none.
#[derive(Debug, Default)]
pub(crate) struct Tools {
    /// In the order of the ids.
    pub(crate) tools: Vec<Tool>,
    /// Lines about endpoints that cannot be tools, and about fields that tools lack.
    pub(crate) notes: Vec<String>,
}

impl Tools {
    pub(crate) fn new<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut tools = Tools::default();
        let mut names = BTreeSet::new();
        for Entry { document, .. } in entries {
            match tools.tool(document) {
                Ok(tool) if names.insert(tool.name.clone()) => tools.tools.push(tool),
                Ok(tool) => tools.refuse(&document.id, &format!("another endpoint has its name `{}`", tool.name)),
                Err(reason) => tools.refuse(&document.id, &reason),
            }
        }
        tools
    }

    fn refuse(&mut self, id: &str, reason: &str) {
        self.notes.push(format!("{} cannot be a tool: {reason}", quoted(id)));
    }

    fn tool(&mut self, document: &Document) -> Result<Tool, String> {
        let schema::Converted { schema, left_out } = schema::of_input(document)?;
        for field in left_out {
            let (id, field) = (quoted(&document.id), quoted(&field));
            self.notes.push(format!("the tool of {id} lacks the optional field {field}: clients reject its name"));
        }
        let output = schema::output_fields(document);
        Ok(Tool {
            id: document.id.clone(),
            name: name::of_endpoint(&document.id, &RESERVED),
            description: description(document, &output),
            input: schema,
            output,
        })
    }
}

/// Says what an endpoint does, as far as its document does.
fn description(document: &Document, output: &[String]) -> String {
    let mut text = format!("Runs the model {} on fal.ai", bounded(&document.id, 200));
    if let Some(category) = &document.category {
        text.push_str(&format!(" ({})", bounded(category, 50)));
    }
    text.push_str(". Each call is billed.");
    if let Some(summary) = schema::description(document) {
        text.push_str(&format!(" {summary}"));
    }
    if !output.is_empty() {
        let fields: Vec<String> = output.iter().map(|field| format!("`{field}`")).collect();
        text.push_str(&format!(" Output: {}.", fields.join(", ")));
    }
    bounded(&text, MAX_DESCRIPTION)
}

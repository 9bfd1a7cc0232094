//! Definitions of tools in the formats of providers.

use clap::ValueEnum;
use serde_json::{Map, Value, json};

use crate::tool::{Tool, bounded, strict};

/// The format of tool definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// OpenAI's Responses API
    Openai,
    /// OpenAI's Chat Completions API, which other providers have too
    OpenaiChat,
    /// Anthropic's Messages API
    Anthropic,
    /// Model Context Protocol, as in a response to tools/list
    Mcp,
}

impl Tool {
    /// Returns the definition in a format. `strict` makes OpenAI guarantee inputs that fit the schema.
    ///
    /// # Errors
    ///
    /// The schema cannot be strict. The error is the reason.
    pub(crate) fn definition(&self, format: Format, strict: bool) -> Result<Value, String> {
        let Tool { name, description, .. } = self;
        let parameters = match strict {
            true => strict::schema(&self.input)?,
            false => self.input.clone(),
        };
        let function = json!({ "name": name, "description": description, "parameters": parameters, "strict": strict });
        Ok(match format {
            Format::Openai => {
                let Value::Object(mut function) = function else { return Ok(function) };
                function.insert("type".to_owned(), json!("function"));
                Value::Object(function)
            }
            Format::OpenaiChat => json!({ "type": "function", "function": function }),
            Format::Anthropic => json!({ "name": name, "description": description, "input_schema": parameters }),
            Format::Mcp => json!({
                "name": name, "title": self.title(), "description": description, "inputSchema": parameters,
                "outputSchema": self.output_schema(),
                "annotations": { "title": self.title(), "readOnlyHint": false, "destructiveHint": false,
                    "idempotentHint": false, "openWorldHint": true },
            }),
        })
    }

    /// Returns the name that a client shows: the id.
    pub(crate) fn title(&self) -> String {
        bounded(&self.id, 200)
    }

    /// Returns the schema of the MCP server's structured results.
    ///
    /// The output's own schema is not part of it. Models return values that do not fit it, and a client would then discard a
    /// result that was billed.
    pub(crate) fn output_schema(&self) -> Map<String, Value> {
        let fields: Map<String, Value> = self.output.iter().map(|name| (name.clone(), json!({}))).collect();
        let text = |description: &str| json!({ "type": "string", "description": description });
        let file = json!({ "type": "object", "required": ["uri"], "properties": {
            "field": text("Place in the output, such as images[0]"),
            "uri": text("URI of the local file, or the remote URL if the file could not be downloaded"),
            "path": text("Path of the local file"),
            "content_type": text("Media type"),
            "size": { "type": "integer", "description": "Number of bytes" },
        } });
        let schema = json!({ "type": "object", "required": ["status", "job"], "properties": {
            "status": { "enum": ["completed", "running"] },
            "job": text("Key of the job, for job_result and job_cancel"),
            "request_id": text("Id of the request at fal"),
            "cost": text("Cost in US dollars, if it is known"),
            "files": { "type": "array", "items": file },
            "output": { "description": "Output of the model", "properties": fields },
        } });
        match schema {
            Value::Object(schema) => schema,
            _ => Map::new(),
        }
    }
}

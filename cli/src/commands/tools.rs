//! `cargo fal tools`

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use crate::catalog::{Catalog, Entry};
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::tool::{Format, Tools};

/// The endpoints that become tools.
#[derive(Debug, Args)]
pub(crate) struct Selection {
    /// Endpoints. Default: those of the schemas folder, or else those that come with this tool
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Only endpoints whose ids match. `*` matches a part of a segment, `**` anything. Can be repeated
    #[arg(long, value_name = "PATTERN")]
    include: Vec<String>,
    /// No endpoints whose ids match. Can be repeated
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Include the endpoints that come with this tool. Default: only if the schemas folder is missing
    #[arg(long)]
    shipped: bool,
}

impl Selection {
    /// Returns the selected endpoints.
    ///
    /// # Errors
    ///
    /// An id is unknown, or no endpoint is left.
    pub(crate) fn entries(&self, context: &Context) -> Result<Vec<Entry>, Error> {
        let settings = &context.settings;
        let catalog = Catalog::load(settings)?;
        if !self.ids.is_empty() {
            return self.ids.iter().map(|id| catalog.require(id).cloned()).collect();
        }
        let any = |patterns: &[String], id: &str| patterns.iter().any(|pattern| fal_codegen::matches(pattern, id));
        let shipped = self.shipped || !settings.schemas.is_dir();
        let entries: Vec<Entry> = catalog
            .entries()
            .filter(|entry| shipped || !entry.is_shipped)
            .filter(|Entry { document, .. }| self.include.is_empty() || any(&self.include, &document.id))
            .filter(|Entry { document, .. }| !any(&self.exclude, &document.id))
            .cloned()
            .collect();
        match entries.is_empty() {
            true => {
                let message = format!("no endpoints in `{}` match", settings.schemas.display());
                Err(Error::new(Exit::NotFound, message).help("fetch one with `cargo fal add ID`"))
            }
            false => Ok(entries),
        }
    }
}

/// Print endpoints as tool definitions for agents
///
/// Prints a JSON array for the field `tools` of a request. An endpoint that a provider would reject is named on stderr, and is
/// left out.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Format of the definitions
    #[arg(long, value_name = "FORMAT", default_value = "mcp")]
    format: Format,
    /// Make OpenAI guarantee inputs that fit the schema. Unset fields are null then: remove them before the call
    #[arg(long)]
    strict: bool,
}

const EXAMPLES: &str = "\
Examples:
  cargo fal tools --format openai > tools.json
  cargo fal tools --format anthropic fal-ai/flux/dev/redux
  cargo fal tools --format openai --strict --include 'fal-ai/flux/**'";

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let Arguments { selection, format, strict } = arguments;
    if *strict && !matches!(format, Format::Openai | Format::OpenaiChat) {
        let error = Error::new(Exit::Usage, "`--strict` is for the formats of OpenAI only");
        return Err(error.help("use `--format openai`, or leave `--strict` out"));
    }
    let Tools { tools, notes } = Tools::new(&selection.entries(context)?);
    notes.iter().for_each(|note| context.terminal.note(note));
    let mut definitions: Vec<Value> = Vec::new();
    for tool in &tools {
        let definition = tool.definition(*format, *strict).or_else(|reason| {
            let id = fal_documents::text::quoted(&tool.id);
            context.terminal.note(format_args!("the tool of {id} is not strict: {reason}"));
            tool.definition(*format, false)
        });
        definitions.extend(definition);
    }
    context.terminal.print_json(&definitions)?;
    Ok(if definitions.is_empty() { Exit::Failed.into() } else { ExitCode::SUCCESS })
}

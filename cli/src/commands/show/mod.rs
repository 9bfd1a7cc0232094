//! `cargo fal show`

#[cfg(feature = "online")]
mod live;
mod page;

use std::process::ExitCode;

use clap::Args;
use fal_codegen::{Description, Field};
use serde::Serialize;
use serde_json::Value;

use self::page::Page;
use crate::catalog::{Catalog, Entry};
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::nearest::nearest;

/// Show the fields of an endpoint
///
/// Shows types, defaults, ranges, examples and limits of the fields, an example in Rust, and with FAL_KEY the price. The document
/// is the one in the schemas folder, or else the one that comes with fal-client, or else fal's.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo fal show fal-ai/flux/dev                    all fields
  cargo fal show fal-ai/flux/dev prompt image_size  two fields, with all that the document says about them
  cargo fal show fal-ai/flux/dev --json | jq '.input[] | select(.required).name'")]
pub(crate) struct Arguments {
    /// Endpoint id, such as fal-ai/flux/dev
    id: String,
    /// Only these fields, in full: a name or a path, such as loras[].scale
    #[arg(value_name = "FIELD")]
    fields: Vec<String>,
    /// Show descriptions, examples and values in full. Default: long ones are cut
    #[arg(long)]
    full: bool,
    /// Do not fetch anything: neither the price nor the document of an endpoint that is not here
    #[cfg(feature = "online")]
    #[arg(long)]
    offline: bool,
}

/// An endpoint, with what fal says about it now.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    description: Description,
    /// The file of the document. `None` if it is not in the schemas folder.
    document: Option<String>,
    /// True if the document comes with fal-client.
    shipped: bool,
    /// fal's price, with `unit_price`, `unit` and `currency`.
    price: Option<Value>,
    /// fal's catalogue entry.
    catalogue: Option<Value>,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let Context { settings, terminal } = context;
    let catalog = Catalog::load(settings)?;
    let (entry, is_here) = match catalog.get(&arguments.id) {
        Some(entry) => (entry.clone(), true),
        None => (elsewhere(arguments, &catalog, context)?, false),
    };
    let description = catalog.describe(&entry, settings)?;
    if !arguments.fields.is_empty() {
        let fields = select(&description, &arguments.fields)?;
        match terminal.json {
            true => terminal.print_json(&fields)?,
            false => terminal.print(Page::new(terminal.width, true).fields(&fields))?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    let (price, catalogue) = live(arguments, context);
    let document = (is_here && !entry.is_shipped).then(|| entry.document.file.display().to_string());
    let shown = Shown { description, document, shipped: entry.is_shipped, price, catalogue };
    match terminal.json {
        true => terminal.print_json(&shown)?,
        false => terminal.print(Page::new(terminal.width, arguments.full).endpoint(&shown))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Fetches the document of an endpoint that is not here.
#[cfg(feature = "online")]
fn elsewhere(arguments: &Arguments, catalog: &Catalog, context: &Context) -> Result<Entry, Error> {
    if arguments.offline {
        return catalog.require(&arguments.id).cloned();
    }
    let client = crate::fetch::client()?;
    crate::online::block_on(crate::catalog::endpoint(context, &client, &arguments.id))
}

#[cfg(not(feature = "online"))]
fn elsewhere(arguments: &Arguments, catalog: &Catalog, _: &Context) -> Result<Entry, Error> {
    catalog.require(&arguments.id).cloned()
}

#[cfg(feature = "online")]
fn live(arguments: &Arguments, context: &Context) -> (Option<Value>, Option<Value>) {
    if arguments.offline { (None, None) } else { live::fetch(&arguments.id, &context.terminal) }
}

#[cfg(not(feature = "online"))]
fn live(_: &Arguments, _: &Context) -> (Option<Value>, Option<Value>) {
    (None, None)
}

/// Returns the fields with these names or paths, of the input or else of the output.
fn select<'a>(description: &'a Description, wanted: &[String]) -> Result<Vec<&'a Field>, Error> {
    let mut all = Vec::new();
    description.input.iter().chain(&description.output).for_each(|field| collect(field, &mut all));
    let find = |path: &String| {
        all.iter().copied().find(|field| field.path == *path).ok_or_else(|| {
            let error = Error::new(Exit::NotFound, format!("`{}` has no field `{path}`", description.id));
            match nearest(path, all.iter().map(|field| field.path.as_str())).first() {
                Some(nearest) => error.help(format!("did you mean `{nearest}`?")),
                None => error.help(format!("`cargo fal show {}` lists the fields", description.id)),
            }
        })
    };
    wanted.iter().map(find).collect()
}

fn collect<'a>(field: &'a Field, found: &mut Vec<&'a Field>) {
    found.push(field);
    let of_variants = field.variants.iter().flat_map(|variant| &variant.fields);
    field.fields.iter().chain(of_variants).for_each(|field| collect(field, found));
}

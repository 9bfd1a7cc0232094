//! `cargo fal search`

use std::process::ExitCode;

use clap::Args;
use fal_client::platform::{License, Model, ModelStatus};
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use crate::catalog::Catalog;
use crate::commands::folders::count;
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::fetch::{self, Fetcher};
use crate::layout::plain;
use crate::layout::{cut, wrap};
use crate::online::block_on;

/// Search fal's catalogue of models
///
/// Searches names, descriptions and categories. Without words, lists all models. No key is required.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Words to find
    words: Vec<String>,
    /// Only models of a category, such as text-to-image
    #[arg(long, value_name = "CATEGORY")]
    category: Option<String>,
    /// Only models with a status: active or deprecated. Default: both
    #[arg(long, value_name = "STATUS", value_parser = ["active", "deprecated"])]
    status: Option<String>,
    /// The most models to show
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

const EXAMPLES: &str = "\
Examples:
  cargo fal search upscale
  cargo fal search flux --category image-to-image --status active
  cargo fal search --category text-to-speech --limit 200 --json";

/// The most models of a page.
const MAX_PAGE: u32 = 1_000;

/// The fewest columns for a table. Most ids have 30 to 50 characters.
const MIN_TABLE: usize = 110;

/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 100;

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    block_on(search(arguments, context))
}

async fn search(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let terminal = &context.terminal;
    // An invalid document does not keep a user from searching.
    let catalog = Catalog::load(&context.settings).unwrap_or_else(|error| {
        terminal.note(&error);
        Catalog::default()
    });
    let client = fetch::client()?;
    let words = arguments.words.join(" ");
    // One more than shown tells whether there are others.
    let limit = arguments.limit as usize;
    let mut models = client.platform().models().limit(arguments.limit.saturating_add(1).min(MAX_PAGE));
    if !words.trim().is_empty() {
        models = models.search(words.trim());
    }
    if let Some(category) = &arguments.category {
        models = models.category(category);
    }
    if let Some(status) = &arguments.status {
        models = models.status(ModelStatus::other(status.clone()));
    }
    let mut stream = models.stream();
    let mut found: Vec<Model> = Vec::new();
    while found.len() <= limit
        && let Some(model) = stream.try_next().await?
    {
        found.push(model);
    }
    let has_more = found.len() > limit;
    found.truncate(limit);
    if terminal.json {
        let models: Vec<Value> = found.iter().map(|model| to_json(model, &catalog)).collect();
        terminal.print_json(&json!({ "models": models, "has_more": has_more }))?;
        return Ok(ExitCode::SUCCESS);
    }
    if found.is_empty() {
        return Err(nothing_found(arguments, &words, &client, &catalog).await);
    }
    let rows = found.iter().map(|model| row(model, &catalog));
    match terminal.width {
        Some(width) if width < MIN_TABLE => {
            rows.flat_map(|row| lines(&row, width)).try_for_each(|line| terminal.print(line))?
        }
        _ => terminal.print(terminal.table(&["ENDPOINT", "CATEGORY", "LICENCE", "STATUS", "DESCRIPTION"], rows))?,
    }
    if has_more {
        terminal.note(format_args!("shows the first {}; use --limit for more", count(limit, "model")));
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns what is true of a model here, and of its future.
fn marks(model: &Model, catalog: &Catalog) -> Vec<&'static str> {
    let place = catalog.get(&model.endpoint_id).map(|entry| if entry.is_shipped { "shipped" } else { "added" });
    fetch::is_deprecated(model).then_some("deprecated").into_iter().chain(place).collect()
}

fn row(model: &Model, catalog: &Catalog) -> Vec<String> {
    let metadata = model.metadata.clone().unwrap_or_default();
    let licence = metadata.license_type.as_ref().map_or("", License::as_str).to_owned();
    let description = cut(&plain(&metadata.description), MAX_DESCRIPTION);
    vec![model.endpoint_id.clone(), metadata.category, licence, marks(model, catalog).join(", "), description]
}

/// Formats a row for a narrow terminal: the id with its status, and the rest below it.
fn lines(row: &[String], width: usize) -> Vec<String> {
    let [id, category, licence, status, description] = row else { return Vec::new() };
    let first = match status.is_empty() {
        true => plain(id),
        false => format!("{}  ({status})", plain(id)),
    };
    let facts: Vec<String> =
        [category, licence].into_iter().filter(|fact| !fact.is_empty()).map(|fact| plain(fact)).collect();
    let colon = if facts.is_empty() || description.is_empty() { "" } else { ": " };
    let text = format!("{}{colon}{description}", facts.join(", "));
    let below = wrap(&text, width.saturating_sub(2)).into_iter().map(|line| format!("  {line}"));
    [first].into_iter().chain(below).collect()
}

fn to_json(model: &Model, catalog: &Catalog) -> Value {
    let mut json = json!(model.metadata);
    if !json.is_object() {
        json = json!({});
    }
    json["id"] = json!(model.endpoint_id);
    json["is_added"] = json!(catalog.get(&model.endpoint_id).is_some_and(|entry| !entry.is_shipped));
    json["is_shipped"] = json!(catalog.get(&model.endpoint_id).is_some_and(|entry| entry.is_shipped));
    json
}

/// Creates the error of a search without a result, with what may be meant.
async fn nothing_found(arguments: &Arguments, words: &str, client: &fal_client::Client, catalog: &Catalog) -> Error {
    let filters =
        [&arguments.category, &arguments.status].into_iter().flatten().map(|filter| format!(" of `{filter}`"));
    let filters: String = filters.map(|filter| plain(&filter)).collect();
    let words_of = if words.trim().is_empty() { String::new() } else { format!(" match `{}`", plain(words)) };
    let error = Error::new(Exit::NotFound, format!("no models{filters}{words_of}"));
    if let Some(category) = &arguments.category {
        let known = categories(client, words).await;
        let names = crate::nearest::nearest(category, known.iter().map(String::as_str));
        return match (names.first(), known.is_empty()) {
            (Some(nearest), _) if nearest != category => error.help(format!("did you mean the category `{nearest}`?")),
            (_, false) => error.help(format!("these match in other categories: {}", known.join(", "))),
            _ => error.help("use other words, or leave out --category"),
        };
    }
    match Fetcher::new(client).nearest(words, catalog.ids()).await.as_slice() {
        [] => error.help("use fewer or other words"),
        nearest => error.help(format!("did you mean one of these? {}", nearest.join(", "))),
    }
}

/// Returns the categories of the models that match without a filter.
async fn categories(client: &fal_client::Client, words: &str) -> Vec<String> {
    let models = client.platform().models().limit(MAX_PAGE);
    let models = if words.trim().is_empty() { models } else { models.search(words.trim()) };
    let Ok(page) = models.page().await else { return Vec::new() };
    let categories =
        page.items.into_iter().filter_map(|model| model.metadata).map(|metadata| plain(&metadata.category));
    let mut categories: Vec<String> = categories.filter(|category| !category.is_empty()).collect();
    categories.sort();
    categories.dedup();
    categories
}

//! `cargo fal list`

use std::process::ExitCode;

use clap::Args;
use fal_codegen::module_path;
use fal_documents::text::printable;
use serde::Serialize;

use crate::catalog::{Catalog, Entry};
use crate::context::Context;
use crate::error::Error;
use crate::layout::width;

/// List the endpoints of the schemas folder
///
/// In a terminal, columns that do not fit are left out.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo fal list                   all endpoints of the project
  cargo fal list flux image        those with both words in the id or the category
  cargo fal list --shipped --json  with those that come with fal-client, as JSON")]
pub(crate) struct Arguments {
    /// Only endpoints with all of these words in the id or the category
    words: Vec<String>,
    /// Also list the endpoints that come with fal-client
    #[arg(long)]
    shipped: bool,
}

const HEADER: [&str; 4] = ["ENDPOINT", "CATEGORY", "DOCUMENT", "MODULE"];

/// The longest text of a cell.
const MAX_CELL: usize = 300;

#[derive(Debug, Serialize)]
struct Row {
    id: String,
    category: Option<String>,
    /// The path of the module below the generated root module.
    module: String,
    /// The document. `None` if it comes with fal-client.
    file: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let Context { settings, terminal } = context;
    let catalog = Catalog::load(settings)?;
    let words: Vec<String> = arguments.words.iter().map(|word| word.to_lowercase()).collect();
    let listed = catalog.entries().filter(|entry| arguments.shipped || !entry.is_shipped);
    let rows: Vec<Row> = listed.filter(|entry| matches(entry, &words)).map(row).collect();
    if terminal.json {
        terminal.print_json(&rows)?;
    } else if rows.is_empty() {
        let folder = settings.schemas.display();
        terminal.note(match words.is_empty() {
            true => format!("no documents in `{folder}`; add one with `cargo fal add ID`"),
            false => format!("no endpoint with these words in `{folder}`; `cargo fal search` finds others"),
        });
    } else {
        terminal.print(text(&rows, context))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn matches(entry: &Entry, words: &[String]) -> bool {
    let category = entry.document.category.as_deref().unwrap_or_default();
    let text = format!("{} {category}", entry.document.id).to_lowercase();
    words.iter().all(|word| text.contains(word))
}

fn row(entry: &Entry) -> Row {
    let document = &entry.document;
    let file = (!entry.is_shipped).then(|| document.file.display().to_string());
    Row {
        id: document.id.clone(),
        category: document.category.clone(),
        module: module_path(&document.id).join("::"),
        file,
    }
}

/// A table. Columns that do not fit into the terminal are left out, from the right, so that an endpoint is one line.
fn text(rows: &[Row], context: &Context) -> String {
    let cells = |row: &Row| -> [String; 4] {
        let file = row.file.as_deref().unwrap_or("fal-client");
        let cells = [&row.id, row.category.as_deref().unwrap_or("-"), file, &row.module];
        cells.map(|cell| printable(cell, MAX_CELL))
    };
    let cells: Vec<[String; 4]> = rows.iter().map(cells).collect();
    let (mut columns, mut needed) = (0, 0);
    for (index, header) in HEADER.iter().enumerate() {
        let widest = cells.iter().map(|row| width(&row[index])).max().unwrap_or(0);
        needed += widest.max(width(header)) + 2;
        // The last column has no space after it.
        if index == 0 || context.terminal.width.is_none_or(|width| needed <= width + 2) {
            columns = index + 1;
        } else {
            break;
        }
    }
    let cells = cells.into_iter().map(|row| row.into_iter().take(columns).collect());
    context.terminal.table(&HEADER[..columns], cells)
}

//! `cargo fal gallery`

mod embed;
mod entries;
mod page;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use clap::Args;
use serde_json::json;

use self::embed::Embedding;
use self::entries::Entry;
use crate::commands::folders::count;
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::layout::plain;
use crate::online::block_on;

/// The name of the page in the folder.
const PAGE: &str = "gallery.html";

/// The page while it is written.
const PART: &str = ".gallery.html.part";

/// Write one HTML page of the results in a folder
///
/// The parameters of a result come from the journal, and from the results of `cargo fal batch`. Files without either are shown
/// alone.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Folder of results, with its folders. Default: the output folder
    dir: Option<PathBuf>,
    /// File of the page. Default: gallery.html in the folder
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Title of the page. Default: the name of the folder
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Link to the files in place of embedding them. The page is small, and needs the files
    #[arg(long)]
    link: bool,
    /// Total size of embedded files in MiB. Files beyond it are linked
    #[arg(long, value_name = "MIB", default_value_t = 100, conflicts_with = "link")]
    embed_limit: u64,
    /// Open the page in a browser
    #[arg(long)]
    open: bool,
}

const EXAMPLES: &str = "\
Examples:
  cargo fal gallery
  cargo fal gallery fal-output/cards --title 'Greeting cards' --open
  cargo fal gallery fal-output --link --out index.html";

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let dir = arguments.dir.as_ref().unwrap_or(&context.settings.downloads);
    if !dir.is_dir() {
        let error = Error::new(Exit::NotFound, format!("no folder `{}`", dir.display()));
        return Err(
            error.help("give the folder of results, which is the `--out` of `cargo fal run` and `cargo fal batch`")
        );
    }
    let entries = block_on(entries::collect(dir, context))?;
    if entries.is_empty() {
        let error = Error::new(Exit::NotFound, format!("no results in the folder `{}`", dir.display()));
        return Err(error.help("save results with `cargo fal run` or `cargo fal batch`"));
    }
    let out = arguments.out.clone().unwrap_or_else(|| dir.join(PAGE));
    let title = arguments.title.clone().unwrap_or_else(|| name(dir));
    let limit = if arguments.link { 0 } else { arguments.embed_limit.saturating_mul(1 << 20) };
    let mut embedding = Embedding::new(&out, limit);
    write(&out, &title, &entries, &mut embedding)?;
    let files: usize = entries.iter().map(|entry| entry.files.len()).sum();
    if embedding.linked > 0 && !arguments.link {
        let linked = count(embedding.linked, "file");
        let limit = arguments.embed_limit;
        context
            .terminal
            .note(format_args!("{linked} beyond the limit of {limit} MiB linked; keep the page next to them"));
    }
    if context.terminal.json {
        context.terminal.print_json(&json!({
            "page": out,
            "results": entries.len(),
            "files": files,
            "linked": embedding.linked,
        }))?;
    } else {
        let (results, files) = (count(entries.len(), "result"), count(files, "file"));
        context.terminal.print(format_args!("{}: {results}, {files}", plain(&out.display().to_string())))?;
    }
    if arguments.open {
        open(&out)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the page piece by piece, because embedded files are large. A page of that name is replaced when the new one is complete.
fn write(out: &Path, title: &str, entries: &[Entry], embedding: &mut Embedding) -> Result<(), Error> {
    let folder = out.parent().unwrap_or(Path::new(""));
    let part = folder.join(PART);
    let written = (|| {
        if !folder.as_os_str().is_empty() {
            fs::create_dir_all(folder)?;
        }
        let mut file = BufWriter::new(File::create(&part)?);
        let endpoints = page::endpoints(entries);
        file.write_all(page::head(title, entries, &endpoints).as_bytes())?;
        for entry in entries {
            file.write_all(page::entry(entry, &endpoints, embedding)?.as_bytes())?;
        }
        file.write_all(page::END.as_bytes())?;
        file.into_inner().map_err(|error| error.into_error())?;
        fs::rename(&part, out)
    })();
    written.map_err(|error| {
        let _ = fs::remove_file(&part);
        Error::io("write", out, &error)
    })
}

/// Returns the name of a folder, also of `.`.
fn name(dir: &Path) -> String {
    let whole = fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    whole.file_name().map_or_else(|| "Results".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Opens a file with the program that the user has chosen for it.
fn open(file: &Path) -> Result<(), Error> {
    let mut command = match std::env::consts::OS {
        "macos" => Command::new("open"),
        "windows" => Command::new("explorer"),
        _ => Command::new("xdg-open"),
    };
    let opened = command.arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    opened.map(drop).map_err(|error| {
        Error::new(Exit::Failed, format!("cannot open a browser: {error}"))
            .help(format!("open the page yourself: {}", file.display()))
    })
}

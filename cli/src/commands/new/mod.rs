//! `cargo fal new`

mod files;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::catalog::{Catalog, Entry};
use crate::commands::{count, folders};
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::settings::{FILE, Settings};

/// Create a small project that uses fal-client
///
/// The project compiles and runs as it is: it has documents of endpoints, their generated code, and a program that calls the first
/// one. Nothing is written if the folder exists and is not empty.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo fal new studio                             a project with an endpoint that paints images
  cargo fal new studio --endpoint fal-ai/flux/dev  with another endpoint
  cargo fal new studio --path ~/fal-client         with a checkout of fal-client")]
pub(crate) struct Arguments {
    /// Folder of the project. Its last part is the name of the package
    #[arg(value_name = "NAME")]
    folder: PathBuf,
    /// Endpoint of the project. Can be repeated. Default: fal-ai/fast-lcm-diffusion
    #[arg(long = "endpoint", value_name = "ID")]
    endpoints: Vec<String>,
    /// Checkout of fal-client. Default: the published crate
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
}

/// The endpoint of a project that names no other. It needs no more than a prompt.
const DEFAULT_ENDPOINT: &str = "fal-ai/fast-lcm-diffusion";

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let terminal = &context.terminal;
    let folder = &arguments.folder;
    let name = package_name(folder)?;
    check_folder(folder)?;
    let checkout = arguments.path.as_deref().map(checkout).transpose()?;
    let entries = entries(arguments, context)?;
    let is_new = !folder.exists();
    let created = create(folder, &name, checkout.as_deref(), &entries, context).inspect_err(|_| {
        // Nothing unfinished stays behind, and nothing of the user's is removed.
        if is_new {
            let _ = fs::remove_dir_all(folder);
        }
    });
    let files = created?;
    if terminal.json {
        let ids: Vec<&str> = entries.iter().map(|entry| entry.document.id.as_str()).collect();
        terminal.print_json(&json!({ "name": name, "folder": folder, "endpoints": ids, "files": files }))?;
    } else {
        terminal.print(format_args!("created `{}`: {}", folder.display(), count(files.len(), "file")))?;
        terminal.print(files::next_steps(folder))?;
    }
    if let Some(manifest) = workspace_around(folder) {
        terminal
            .note(format_args!("note: add the package to the members of the workspace in `{}`", manifest.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// The longest name. Registries have the same limit.
const MAX_NAME: usize = 64;

/// Names that cargo or the compiler refuses, and those of the project's own dependencies.
const RESERVED: &str = "Self abstract alloc as async await become box break build const continue core crate deps do dyn else \
    enum examples extern fal-client false final fn for gen if impl in incremental let loop macro match mod move mut override \
    priv proc_macro pub ref return self static std struct super test tokio trait true try type unsafe use where while yield";

/// Returns the name of the package: the last part of the folder.
fn package_name(folder: &Path) -> Result<String, Error> {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(is_allowed);
    let is_reserved = RESERVED.split_whitespace().any(|reserved| reserved == name);
    match is_name && !is_reserved && name.len() <= MAX_NAME {
        true => Ok(name.to_owned()),
        false => Err(Error::new(Exit::Usage, format!("invalid name of a package `{name}`"))
            .help("use letters, digits, `-` and `_`, and begin with a letter; keywords of Rust are reserved")),
    }
}

fn check_folder(folder: &Path) -> Result<(), Error> {
    if !folder.exists() {
        return Ok(());
    }
    let mut entries = fs::read_dir(folder).map_err(|error| Error::io("create the project in", folder, &error))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(Error::new(Exit::Usage, format!("`{}` exists and is not empty", folder.display()))
            .help("choose another name; `cargo fal add ID` adds an endpoint to an existing project")),
    }
}

/// Returns the absolute path of a checkout.
fn checkout(path: &Path) -> Result<PathBuf, Error> {
    let manifest = fal_documents::file::read_text(&path.join("Cargo.toml")).unwrap_or_default();
    if !manifest.lines().any(|line| line.trim() == "name = \"fal-client\"") {
        return Err(Error::new(Exit::Usage, format!("no checkout of fal-client in `{}`", path.display()))
            .help("name the folder with the Cargo.toml of fal-client"));
    }
    fs::canonicalize(path).map_err(|error| Error::io("find", path, &error))
}

/// Returns the documents of the project's endpoints.
fn entries(arguments: &Arguments, context: &Context) -> Result<Vec<Entry>, Error> {
    let default = [DEFAULT_ENDPOINT.to_owned()];
    let ids = if arguments.endpoints.is_empty() { &default[..] } else { &arguments.endpoints };
    let catalog = Catalog::load(&context.settings)?;
    let mut entries: Vec<Entry> = Vec::new();
    for id in ids {
        let entry = match catalog.get(id) {
            Some(entry) => entry.clone(),
            None => elsewhere(id, &catalog, context)?,
        };
        // The id is the path of its document.
        if !fal_documents::is_id(&entry.document.id) {
            return Err(Error::new(
                Exit::Usage,
                format!("invalid endpoint id `{id}`: expected `owner/app` or `owner/app/path`"),
            ));
        }
        if entries.iter().all(|other| other.document.id != entry.document.id) {
            entries.push(entry);
        }
    }
    Ok(entries)
}

#[cfg(feature = "online")]
fn elsewhere(id: &str, _: &Catalog, context: &Context) -> Result<Entry, Error> {
    let client = crate::fetch::client()?;
    crate::online::block_on(crate::catalog::endpoint(context, &client, id))
}

#[cfg(not(feature = "online"))]
fn elsewhere(id: &str, catalog: &Catalog, _: &Context) -> Result<Entry, Error> {
    catalog.require(id).cloned()
}

/// Writes the project, and returns the paths of its files.
fn create(
    folder: &Path,
    name: &str,
    checkout: Option<&Path>,
    entries: &[Entry],
    context: &Context,
) -> Result<Vec<PathBuf>, Error> {
    let mut written = Vec::new();
    let mut write = |path: &str, text: &str| {
        let file = folder.join(path);
        let parent = file.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(|error| Error::io("create the folder", parent, &error))?;
        fs::write(&file, text).map_err(|error| Error::io("write", &file, &error))?;
        written.push(PathBuf::from(path));
        Ok::<(), Error>(())
    };
    write("Cargo.toml", &files::manifest(name, checkout))?;
    write(FILE, files::SETTINGS)?;
    write(".gitignore", files::IGNORED)?;
    for entry in entries {
        write(&format!("schemas/{}.json", entry.document.id), &files::document(entry))?;
    }
    let settings = Settings::read(Some(&folder.join(FILE)))?;
    let generated = folders::builder(&settings).generate()?;
    let catalog = Catalog::load(&settings)?;
    let Some(first) = entries.first() else { return Ok(written) };
    let description = catalog.describe(catalog.require(&first.document.id)?, &settings)?;
    write("src/main.rs", &files::program(&description))?;
    write("README.md", &files::readme(name, &description))?;
    folders::print_hints(&generated, &context.terminal);
    written.extend(generated.written.iter().map(|path| Path::new("src/endpoints").join(path)));
    written.sort();
    Ok(written)
}

/// Returns the manifest of the workspace around a folder. Cargo expects the package among its members.
fn workspace_around(folder: &Path) -> Option<PathBuf> {
    let folder = fs::canonicalize(folder).ok()?;
    let mut manifests = folder.ancestors().skip(1).map(|folder| folder.join("Cargo.toml"));
    manifests.find(|manifest| {
        fal_documents::file::read_text(manifest)
            .is_some_and(|text| text.lines().any(|line| line.trim() == "[workspace]"))
    })
}

//! The arguments of `cargo fal run`: its own options, and the fields of the endpoint.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Command};
use fal_client::JsonInput;
use fal_client::money::Cost;
use serde_json::{Map, Value};

use super::fields::{self, Fields};
use crate::amount;
use crate::catalog::{self, Catalog, Entry};
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::input::Builder;
use crate::online::{self, block_on};
use crate::settings::Settings;
use crate::terminal::Terminal;

/// Run an endpoint, and download the files of its output
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Endpoint id, such as fal-ai/flux/dev/image-to-image
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// The document of the endpoint.
    #[arg(skip)]
    entry: Option<Box<Entry>>,
    #[command(flatten)]
    fields: Fields,
    /// File with the input: .json, .toml or .yaml. - reads JSON or YAML from stdin. Pairs take precedence
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// Output folder for downloaded files. Default: the setting `downloads`, which is fal-output unless set
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print the output while the endpoint generates it: the text of a language model, or else a JSON line for each output.
    /// A stream bypasses the queue and the journal, so it cannot be continued
    #[arg(long, conflicts_with_all = ["detach", "key", "logs", "out"])]
    pub(crate) stream: bool,
    /// Most that the request may cost, in USD. Default: the budget of fal.toml, if set
    #[arg(long, value_name = "USD", allow_negative_numbers = true, value_parser = amount::parse)]
    pub(crate) max_cost: Option<Cost>,
    /// Name of the job in the journal. A second run with the same key returns the result of the first, without another
    /// request. Default: one of the endpoint and the input, which continues a run that was interrupted
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Submit the request and exit. `cargo fal watch` follows it
    #[arg(long, alias = "no-wait")]
    pub(crate) detach: bool,
    /// Print the log lines of the model
    #[arg(long)]
    pub(crate) logs: bool,
    /// Time limit, such as 90s or 10m. The job continues after it, and `cargo fal watch` follows it. Default: none
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// Show no images in the terminal
    #[arg(long)]
    pub(crate) no_preview: bool,
}

const EXAMPLES: &str = "\
Examples:
  cargo fal run fal-ai/flux/dev/image-to-image prompt='a fox' image_url=@room.png
  cargo fal run fal-ai/flux/dev/image-to-image --input fox.json seed=42 --out foxes";

impl Arguments {
    /// Returns the document of the endpoint.
    pub(crate) fn entry(&self) -> Result<&Entry, Error> {
        self.entry.as_deref().ok_or_else(|| Error::new(Exit::Usage, format!("invalid endpoint id `{}`", self.id)))
    }

    /// Sets the document of the endpoint, which the flags of its fields need before the arguments are parsed.
    pub(crate) fn set_entry(&mut self, entry: Option<Entry>) {
        self.entry = entry.map(Box::new);
    }

    /// Builds the input from `--input`, pairs and flags, and checks it.
    ///
    /// # Errors
    ///
    /// The input has problems. The error lists all of them.
    pub(crate) fn build_input(&self) -> Result<JsonInput, Error> {
        let builder = Builder::new(self.entry()?)?;
        let base = match &self.input {
            Some(file) => builder.read(file)?,
            None => Value::Object(Map::new()),
        };
        builder.build(base, &self.fields.pairs)
    }
}

/// Adds the fields of the endpoint as flags, if the words are those of `run`. Fetches a document that is not here.
///
/// # Errors
///
/// The endpoint does not exist, or its document cannot be fetched.
pub(crate) fn with_fields(
    command: Command,
    words: &[OsString],
    terminal: &Terminal,
) -> Result<(Command, Option<Entry>), Error> {
    let Some(id) = endpoint_id(&command, words) else { return Ok((command, None)) };
    let is_help = words.iter().any(|word| word == "--help" || word == "-h");
    let entry = match find(&id, &option(words, "--settings"), terminal) {
        Ok(entry) => entry,
        // The help is of use without the flags.
        Err(error) if is_help => {
            terminal.note(format_args!("without the fields of `{id}`: {error}"));
            return Ok((command, None));
        }
        Err(error) => return Err(error),
    };
    Ok((with_flags(command, &entry), Some(entry)))
}

/// Adds the fields of an endpoint as flags of `run`.
pub(crate) fn with_flags(command: Command, entry: &Entry) -> Command {
    let Ok(description) = fal_codegen::describe(&entry.document) else { return command };
    let global: Vec<String> = names(&command);
    command.mut_subcommand("run", |run| {
        let reserved = [global, names(&run)].concat();
        fields::add(run, &description, reserved)
    })
}

/// Returns the names of the flags of a command.
fn names(command: &Command) -> Vec<String> {
    let arguments = command.get_arguments();
    let names = arguments.flat_map(|argument| argument.get_long_and_visible_aliases().unwrap_or_default());
    let aliases = command.get_arguments().flat_map(|argument| argument.get_all_aliases().unwrap_or_default());
    names.chain(aliases).chain(["help", "version"]).map(str::to_owned).collect()
}

fn find(id: &str, settings: &Option<OsString>, terminal: &Terminal) -> Result<Entry, Error> {
    let settings = Settings::read(settings.as_deref().map(Path::new))?;
    if let Some(entry) = Catalog::load(&settings)?.get(id) {
        return Ok(entry.clone());
    }
    let context = Context { settings, terminal: terminal.clone() };
    let client = online::client()?;
    block_on(catalog::endpoint(&context, &client, id))
}

/// Returns the endpoint id in the words of `run`, which may have flags that are known only from the endpoint.
pub(crate) fn endpoint_id(command: &Command, words: &[OsString]) -> Option<String> {
    let run = command.find_subcommand("run")?;
    let takes_value = |flag: &str| {
        let mut arguments = command.get_arguments().chain(run.get_arguments());
        let of_flag = arguments.find(|argument| {
            let longs = argument.get_long_and_visible_aliases().unwrap_or_default();
            longs.iter().any(|long| flag.strip_prefix("--") == Some(long))
        });
        of_flag.map(|argument| argument.get_action().takes_values())
    };
    let mut positionals = Vec::new();
    let mut words = words.iter().skip(1).map(|word| word.to_string_lossy());
    while let Some(word) = words.next() {
        match takes_value(&word) {
            Some(true) => drop(words.next()),
            // The value of a field's flag is passed over as a word that is not an id.
            _ if word.starts_with('-') => {}
            _ => positionals.push(word),
        }
    }
    let (command, others) = positionals.split_first()?;
    let is_id = |word: &str| word.contains('/') && !word.contains(['=', ' ', '@', ':', '\\']);
    let id = others.iter().find(|word| is_id(word)).or(others.first()).filter(|_| command == "run")?;
    Some(id.clone().into_owned())
}

/// Returns the value of an option, as in `--settings FILE` or `--settings=FILE`.
pub(crate) fn option(words: &[OsString], name: &str) -> Option<OsString> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == name {
            return words.next().cloned();
        }
        if let Some(value) = word.to_str().and_then(|word| word.strip_prefix(name)?.strip_prefix('=')) {
            return Some(value.into());
        }
    }
    None
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "expected a number with a unit, such as 90s or 10m".to_owned())
}

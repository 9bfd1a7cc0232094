//! The settings file `fal.toml`, which every command reads.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

#[cfg(feature = "online")]
use fal_client::money::Cost;
use serde::Deserialize;

use crate::error::{Error, Exit};
use crate::layout::plain;

/// The name of the settings file.
pub(crate) const FILE: &str = "fal.toml";

/// The largest settings file, in bytes.
const MAX_SIZE: u64 = 1 << 20;

/// The settings of a project. Paths are relative to the working directory.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The folder of `fal.toml`, or else of the nearest `Cargo.toml`. `None` outside of projects.
    pub(crate) project: Option<PathBuf>,
    /// The settings file, if the project has one.
    pub(crate) file: Option<PathBuf>,
    /// The folder of the documents. Default: `schemas`.
    pub(crate) schemas: PathBuf,
    /// The folder of the generated code. Default: `src/endpoints`.
    pub(crate) out: PathBuf,
    /// The patterns of the endpoints that are generated. Default: all.
    pub(crate) include: Vec<String>,
    /// The patterns of the endpoints that are not generated. Default: none.
    pub(crate) exclude: Vec<String>,
    /// True if each app has a cargo feature. Default: false.
    pub(crate) features: bool,
    /// The name of the trait whose methods lead to the endpoints. Default: `Endpoints`.
    pub(crate) trait_name: String,
    /// The path of the generated module as other crates see it.
    pub(crate) module_path: Option<String>,
    /// The URL of the journal. Default: a SQLite file: see [`crate::online::journal`].
    pub(crate) journal: Option<String>,
    /// The folder of downloaded files. Default: `fal-output`.
    pub(crate) downloads: PathBuf,
    /// The limit of all that the journal's jobs may cost, in USD. Default: none.
    #[cfg(feature = "online")]
    pub(crate) budget: Option<Cost>,
    /// The error of an invalid file, in a command that works without it.
    #[cfg(feature = "online")]
    pub(crate) error: Option<Error>,
}

/// The contents of the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Contents {
    schemas: Option<PathBuf>,
    out: Option<PathBuf>,
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
    #[serde(default)]
    features: bool,
    trait_name: Option<String>,
    module_path: Option<String>,
    journal: Option<String>,
    downloads: Option<PathBuf>,
    budget: Option<Budget>,
}

/// The names of the settings.
const NAMES: [&str; 10] =
    ["schemas", "out", "include", "exclude", "features", "trait-name", "module-path", "journal", "downloads", "budget"];

/// A valid amount.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Amount")]
struct Budget(#[cfg(feature = "online")] Cost);

impl TryFrom<Amount> for Budget {
    type Error = String;

    #[cfg(feature = "online")]
    fn try_from(amount: Amount) -> Result<Self, String> {
        let text = match amount {
            Amount::Number(number) => number.to_string(),
            Amount::Text(text) => text,
        };
        crate::amount::parse(&text).map(Budget)
    }

    #[cfg(not(feature = "online"))]
    fn try_from(_: Amount) -> Result<Self, String> {
        Ok(Budget())
    }
}

/// An amount as a number or a string.
#[derive(Debug, Deserialize)]
#[cfg_attr(not(feature = "online"), expect(dead_code, reason = "only commands that call fal have costs"))]
#[serde(untagged, expecting = "expected an amount in USD, such as `5` or `\"5.00\"`")]
enum Amount {
    Number(f64),
    Text(String),
}

impl Settings {
    /// Reads a settings file, or else the nearest `fal.toml` from the working directory upwards.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or has something that is not a setting.
    pub(crate) fn read(file: Option<&Path>) -> Result<Self, Error> {
        let file = file.map(Path::to_owned).or_else(|| nearest(FILE));
        let project = file.as_deref().map(parent).or_else(|| nearest("Cargo.toml").as_deref().map(parent));
        let contents = file.as_deref().map(read).transpose()?.unwrap_or_default();
        Ok(Settings::new(contents, project, file))
    }

    /// Returns the defaults, which take the place of an invalid file.
    #[cfg(feature = "online")]
    pub(crate) fn defaults(error: Error) -> Self {
        let project = nearest("Cargo.toml").as_deref().map(parent);
        Settings { error: Some(error), ..Settings::new(Contents::default(), project, None) }
    }

    fn new(contents: Contents, project: Option<PathBuf>, file: Option<PathBuf>) -> Self {
        let root = project.clone().unwrap_or_default();
        let folder = |path: Option<PathBuf>, default: &str| root.join(path.unwrap_or_else(|| default.into()));
        Settings {
            schemas: folder(contents.schemas, "schemas"),
            out: folder(contents.out, "src/endpoints"),
            include: contents.include,
            exclude: contents.exclude,
            features: contents.features,
            trait_name: contents.trait_name.unwrap_or_else(|| "Endpoints".to_owned()),
            module_path: contents.module_path,
            journal: contents.journal,
            downloads: folder(contents.downloads, "fal-output"),
            #[cfg(feature = "online")]
            budget: contents.budget.map(|Budget(amount)| amount),
            project,
            file,
            #[cfg(feature = "online")]
            error: None,
        }
    }
}

impl Settings {
    /// Returns the path of the generated module inside of its crate: `crate::endpoints` for `src/endpoints`.
    pub(crate) fn crate_path(&self) -> String {
        let source = self.project.clone().unwrap_or_default().join("src");
        let below = self.out.strip_prefix(&source).unwrap_or(Path::new("endpoints"));
        let segments = below.iter().filter_map(|segment| segment.to_str());
        let is_name = |segment: &str| segment.chars().all(|c| c.is_alphanumeric() || c == '_');
        let path: Vec<&str> = ["crate"].into_iter().chain(segments.filter(|segment| is_name(segment))).collect();
        path.join("::")
    }
}

fn read(file: &Path) -> Result<Contents, Error> {
    let name = file.display();
    let text = text(file).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::new(Exit::Usage, format!("no settings file `{name}`")),
        ErrorKind::InvalidData => Error::new(Exit::Usage, format!("`{name}` is not UTF-8")).help("save it as UTF-8"),
        _ => Error::new(Exit::Usage, format!("cannot read `{name}`: {error}")),
    })?;
    // Some editors of Windows begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        let name_of = |line: &str| line.split_once('=').map(|(name, _)| name.trim().to_owned());
        // An error of the syntax is not that of a setting.
        let is_toml = text.parse::<toml::Table>().is_ok();
        let setting =
            text.lines().nth(line - 1).and_then(name_of).filter(|name| is_toml && NAMES.contains(&name.as_str()));
        let message = plain(error.message());
        let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
        let help = match unknown {
            Some(unknown) => match crate::nearest::nearest(unknown, NAMES).first() {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!("the settings are {}", NAMES.join(", ")),
            },
            None => "the guide of `cargo fal` has an example of each setting".to_owned(),
        };
        let message = match unknown {
            Some(unknown) => format!("unknown setting `{unknown}`"),
            None => setting.map_or(message.clone(), |setting| format!("invalid setting `{setting}`: {message}")),
        };
        Error::new(Exit::Usage, format!("{name}, line {line}: {message}")).help(help)
    })
}

/// Reads a file, which may be a pipe.
fn text(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(file)?.take(MAX_SIZE + 1).read_to_string(&mut text)?;
    match text.len() as u64 > MAX_SIZE {
        true => Err(io::Error::other("it is larger than 1 MiB")),
        false => Ok(text),
    }
}

/// Returns the nearest file of this name, from the working directory upwards, as a relative path.
fn nearest(name: &str) -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let mut folder = PathBuf::new();
    for _ in here.ancestors() {
        let file = folder.join(name);
        if file.is_file() {
            return Some(file);
        }
        folder.push("..");
    }
    None
}

fn parent(file: &Path) -> PathBuf {
    file.parent().map(Path::to_owned).unwrap_or_default()
}

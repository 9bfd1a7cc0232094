//! The options that `generate` and `check` share.

use std::path::{Path, PathBuf};

use clap::Args;
use fal_codegen::{Builder, Summary};

use crate::settings::Settings;
use crate::terminal::Terminal;

/// The options of the generator. An option replaces the setting of fal.toml.
#[derive(Debug, Args)]
pub(crate) struct Folders {
    /// Folder of the documents. All .json files in it and in its folders are read. Default: schemas
    #[arg(long, value_name = "DIR")]
    schemas: Option<PathBuf>,
    /// Output folder for the generated code. Default: src/endpoints
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Only endpoints whose ids match. `*` matches a part of a segment, `**` anything. Can be repeated
    #[arg(long, value_name = "PATTERN")]
    include: Vec<String>,
    /// No endpoints whose ids match. Can be repeated
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Put each app behind a cargo feature. The features are listed in features.toml in the output folder
    #[arg(long)]
    features: bool,
    /// Name of the trait whose methods lead to the endpoints. Default: Endpoints
    #[arg(long, value_name = "NAME")]
    trait_name: Option<String>,
    /// Path of the generated module as other crates see it, such as my_crate::endpoints. The examples in the documentation
    /// compile then, as documentation tests
    #[arg(long, value_name = "PATH")]
    module_path: Option<String>,
}

/// Formats a number of things: `1 document`, `2 documents`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// Prints what a user may not expect of the documents, such as files that are passed over.
pub(crate) fn print_hints(summary: &Summary, terminal: &Terminal) {
    summary.hints().for_each(|hint| terminal.note(hint));
}

impl Folders {
    /// Returns the settings, with those replaced that have an option.
    pub(crate) fn apply(&self, settings: &Settings) -> Settings {
        let list = |option: &Vec<String>, setting: &Vec<String>| match option.is_empty() {
            true => setting.clone(),
            false => option.clone(),
        };
        Settings {
            schemas: self.schemas.clone().unwrap_or_else(|| settings.schemas.clone()),
            out: self.out.clone().unwrap_or_else(|| settings.out.clone()),
            include: list(&self.include, &settings.include),
            exclude: list(&self.exclude, &settings.exclude),
            features: self.features || settings.features,
            trait_name: self.trait_name.clone().unwrap_or_else(|| settings.trait_name.clone()),
            module_path: self.module_path.clone().or_else(|| settings.module_path.clone()),
            ..settings.clone()
        }
    }

    /// Returns the command that updates the code.
    pub(crate) fn generate_command(&self) -> String {
        let mut command = "cargo fal generate".to_owned();
        self.schemas.iter().for_each(|folder| command.push_str(&format!(" --schemas {}", folder.display())));
        self.out.iter().for_each(|folder| command.push_str(&format!(" --out {}", folder.display())));
        self.include.iter().for_each(|pattern| command.push_str(&format!(" --include '{pattern}'")));
        self.exclude.iter().for_each(|pattern| command.push_str(&format!(" --exclude '{pattern}'")));
        if self.features {
            command.push_str(" --features");
        }
        self.trait_name.iter().for_each(|name| command.push_str(&format!(" --trait-name {name}")));
        self.module_path.iter().for_each(|path| command.push_str(&format!(" --module-path {path}")));
        command
    }
}

/// Returns the generator with these settings.
pub(crate) fn builder(settings: &Settings) -> Builder {
    let builder = Builder::new().schemas(&settings.schemas).out_dir(&settings.out);
    let builder = settings.include.iter().fold(builder, Builder::include);
    let builder = settings.exclude.iter().fold(builder, Builder::exclude);
    let builder = builder.features(settings.features).trait_name(&settings.trait_name);
    settings.module_path.iter().fold(builder, Builder::module_path)
}

/// Returns the path of a generated file, relative to the working directory.
pub(crate) fn file(settings: &Settings, path: &Path) -> String {
    settings.out.join(path).display().to_string()
}

//! The options that `generate` and `check` share.

use std::path::{Path, PathBuf};

use clap::Args;
use fal_codegen::{Builder, Summary};

/// The folders of documents and code, and the options of the generator.
#[derive(Debug, Args)]
pub(crate) struct Folders {
    /// Folder of the documents. All .json files in it and in its folders are read
    #[arg(long, value_name = "DIR", default_value = "schemas")]
    schemas: PathBuf,
    /// Output folder for the generated code
    #[arg(long, value_name = "DIR", default_value = "src/endpoints")]
    out: PathBuf,
    /// Only endpoints whose ids match. `*` matches a part of a segment, `**` anything. Can be repeated
    #[arg(long, value_name = "PATTERN")]
    include: Vec<String>,
    /// No endpoints whose ids match. Can be repeated
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Put each app behind a cargo feature. The features are listed in features.toml in the output folder
    #[arg(long)]
    features: bool,
    /// Name of the trait whose methods lead to the endpoints
    #[arg(long, value_name = "NAME", default_value = TRAIT)]
    trait_name: String,
    /// Path of the generated module as other crates see it, such as my_crate::endpoints. The examples in the documentation
    /// compile then, as documentation tests
    #[arg(long, value_name = "PATH")]
    module_path: Option<String>,
}

const TRAIT: &str = "Endpoints";

/// Formats a number of things: `1 document`, `2 documents`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// Prints what a user may not expect of the documents, such as files that are passed over.
pub(crate) fn print_hints(summary: &Summary) {
    summary.hints().for_each(|hint| eprintln!("{hint}"));
}

impl Folders {
    pub(crate) fn builder(&self) -> Builder {
        let builder = Builder::new().schemas(&self.schemas).out_dir(&self.out);
        let builder = self.include.iter().fold(builder, Builder::include);
        let builder = self.exclude.iter().fold(builder, Builder::exclude);
        let builder = builder.features(self.features).trait_name(&self.trait_name);
        self.module_path.iter().fold(builder, Builder::module_path)
    }

    /// Returns the command that updates the code.
    pub(crate) fn generate_command(&self) -> String {
        let mut command =
            format!("cargo fal generate --schemas {} --out {}", self.schemas.display(), self.out.display());
        self.include.iter().for_each(|pattern| command.push_str(&format!(" --include '{pattern}'")));
        self.exclude.iter().for_each(|pattern| command.push_str(&format!(" --exclude '{pattern}'")));
        if self.features {
            command.push_str(" --features");
        }
        if self.trait_name != TRAIT {
            command.push_str(&format!(" --trait-name {}", self.trait_name));
        }
        self.module_path.iter().for_each(|path| command.push_str(&format!(" --module-path {path}")));
        command
    }

    pub(crate) fn warning(&self, summary: &Summary) -> Option<String> {
        summary.warning(&self.out)
    }

    /// Returns the path of a generated file, relative to the working directory.
    pub(crate) fn file(&self, path: &Path) -> String {
        self.out.join(path).display().to_string()
    }
}

use std::path::PathBuf;

use clap::Args;
use fal_codegen::{Builder, Summary};

/// Where the documents are, and where the code goes.
#[derive(Debug, Args)]
pub(crate) struct Folders {
    /// The folder of the documents: every .json file in it and below, as fal serves it
    #[arg(long, value_name = "DIR", default_value = "schemas")]
    schemas: PathBuf,
    /// The folder of the generated code
    #[arg(long, value_name = "DIR", default_value = "src/endpoints")]
    out: PathBuf,
    /// Only endpoints whose ids fit: `*` stands for a part of a segment, `**` for anything; may be given again
    #[arg(long, value_name = "PATTERN")]
    include: Vec<String>,
    /// All but the endpoints whose ids fit
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Put each app behind a cargo feature, which features.toml beside the code lists
    #[arg(long)]
    features: bool,
    /// The name of the trait that leads to the endpoints
    #[arg(long, value_name = "NAME", default_value = TRAIT)]
    trait_name: String,
}

const TRAIT: &str = "Endpoints";

/// `1 document`, `2 documents`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

impl Folders {
    pub(crate) fn builder(&self) -> Builder {
        let builder = Builder::new().schemas(&self.schemas).out_dir(&self.out);
        let builder = self.include.iter().fold(builder, Builder::include);
        let builder = self.exclude.iter().fold(builder, Builder::exclude);
        builder.features(self.features).trait_name(&self.trait_name)
    }

    /// The command that brings the code up to date.
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
        command
    }

    /// What was lost in generation, or that there was nothing to generate from.
    pub(crate) fn warning(&self, summary: &Summary) -> Option<String> {
        summary.warning(&self.out)
    }

    /// A generated file, as one finds it.
    pub(crate) fn file(&self, path: &std::path::Path) -> String {
        self.out.join(path).display().to_string()
    }
}

use std::path::PathBuf;

use clap::Args;
use fal_codegen::Builder;

/// Where the documents are, and where the code goes.
#[derive(Debug, Args)]
pub(crate) struct Folders {
    /// The folder of the documents: every .json file in it and below, as fal serves it
    #[arg(long, value_name = "DIR", default_value = "schemas")]
    schemas: PathBuf,
    /// The folder of the generated code
    #[arg(long, value_name = "DIR", default_value = "src/endpoints")]
    out: PathBuf,
}

impl Folders {
    pub(crate) fn builder(&self) -> Builder {
        Builder::new().schemas(&self.schemas).out_dir(&self.out)
    }

    /// The command that brings the code up to date.
    pub(crate) fn generate_command(&self) -> String {
        format!("cargo fal generate --schemas {} --out {}", self.schemas.display(), self.out.display())
    }

    /// A generated file, as one finds it.
    pub(crate) fn file(&self, path: &std::path::Path) -> String {
        self.out.join(path).display().to_string()
    }
}

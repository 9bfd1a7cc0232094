//! The generators that are compared.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, panic};

use crate::cargo::Cargo;
use crate::measure::{self, Done, files};
use crate::work::Work;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Generator {
    FalCodegen,
    Typify,
    /// openapi-to-rust with `--types-only`.
    Types,
    /// openapi-to-rust as it is by default: types, and an HTTP client for each document.
    Client,
}

impl Generator {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Generator::FalCodegen => "fal-codegen",
            Generator::Typify => "typify, with builders",
            Generator::Types => "openapi-to-rust, types only",
            Generator::Client => "openapi-to-rust",
        }
    }

    /// Returns the folder of the generated code.
    pub(crate) fn code(self, work: &Work) -> PathBuf {
        work.path(match self {
            Generator::FalCodegen => "fal-codegen",
            Generator::Typify => "typify",
            Generator::Types => "types",
            Generator::Client => "client",
        })
    }

    /// Generates the code of all documents, and returns the seconds.
    pub(crate) fn generate(self, peer: &OpenapiToRust, work: &Work) -> Done<f64> {
        match self {
            Generator::FalCodegen => measure::fal_codegen(&work.schemas(), &self.code(work)),
            Generator::Typify => measure::typify(&work.schemas(), &self.code(work)),
            Generator::Types | Generator::Client => Ok(peer.run(self, work)?.0),
        }
    }

    /// Returns the documents that it rejects. typify and openapi-to-rust panic on some.
    pub(crate) fn rejected(self, peer: &OpenapiToRust, work: &Work) -> Done<BTreeSet<String>> {
        match self {
            Generator::FalCodegen => Ok(BTreeSet::new()),
            Generator::Typify => {
                let hook = panic::take_hook();
                panic::set_hook(Box::new(|_| {}));
                let is_rejected = |file: &PathBuf| {
                    let generated = panic::catch_unwind(|| measure::typify_one(&fs::read_to_string(file)?));
                    !generated.is_ok_and(|generated| generated.is_ok())
                };
                let names = files(&work.schemas())?.into_iter().filter(is_rejected);
                let names = names.map(|file| file.file_stem().unwrap_or_default().to_string_lossy().into_owned());
                let names = names.collect();
                panic::set_hook(hook);
                Ok(names)
            }
            Generator::Types | Generator::Client => Ok(peer.run(self, work)?.1),
        }
    }

    /// Returns the library of a crate of the generated code, and the lines of its dependencies. They are without TLS, which the
    /// code does not use, because it takes minutes to compile.
    pub(crate) fn library(self, cargo: &Cargo, work: &Work) -> Done<(String, BTreeSet<String>)> {
        let code = self.code(work);
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        if self == Generator::FalCodegen {
            let dependency = format!("fal-client = {{ path = {:?}, default-features = false }}", cargo.root);
            return Ok((format!("#[path = {:?}]\npub mod endpoints;\n", code.join("mod.rs")), [dependency].into()));
        }
        let (mut library, mut dependencies) = (String::new(), BTreeSet::new());
        for file in files(&code)? {
            let name = file.file_stem().unwrap_or_default().to_string_lossy();
            let root = if file.is_dir() { file.join("mod.rs") } else { file.clone() };
            library += &format!("#[path = {root:?}]\npub mod {name};\n");
            if let Ok(required) = fs::read_to_string(file.join("REQUIRED_DEPS.toml")) {
                let lines = required.lines().filter(|line| line.contains(" = "));
                dependencies.extend(lines.map(|line| line.replace("\"rustls\", ", "")));
            }
        }
        if self == Generator::Typify {
            dependencies = lines(&[
                "serde = { version = \"1\", features = [\"derive\"] }",
                "serde_json = \"1\"",
                "regress = \"0.12\"",
            ]);
        }
        Ok((library, dependencies))
    }
}

/// The program of `openapi_to_rust/`, which is not a part of the workspace. By default it is not installed.
#[derive(Default)]
pub(crate) struct OpenapiToRust {
    program: PathBuf,
}

impl OpenapiToRust {
    /// Compiles the program, with optimisation or as a build script.
    pub(crate) fn build(cargo: &Cargo, is_release: bool) -> Done<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/generation/openapi_to_rust");
        let (profile, options): (_, &[&str]) = if is_release { ("release", &["--release"]) } else { ("debug", &[]) };
        cargo.run(&folder, &[&["build", "--locked"], options].concat())?;
        Ok(OpenapiToRust { program: cargo.target().join(profile).join("generate-with-openapi-to-rust") })
    }

    pub(crate) fn is_installed(&self) -> bool {
        self.program.is_file()
    }

    /// Generates the code of all documents. Returns the seconds, and the documents that it rejects.
    fn run(&self, generator: Generator, work: &Work) -> Done<(f64, BTreeSet<String>)> {
        let what = if generator == Generator::Client { "client" } else { "types" };
        let mut command = Command::new(&self.program);
        let command = command.arg(work.schemas()).arg(generator.code(work)).arg(what).stdin(Stdio::null());
        let output = command.stderr(Stdio::inherit()).output()?;
        let text = String::from_utf8(output.stdout)?;
        let mut lines = text.lines();
        let seconds = lines.next().ok_or("openapi-to-rust did not write its time")?.parse()?;
        Ok((seconds, lines.map(str::to_owned).collect()))
    }
}

//! The generated code as a program that can be asked.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, thread};

use serde_json::Value;
use tempfile::TempDir;

use crate::Error;
use crate::instance::Instance;
use crate::judge::{Answer, Schemas};

const MAIN: &str = include_str!("../program/main.rs");

/// A compiled program that holds the generated code of some documents.
pub(crate) struct Program {
    executable: PathBuf,
    schemas: BTreeMap<String, Schemas>,
    _folder: TempDir,
}

impl Program {
    /// Generates and compiles the code of a folder of documents.
    pub(crate) fn build(documents: &Path) -> Result<Program, Error> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the workspace has no root")?;
        let folder = tempfile::tempdir()?;
        let source = folder.path().join("src");
        let endpoints = source.join("endpoints");
        let summary = fal_codegen::Builder::new().schemas(documents).out_dir(&endpoints).generate()?;
        let number = summary.documents;
        let (fields, untyped) = count_fields(&endpoints)?;
        let percent = 100.0 * untyped as f64 / fields.max(1) as f64;
        println!("{number} {} generated", if number == 1 { "document" } else { "documents" });
        println!("{fields} fields, of which {untyped} are untyped in whole or in part ({percent:.2} %)");

        let lines = fs::read_to_string(endpoints.join("MANIFEST"))?;
        let lines = lines.lines().skip(1).map(|line| line.split('\t').collect());
        // Of some endpoints fal has no document; they have no module.
        let lines: Vec<Vec<&str>> = lines.filter(|line: &Vec<&str>| line.get(2) != Some(&"-")).collect();
        fs::write(source.join("main.rs"), MAIN)?;
        fs::write(source.join("table.rs"), table(&lines))?;
        fs::write(folder.path().join("Cargo.toml"), package(workspace))?;
        fs::copy(workspace.join("Cargo.lock"), folder.path().join("Cargo.lock"))?;

        let mut schemas = BTreeMap::new();
        for line in &lines {
            if let [path, id, ..] = line[..] {
                schemas.insert(id.to_owned(), output_schemas(&fs::read(documents.join(path))?, id)?);
            }
        }
        let executable = compile(workspace, folder.path())?;
        Ok(Program { executable, schemas, _folder: folder })
    }

    /// Whether an endpoint is among the documents.
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.schemas.contains_key(id)
    }

    /// The schemas of an endpoint's output.
    pub(crate) fn schemas(&self, id: &str) -> Option<&Schemas> {
        self.schemas.get(id)
    }

    /// What the program makes of each instance.
    pub(crate) fn answers(&self, instances: &[Instance]) -> Result<Vec<Answer>, Error> {
        let mut child = Command::new(&self.executable).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take().ok_or("the program has no input")?;
        // Written beside reading: a pipe holds less than all of it.
        let written = thread::scope(|scope| {
            let writer = scope.spawn(move || -> std::io::Result<()> {
                let mut stdin = BufWriter::new(stdin);
                for Instance { id, of, value, .. } in instances {
                    writeln!(stdin, "{id}\t{of}\t{value}")?;
                }
                stdin.flush()
            });
            let output = child.wait_with_output();
            (writer.join(), output)
        });
        let (Ok(written), output) = written else { return Err("the program could not be written to".into()) };
        let output = output?;
        if !output.status.success() {
            return Err(format!("the program of the generated code ended with {}", output.status).into());
        }
        written?;
        let text = String::from_utf8(output.stdout)?;
        let answers = text.lines().map(|line| {
            let mut answer: Value = serde_json::from_str(line)?;
            Ok(match answer.get_mut("ok") {
                Some(written) => Ok(written.take()),
                None => Err(answer.get("error").and_then(Value::as_str).unwrap_or_default().to_owned()),
            })
        });
        let answers = answers.collect::<Result<Vec<Answer>, Error>>()?;
        if answers.len() != instances.len() {
            return Err(format!("{} instances got {} answers", instances.len(), answers.len()).into());
        }
        Ok(answers)
    }
}

/// How many fields the generated records have, and how many of them hold JSON of any kind.
fn count_fields(folder: &Path) -> Result<(usize, usize), Error> {
    let (mut fields, mut untyped) = (0, 0);
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            let (more_fields, more_untyped) = count_fields(&path)?;
            (fields, untyped) = (fields + more_fields, untyped + more_untyped);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)?;
            let found = text.lines().filter(|line| line.starts_with("        pub ") && !line.contains(" fn "));
            let found: Vec<&str> = found.collect();
            fields += found.len();
            untyped += found.iter().filter(|line| line.contains("__private::Json")).count();
        }
    }
    Ok((fields, untyped))
}

/// Each endpoint's id and types, sorted by id.
fn table(lines: &[Vec<&str>]) -> String {
    let mut rows: Vec<(&str, &str)> = Vec::new();
    for line in lines {
        if let [_, id, module, ..] = line[..] {
            rows.push((id, module));
        }
    }
    rows.sort_unstable();
    let rows: String = rows
        .iter()
        .map(|(id, module)| {
            format!("    endpoint::<endpoints::{module}::Input, endpoints::{module}::Output>({id:?}),\n")
        })
        .collect();
    format!("use crate::{{Endpoint, endpoint, endpoints}};\n\npub const ENDPOINTS: &[Endpoint] = &[\n{rows}];\n")
}

fn package(workspace: &Path) -> String {
    let workspace = workspace.display().to_string();
    format!(
        "[package]\nname = \"conformance-program\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\nfal-client = {{ path = {workspace:?} }}\nserde = \"1\"\nserde_json = \"1\"\n\n\
         [profile.dev]\ndebug = false\nincremental = false\n\n[workspace]\n"
    )
}

/// Where an endpoint's output is described.
fn output_schemas(document: &[u8], id: &str) -> Result<Schemas, Error> {
    let mut document: Value = serde_json::from_slice(document)?;
    let output = ["paths", &format!("/{id}/requests/{{request_id}}"), "get", "responses", "200", "content"]
        .iter()
        .chain(&["application/json", "schema"])
        .try_fold(&document, |value, key| value.get(key))
        .cloned()
        .unwrap_or_default();
    let components = document.pointer_mut("/components/schemas").map(Value::take).unwrap_or_default();
    Ok(Schemas { output, components })
}

/// Compiles the program; what it depends on is kept in the workspace's target folder for the next time.
fn compile(workspace: &Path, folder: &Path) -> Result<PathBuf, Error> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
    let target = target.join("conformance");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--manifest-path"])
        .arg(folder.join("Cargo.toml"))
        .env("CARGO_TARGET_DIR", &target)
        .env_remove("RUSTFLAGS")
        .stdout(Stdio::null())
        .status()?;
    if !status.success() {
        return Err("the generated code does not compile".into());
    }
    Ok(target.join("debug").join(format!("conformance-program{}", env::consts::EXE_SUFFIX)))
}

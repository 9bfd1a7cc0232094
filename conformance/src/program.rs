use std::collections::BTreeMap;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, thread};

use fal_documents::Finding;
use serde_json::Value;
use tempfile::TempDir;

use crate::Error;
use crate::instance::Instance;
use crate::verdict::{Outcome, Schemas};

const MAIN: &str = include_str!("../program/main.rs");

/// A compiled program with the generated code of some documents.
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
        println!("generated {number} {}", if number == 1 { "document" } else { "documents" });
        println!("{fields} fields, {untyped} of them fully or partly untyped ({percent:.2} %)");

        let lines = fs::read_to_string(endpoints.join("MANIFEST"))?;
        let lines = lines.lines().skip(1).map(|line| line.split('\t').collect());
        // Endpoints without a document have no module.
        let lines: Vec<Vec<&str>> = lines.filter(|line: &Vec<&str>| line.get(2) != Some(&"-")).collect();
        fs::write(source.join("main.rs"), MAIN)?;
        fs::write(source.join("table.rs"), table(&lines))?;
        fs::write(folder.path().join("Cargo.toml"), package(workspace))?;
        fs::copy(workspace.join("Cargo.lock"), folder.path().join("Cargo.lock"))?;

        let schemas = schemas_of(documents)?;
        let executable = compile(workspace, folder.path())?;
        Ok(Program { executable, schemas, _folder: folder })
    }

    /// Returns whether a document has this endpoint.
    pub(crate) fn has_endpoint(&self, id: &str) -> bool {
        self.schemas.contains_key(id)
    }

    /// Returns the schemas of each endpoint, by its id.
    pub(crate) fn endpoints(&self) -> impl Iterator<Item = (&str, &Schemas)> {
        self.schemas.iter().map(|(id, schemas)| (id.as_str(), schemas))
    }

    /// Returns the schemas of an endpoint.
    pub(crate) fn schemas(&self, id: &str) -> Option<&Schemas> {
        self.schemas.get(id)
    }

    /// Runs the instances through the program, and returns their outcomes in the same order.
    pub(crate) fn run(&self, instances: &[Instance]) -> Result<Vec<Outcome>, Error> {
        let mut child = Command::new(&self.executable).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take().ok_or("the program has no standard input")?;
        // Written while the output is read, because a pipe does not hold all of it.
        let written = thread::scope(|scope| {
            let writer = scope.spawn(move || -> std::io::Result<()> {
                let mut stdin = BufWriter::new(stdin);
                for Instance { id, side, value, .. } in instances {
                    writeln!(stdin, "{id}\t{side}\t{value}")?;
                }
                stdin.flush()
            });
            let output = child.wait_with_output();
            (writer.join(), output)
        });
        let (Ok(written), output) = written else {
            return Err("cannot write to the program: its writer panicked".into());
        };
        let output = output?;
        if !output.status.success() {
            return Err(format!("the program of the generated code failed: {}", output.status).into());
        }
        written?;
        let text = String::from_utf8(output.stdout)?;
        let outcomes = text.lines().map(|line| {
            let mut outcome: Value = serde_json::from_str(line)?;
            Ok(match outcome.get_mut("ok") {
                Some(serialized) => Ok(serialized.take()),
                None => Err(outcome.get("error").and_then(Value::as_str).unwrap_or_default().to_owned()),
            })
        });
        let outcomes = outcomes.collect::<Result<Vec<Outcome>, Error>>()?;
        if outcomes.len() != instances.len() {
            return Err(
                format!("expected {} outcomes, the program returned {}", instances.len(), outcomes.len()).into()
            );
        }
        Ok(outcomes)
    }
}

/// Counts the fields of the generated structs, and those that hold untyped JSON.
fn count_fields(folder: &Path) -> Result<(usize, usize), Error> {
    let (mut fields, mut untyped) = (0, 0);
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            let (more_fields, more_untyped) = count_fields(&path)?;
            (fields, untyped) = (fields + more_fields, untyped + more_untyped);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)?;
            let found: Vec<&str> = text.lines().filter(|line| is_field(line)).collect();
            fields += found.len();
            untyped += found.iter().filter(|line| line.contains("::serde_json::Value")).count();
        }
    }
    Ok((fields, untyped))
}

/// Returns whether a line is a field: `pub prompt: String`.
fn is_field(line: &str) -> bool {
    let name = line.trim_start().strip_prefix("pub ").and_then(|rest| rest.split_once(": "));
    name.is_some_and(|(name, _)| name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '#'))
}

/// Returns the source of a table of the endpoints' ids and types, sorted by id.
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

/// Returns the manifest of the program.
fn package(workspace: &Path) -> String {
    let workspace = workspace.display().to_string();
    format!(
        "[package]\nname = \"conformance-program\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\nfal-client = {{ path = {workspace:?}, default-features = false }}\n\
         serde = \"1\"\nserde_json = \"1\"\n\n\
         [profile.dev]\ndebug = false\nincremental = false\n\n[workspace]\n"
    )
}

/// Reads the schemas of all endpoints, by id, from documents that the generator has accepted.
fn schemas_of(documents: &Path) -> Result<BTreeMap<String, Schemas>, Error> {
    let failed = |findings: Vec<Finding>| findings.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n");
    let mut schemas = BTreeMap::new();
    for source in fal_documents::find(documents).map_err(failed)?.sources {
        for document in fal_documents::parse(&source).map_err(failed)?.documents {
            let (input, output, components) = (document.input, document.output, Value::Object(document.components));
            schemas.insert(document.id, Schemas { input, output, components });
        }
    }
    Ok(schemas)
}

/// Compiles the program in the workspace's target folder, where other builds have left most of its dependencies.
fn compile(workspace: &Path, folder: &Path) -> Result<PathBuf, Error> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
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

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::schemas_of;

    #[test]
    fn outputs_are_read_from_every_form() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let short = |id: &str| json!({ "endpointId": id, "input": {}, "output": { "$ref": "#/$defs/Sum" }, "$defs": { "Sum": {} } });
        let result = json!({ "get": { "responses": { "200": { "content": { "application/json": { "schema": { "type": "object" } } } } } } });
        let post = json!({ "post": { "requestBody": { "content": { "application/json": { "schema": {} } } } } });
        let model = json!({
            "endpoint_id": "acme/sum",
            "openapi": { "paths": { "/acme/sum": post, "/acme/sum/requests/{request_id}": result } },
        });
        fs::write(folder.path().join("page.json"), json!({ "models": [model] }).to_string())?;
        fs::write(folder.path().join("list.json"), json!([short("acme/a"), short("acme/b")]).to_string())?;
        let schemas = schemas_of(folder.path())?;
        assert_eq!(schemas.keys().collect::<Vec<_>>(), ["acme/a", "acme/b", "acme/sum"]);
        assert_eq!(schemas["acme/sum"].output, json!({ "type": "object" }));
        assert_eq!(schemas["acme/a"].components, json!({ "Sum": {} }));
        Ok(())
    }
}

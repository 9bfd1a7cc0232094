//! Generates code with openapi-to-rust, for the bench `generation`: `SCHEMAS OUT types|client`.
//!
//! Prints the processor time in seconds, and then the names of the documents that it rejects. Each document gets a module, with
//! the options of its command `generate`, and of `generate --types-only`.

#[path = "../stopwatch.rs"]
mod stopwatch;

use std::error::Error;
use std::path::Path;
use std::{env, fs, panic};

use openapi_to_rust::{CodeGenerator, GeneratorConfig, SchemaAnalyzer};
use stopwatch::Stopwatch;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [schemas, out, what] = &arguments[..] else { return Err("expected SCHEMAS OUT types|client".into()) };
    panic::set_hook(Box::new(|_| {}));
    let start = Stopwatch::start();
    let mut rejected = Vec::new();
    for entry in fs::read_dir(schemas)? {
        let file = entry?.path();
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let folder = Path::new(out).join(&name);
        let is_generated = panic::catch_unwind(|| generate(&file, &folder, what == "client").is_ok());
        if !is_generated.unwrap_or(false) {
            rejected.push(name);
        }
    }
    println!("{}", start.seconds());
    rejected.iter().for_each(|name| println!("{name}"));
    Ok(())
}

fn generate(file: &Path, folder: &Path, has_client: bool) -> Result<(), Box<dyn Error>> {
    let document: serde_json::Value = serde_json::from_str(&fs::read_to_string(file)?)?;
    let mut config = GeneratorConfig {
        output_dir: folder.to_owned(),
        enable_async_client: has_client,
        enable_sse_client: false,
        tracing_enabled: false,
        ..GeneratorConfig::default()
    };
    config.apply_spec_server_default(&document);
    let mut analysis = SchemaAnalyzer::new(document)?.analyze()?;
    let generator = CodeGenerator::new(config);
    let result = generator.generate_all(&mut analysis)?;
    generator.write_files(&result)?;
    Ok(())
}

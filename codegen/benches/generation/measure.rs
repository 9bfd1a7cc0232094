//! The measured work. The bench includes this file, and so does a build script that it writes.

#[path = "stopwatch.rs"]
mod stopwatch;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::Value;
use stopwatch::Stopwatch;
use typify::{TypeSpace, TypeSpaceSettings};

pub(crate) type Done<T> = Result<T, Box<dyn Error>>;

/// Generates code from a folder of documents, and returns the seconds from reading to writing.
pub(crate) fn fal_codegen(schemas: &Path, out: &Path) -> Done<f64> {
    let start = Stopwatch::start();
    fal_codegen::Builder::new().schemas(schemas).out_dir(out).generate()?;
    Ok(start.seconds())
}

/// Does the same with typify, a module for each document.
pub(crate) fn typify(schemas: &Path, out: &Path) -> Done<f64> {
    let start = Stopwatch::start();
    fs::create_dir_all(out)?;
    for file in files(schemas)? {
        let name = format!("{}.rs", file.file_stem().unwrap_or_default().to_string_lossy());
        fs::write(out.join(name), typify_one(&fs::read_to_string(file)?)?)?;
    }
    Ok(start.seconds())
}

/// Generates typify's code for a document's components, with builders.
pub(crate) fn typify_one(text: &str) -> Done<String> {
    let document: Value = serde_json::from_str(&text.replace("#/components/schemas/", "#/definitions/"))?;
    let components = document["components"]["schemas"].as_object().cloned().unwrap_or_default();
    let schemas = components.into_iter().map(|(name, schema)| Ok((name, serde_json::from_value(schema)?)));
    let schemas = schemas.collect::<Result<Vec<(String, schemars::schema::Schema)>, serde_json::Error>>()?;
    let mut space = TypeSpace::new(TypeSpaceSettings::default().with_struct_builder(true));
    space.add_ref_types(schemas)?;
    Ok(prettyplease::unparse(&syn::parse2(space.to_stream())?))
}

/// Returns the files of a folder, sorted.
pub(crate) fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    files.sort();
    Ok(files)
}

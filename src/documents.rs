use include_dir::{Dir, DirEntry, include_dir};

static SCHEMAS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/schemas");

/// Returns the OpenAPI documents of the shipped endpoints, sorted by path. Each item is a path below `schemas/` and the
/// document's text.
///
/// ```
/// let documents: Vec<(&str, &str)> = fal_client::documents().collect();
/// assert!(documents.iter().any(|(path, _)| *path == "fal-ai/flux/dev/redux.json"));
/// ```
pub fn documents() -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut found = Vec::new();
    collect(&SCHEMAS, &mut found);
    found.sort_unstable();
    found.into_iter()
}

fn collect(folder: &'static Dir<'static>, found: &mut Vec<(&'static str, &'static str)>) {
    for entry in folder.entries() {
        match entry {
            DirEntry::Dir(folder) => collect(folder, found),
            DirEntry::File(file) => {
                let is_document = |path: &&str| path.ends_with(".json") && !path.ends_with(".patch.json");
                if let (Some(path), Some(text)) = (file.path().to_str().filter(is_document), file.contents_utf8()) {
                    found.push((path, text));
                }
            }
        }
    }
}

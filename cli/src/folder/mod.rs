//! The schemas folder: the endpoints that it has, and how documents get into it. Nothing is written before the generator can
//! use it.

mod canonical;
mod place;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fal_codegen::{Change, Describer, Description};
use fal_documents::{Document, Finding, Source};
use serde_json::Value;

use crate::error::{Error, Exit};
use crate::settings::Settings;

pub(crate) use canonical::documents_of;

/// The files of the folder, in memory.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    describer: Describer,
    /// By path in the folder, with `/`.
    files: BTreeMap<String, Source>,
    /// The problems of invalid files.
    invalid: BTreeMap<String, Vec<Finding>>,
    endpoints: BTreeMap<String, Stored>,
    /// The endpoint of each module of the generated code.
    modules: BTreeMap<Vec<String>, String>,
    /// Each file and folder, by its path in lower case.
    names: BTreeMap<String, String>,
    /// The files to write.
    changed: BTreeSet<String>,
}

/// A document of the folder.
#[derive(Debug)]
struct Stored {
    /// The path of its file in the folder.
    file: String,
    document: Document,
}

/// A document that can be applied to the folder.
#[derive(Debug)]
pub(crate) struct Staged {
    pub(crate) id: String,
    pub(crate) file: PathBuf,
    pub(crate) effect: Effect,
    pub(crate) description: Description,
    source: Source,
    document: Document,
}

/// The change of the folder by a document.
#[derive(Debug)]
pub(crate) enum Effect {
    /// The endpoint is new.
    New,
    /// The folder has the same document.
    Unchanged,
    /// The folder has another document. Without changes, the difference does not affect the generated code.
    Changed(Vec<Change>),
    /// The file is there and is not a valid document, for this reason.
    Repaired(String),
}

impl Folder {
    /// Reads the folder, if it exists. Invalid files are kept as they are.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or a patch has no document.
    pub(crate) fn read(path: &Path, settings: &Settings) -> Result<Self, Error> {
        let describer = Describer::new().module_path(settings.crate_path()).trait_name(&settings.trait_name);
        let mut folder = Folder {
            path: path.to_owned(),
            describer,
            files: BTreeMap::new(),
            invalid: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            modules: BTreeMap::new(),
            names: BTreeMap::new(),
            changed: BTreeSet::new(),
        };
        let sources = match path.exists() {
            true => fal_documents::find(path)?.sources,
            false => Vec::new(),
        };
        for source in sources {
            match fal_documents::parse(&source) {
                Ok(contents) => {
                    contents.documents.into_iter().for_each(|document| folder.index(&source.path, document))
                }
                Err(findings) => drop(folder.invalid.insert(source.path.clone(), findings)),
            }
            folder.insert(source);
        }
        Ok(folder)
    }

    fn insert(&mut self, source: Source) {
        for (lower, name) in place::prefixes(&source.path) {
            self.names.entry(lower).or_insert_with(|| name.to_owned());
        }
        self.files.insert(source.path.clone(), source);
    }

    fn index(&mut self, file: &str, document: Document) {
        self.modules.entry(fal_codegen::module_path(&document.id)).or_insert_with(|| document.id.clone());
        let stored = Stored { file: file.to_owned(), document };
        self.endpoints.insert(stored.document.id.clone(), stored);
    }

    pub(crate) fn has(&self, id: &str) -> bool {
        self.endpoints.contains_key(id)
    }

    /// Returns the ids of all endpoints, sorted.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.endpoints.keys().map(String::as_str)
    }

    /// Returns the file of an endpoint.
    pub(crate) fn file(&self, id: &str) -> Option<&Path> {
        Some(&self.files.get(&self.endpoints.get(id)?.file)?.file)
    }

    /// Returns the problems of the invalid files.
    pub(crate) fn problems(&self) -> impl Iterator<Item = &Finding> {
        self.invalid.values().flatten()
    }

    /// Returns true if the document of an endpoint is fal's, and not written by hand or served by an app.
    pub(crate) fn is_from_fal(&self, id: &str) -> bool {
        self.json(id).is_some_and(|json| json.get("paths").is_some())
    }

    /// Returns the document of an endpoint as it is in its file, without its patch.
    fn json(&self, id: &str) -> Option<Value> {
        let stored = self.endpoints.get(id)?;
        let file = canonical::parse(&self.files.get(&stored.file)?.text).ok()?;
        file.pointer(&stored.document.at).cloned()
    }

    /// Checks that a document can be used, and compares it with the folder's.
    ///
    /// # Errors
    ///
    /// The document is invalid, a patch no longer applies to it, or the folder cannot have a file for it.
    pub(crate) fn stage(&self, id: &str, json: Value) -> Result<Staged, Error> {
        let (source, old) = match self.endpoints.get(id) {
            Some(stored) => (self.replaced(stored, &json)?, Some(&stored.document)),
            None => (self.created(id, &json)?, None),
        };
        let contents = fal_documents::parse(&source)?;
        let document = contents.documents.into_iter().find(|document| document.id == id);
        let document = document.ok_or_else(|| {
            Error::new(Exit::Failed, format!("`{}` would not be the document of `{id}`", source.path))
        })?;
        // Its method has another name if there are endpoints below it.
        let below = format!("{id}/");
        let below = self.endpoints.range(below.clone()..).map(|(id, _)| id).take_while(|id| id.starts_with(&below));
        let description = self.describer.clone().endpoints(below).describe(&document)?;
        let effect = match (old, self.invalid.get(&source.path)) {
            (Some(_), _) if self.json(id).as_ref() == Some(&json) => Effect::Unchanged,
            (Some(old), _) => Effect::Changed(changes(old, &document)?),
            (None, Some(findings)) => Effect::Repaired(findings.first().map(Finding::to_string).unwrap_or_default()),
            (None, None) => Effect::New,
        };
        Ok(Staged { id: id.to_owned(), file: source.file.clone(), effect, description, source, document })
    }

    /// Returns the file of a document, with another document in its place.
    fn replaced(&self, stored: &Stored, json: &Value) -> Result<Source, Error> {
        let source = self.files.get(&stored.file);
        let root = source.and_then(|source| Some((source, canonical::parse(&source.text).ok()?)));
        let is_document = |slot: &Value| slot.get("paths").is_some() || slot.get("endpointId").is_some();
        if let Some((source, mut root)) = root
            && let Some(slot) = root.pointer_mut(&stored.document.at).filter(|slot| is_document(slot))
        {
            // In a page of models, the id is next to the document.
            let is_of_model = stored.document.at.ends_with("/openapi");
            *slot =
                if is_of_model { json.clone() } else { canonical::self_contained(&stored.document.id, json.clone()) };
            return Ok(Source { text: canonical::text(root).into_bytes(), ..source.clone() });
        }
        let message = format!("`{}` is a part of `{}`, the document of its app", stored.document.id, stored.file);
        Err(Error::new(Exit::Failed, message).help("replace or remove that file"))
    }

    /// Returns the file of a new document.
    fn created(&self, id: &str, json: &Value) -> Result<Source, Error> {
        let path = self.place(id)?;
        let module = fal_codegen::module_path(id);
        if let Some(other) = self.modules.get(&module) {
            let message = format!("`{id}` and `{other}` would have the same module, {}", module.join("::"));
            return Err(Error::new(Exit::Failed, message).help(format!("remove the document of `{other}` first")));
        }
        let text = canonical::text(canonical::self_contained(id, json.clone())).into_bytes();
        let patch = self.files.get(&path).and_then(|source| source.patch.clone());
        Ok(Source { file: self.path.join(&path), path, text, patch })
    }

    /// Applies a document in memory.
    pub(crate) fn apply(&mut self, staged: Staged) {
        let path = staged.source.path.clone();
        self.invalid.remove(&path);
        self.index(&path, staged.document);
        self.insert(staged.source);
        self.changed.insert(path);
    }

    /// Writes the files that have changed, each as a whole.
    ///
    /// # Errors
    ///
    /// A file cannot be written. Those before it are written.
    pub(crate) fn save(&mut self) -> Result<(), Error> {
        while let Some(path) = self.changed.first() {
            if let Some(source) = self.files.get(path) {
                write::write(&source.file, &source.text)?;
            }
            self.changed.pop_first();
        }
        Ok(())
    }
}

/// Compares two versions of a document, with their patches applied.
fn changes(old: &Document, new: &Document) -> Result<Vec<Change>, Error> {
    Ok(fal_codegen::changes(&old.to_openapi().to_string(), &new.to_openapi().to_string())?)
}

//! The endpoints whose documents are here: those of the schemas folder, and those that fal-client ships.

use std::collections::BTreeMap;

use fal_codegen::{Describer, Description};
use fal_documents::{Document, Source};

#[cfg(feature = "online")]
use crate::context::Context;
use crate::error::{Error, Exit};
#[cfg(feature = "online")]
use crate::fetch::{self, Fetcher, Outcome};
use crate::nearest::nearest;
use crate::settings::Settings;

/// The documents of endpoints, by id.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    entries: BTreeMap<String, Entry>,
}

/// A document of the catalogue.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The document.
    pub(crate) document: Document,
    /// True if it comes with fal-client, and not from the schemas folder.
    pub(crate) is_shipped: bool,
}

impl Catalog {
    /// Reads the schemas folder, if it exists, and the shipped documents. The folder takes precedence.
    ///
    /// # Errors
    ///
    /// A document in the folder is invalid.
    pub(crate) fn load(settings: &Settings) -> Result<Self, Error> {
        let mut catalog = Catalog::default();
        catalog.add_shipped()?;
        if settings.schemas.is_dir() {
            for source in &fal_documents::find(&settings.schemas)?.sources {
                catalog.add(source, false)?;
            }
        }
        Ok(catalog)
    }

    #[cfg(feature = "online")]
    fn add_shipped(&mut self) -> Result<(), Error> {
        for (path, json) in fal_client::documents() {
            let (file, path) = (path.into(), path.to_owned());
            let source = Source { file, path, text: json.as_bytes().to_vec(), patch: None };
            self.add(&source, true)?;
        }
        Ok(())
    }

    #[cfg(not(feature = "online"))]
    fn add_shipped(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn add(&mut self, source: &Source, is_shipped: bool) -> Result<(), Error> {
        for document in fal_documents::parse(source)?.documents {
            self.entries.insert(document.id.clone(), Entry { document, is_shipped });
        }
        Ok(())
    }

    /// Returns the entries, sorted by id.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// Returns the ids, sorted.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Describes an entry. Its example compiles in the project if the document is in the schemas folder, and else in every crate
    /// that uses fal-client.
    ///
    /// # Errors
    ///
    /// The document has schemas that the generator refuses.
    pub(crate) fn describe(&self, entry: &Entry, settings: &Settings) -> Result<Description, Error> {
        let ids = self.entries().filter(|other| other.is_shipped == entry.is_shipped).map(|other| &other.document.id);
        let describer = Describer::new().endpoints(ids);
        let describer = match entry.is_shipped {
            true => describer.module_path("fal_client::endpoints"),
            false => describer.module_path(settings.crate_path()).trait_name(&settings.trait_name),
        };
        Ok(describer.describe(&entry.document)?)
    }

    /// Returns the ids that are most similar to another, the nearest first.
    pub(crate) fn nearest(&self, id: &str) -> Vec<&str> {
        nearest(id, self.ids())
    }

    /// Returns the entry of an endpoint.
    ///
    /// # Errors
    ///
    /// The catalogue does not have it. The error names the nearest ids.
    pub(crate) fn require(&self, id: &str) -> Result<&Entry, Error> {
        self.get(id).ok_or_else(|| {
            let error = Error::new(Exit::NotFound, format!("no document of the endpoint `{id}` here"));
            match self.nearest(id).first() {
                Some(nearest) => {
                    error.help(format!("did you mean `{nearest}`? To fetch others, use `cargo fal add {id}`"))
                }
                None => error.help(format!("fetch it with `cargo fal add {id}`")),
            }
        })
    }
}

/// Returns the document of an endpoint: of the schemas folder, of the shipped ones, or else of fal.
///
/// # Errors
///
/// A document in the folder is invalid, fal does not have the endpoint or has no document of it, or fal cannot be reached. The
/// error names the nearest ids.
#[cfg(feature = "online")]
pub(crate) async fn endpoint(context: &Context, client: &fal_client::Client, id: &str) -> Result<Entry, Error> {
    let catalog = Catalog::load(&context.settings)?;
    if let Some(entry) = catalog.get(id) {
        return Ok(entry.clone());
    }
    fetch::check_id(id)?;
    let mut fetcher = Fetcher::new(client);
    let fetched = fetcher.documents(&[id.to_owned()], &context.terminal).await?;
    match fetched.into_iter().map(|fetched| fetched.outcome).next() {
        Some(Outcome::Document(text)) => {
            context.terminal.note(format_args!("using fal's document of `{id}`; `cargo fal add {id}` saves it"));
            Ok(Entry { document: fetch::document(id, &text)?, is_shipped: false })
        }
        Some(Outcome::Undocumented(reason)) => Err(fetch::undocumented(id, &reason)),
        Some(Outcome::Unknown) | None => Err(fetch::unknown(id, &fetcher.nearest(id, catalog.ids()).await)),
    }
}

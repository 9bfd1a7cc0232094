//! Fetches the documents of endpoints: many at a time from the platform API, or else each from fal's website.

use std::collections::BTreeMap;
use std::time::Duration;

use fal_client::platform::{Model, ModelStatus, Platform};
use fal_client::{Client, ErrorKind};
use fal_documents::text::quoted;
use fal_documents::{Document, Source};
use futures_util::TryStreamExt;
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use serde_json::Value;

use crate::error::{Error, Exit};
use crate::layout::plain;
use crate::nearest::nearest;
use crate::online::client_builder;
use crate::terminal::Terminal;

/// The most endpoints of a request with documents.
pub(crate) const BATCH: usize = 50;

/// The interval at which the time of a progress bar is updated.
const TICK: Duration = Duration::from_millis(200);

/// The document that fal has of an endpoint, or the reason why it has none.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) id: String,
    pub(crate) is_deprecated: bool,
    pub(crate) outcome: Outcome,
}

#[derive(Debug)]
pub(crate) enum Outcome {
    /// The text of the OpenAPI document.
    Document(String),
    /// fal has the endpoint, and no document of it, for this reason. Endpoints for realtime connections are so.
    Undocumented(String),
    /// fal does not have the endpoint.
    Unknown,
}

/// Fetches documents, one request after another.
#[derive(Debug)]
pub(crate) struct Fetcher {
    platform: Platform,
    /// The error of the platform API, if it is unreachable. The website is used instead.
    unreachable: Option<fal_client::Error>,
}

/// Creates a client for the catalogue, which needs no key. With a key, fal allows more requests.
///
/// # Errors
///
/// A variable of the environment is invalid.
pub(crate) fn client() -> Result<Client, Error> {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let has_key = ["FAL_KEY", "FAL_KEY_ID", "FAL_KEY_SECRET"].into_iter().any(is_set);
    let builder = if has_key { client_builder() } else { client_builder().anonymous() };
    Ok(builder.build()?)
}

impl Fetcher {
    pub(crate) fn new(client: &Client) -> Self {
        Fetcher { platform: client.platform(), unreachable: None }
    }

    /// Fetches what fal has of each of these endpoints, in their order. The ids have to be valid.
    ///
    /// # Errors
    ///
    /// fal cannot be reached, limits the rate for long, or refuses the key.
    pub(crate) async fn documents(&mut self, ids: &[String], terminal: &Terminal) -> Result<Vec<Fetched>, Error> {
        let mut fetched = Vec::with_capacity(ids.len());
        for batch in ids.chunks(BATCH) {
            let mut listed = self.listed(batch, terminal).await?;
            for id in batch {
                let model = listed.remove(id);
                let is_deprecated = model.as_ref().is_some_and(is_deprecated);
                let is_listed = model.is_some();
                let outcome = match model.and_then(|model| model.openapi) {
                    Some(Ok(document)) => Outcome::Document(document.as_str().to_owned()),
                    Some(Err(error)) => self.single(id, is_listed, Some(error.to_string())).await?,
                    None => self.single(id, is_listed, None).await?,
                };
                fetched.push(Fetched { id: id.clone(), is_deprecated, outcome });
            }
        }
        Ok(fetched)
    }

    /// Returns the models with these ids that the platform API has, by id. Returns an empty map if the platform API cannot be used.
    async fn listed(&mut self, ids: &[String], terminal: &Terminal) -> Result<BTreeMap<String, Model>, Error> {
        if self.unreachable.is_some() {
            return Ok(BTreeMap::new());
        }
        let models = self.platform.models().ids(ids).openapi(true).skip_unknown(true);
        match models.stream().try_collect::<Vec<_>>().await {
            Ok(models) => Ok(models.into_iter().map(|model| (model.endpoint_id.clone(), model)).collect()),
            Err(error) if error.is_rate_limited() => Err(rate_limited(&error)),
            // Its pages may be too large, or it may have changed. The documents are elsewhere, too.
            Err(error) if error.is_retryable() || error.kind() == ErrorKind::UnexpectedResponse => {
                let message = format!("the platform API cannot be used; fetching from fal's website: {error}");
                terminal.note(plain(&message));
                self.unreachable = Some(error);
                Ok(BTreeMap::new())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Fetches a document from the website, because the platform API does not have it for a reason.
    async fn single(&self, id: &str, is_listed: bool, reason: Option<String>) -> Result<Outcome, Error> {
        let error = match self.platform.document(id).await {
            Ok(document) => return Ok(Outcome::Document(document.as_str().to_owned())),
            Err(error) => error,
        };
        match &self.unreachable {
            _ if error.is_rate_limited() => Err(rate_limited(&error)),
            None if is_listed => Ok(Outcome::Undocumented(reason.unwrap_or_else(|| error.to_string()))),
            None => Ok(Outcome::Unknown),
            Some(_) if error.is_not_found() => Ok(Outcome::Unknown),
            Some(unreachable) => Err(unreachable.clone().into()),
        }
    }

    /// Returns the ids that are most similar to an unknown one: of the catalogue, by search, and of others.
    pub(crate) async fn nearest<'a>(&self, id: &str, others: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let mut ids: Vec<String> = others.into_iter().map(str::to_owned).collect();
        for words in searches(id) {
            // A suggestion is not worth another error.
            let Ok(page) = self.platform.models().search(words).limit(100).page().await else { break };
            ids.extend(page.items.into_iter().map(|model| model.endpoint_id).filter(|id| fal_documents::is_id(id)));
        }
        ids.sort();
        ids.dedup();
        nearest(id, ids.iter().map(String::as_str)).into_iter().map(str::to_owned).collect()
    }
}

/// Creates a progress bar for a number of documents, which is hidden without a terminal.
pub(crate) fn bar(documents: usize, terminal: &Terminal) -> ProgressBar {
    if !terminal.is_interactive {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(documents as u64).with_finish(ProgressFinish::AndClear);
    // A rate limit may last.
    bar.enable_steady_tick(TICK);
    match ProgressStyle::with_template("{bar:30} {pos}/{len} documents, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Checks that an id can be the id of an endpoint.
pub(crate) fn check_id(id: &str) -> Result<(), Error> {
    if fal_documents::is_id(id) {
        return Ok(());
    }
    let error = Error::new(Exit::Usage, format!("invalid endpoint id {}", quoted(id)));
    let page = id.split_once("fal.ai/models/").map(|(_, page)| page.split(['?', '#']).next().unwrap_or_default());
    let page = page.map(|page| page.trim_matches('/').trim_end_matches("/api").trim_end_matches("/playground"));
    Err(match page.filter(|page| fal_documents::is_id(page)) {
        Some(page) => error.help(format!("the id of that page is `{page}`")),
        None if id.contains("://") => error.help("to add the document at a URL, use `curl URL | cargo fal add -`"),
        None => error.help(format!(
            "expected `owner/app` or `owner/app/path`, such as `fal-ai/flux/dev`; find ids with `cargo fal search {}`",
            plain(id.rsplit('/').find(|word| !word.is_empty()).unwrap_or("WORDS"))
        )),
    })
}

/// Reads the OpenAPI document that fal has of an endpoint.
///
/// # Errors
///
/// The document is invalid, or that of another endpoint.
pub(crate) fn document(id: &str, text: &str) -> Result<Document, Error> {
    let path = format!("{id}.json");
    let source = Source { file: path.clone().into(), path, text: text.as_bytes().to_vec(), patch: None };
    let mut documents = fal_documents::parse(&source)?.documents;
    match documents.iter().position(|document| document.id == id) {
        Some(index) => Ok(documents.swap_remove(index)),
        None => Err(Error::new(Exit::Failed, format!("fal's document of `{id}` is that of another endpoint"))),
    }
}

/// Reads the JSON of the document that fal has of an endpoint.
///
/// # Errors
///
/// The document is invalid, or that of another endpoint.
pub(crate) fn json(id: &str, text: &str) -> Result<Value, Error> {
    document(id, text)?;
    serde_json::from_str(text).map_err(|error| Error::new(Exit::Failed, format!("invalid JSON: {error}")))
}

/// Creates the error of an endpoint without a document.
pub(crate) fn undocumented(id: &str, reason: &str) -> Error {
    Error::new(Exit::NotFound, format!("fal has no document of `{id}`: {}", plain(reason)))
        .help("endpoints for realtime connections have none; a document in the short form can be written by hand")
}

/// Creates the error of an unknown endpoint, with the nearest names.
pub(crate) fn unknown(id: &str, nearest: &[String]) -> Error {
    let error = Error::new(Exit::NotFound, format!("fal has no endpoint `{id}`"));
    match nearest {
        [] => error.help("search the catalogue with `cargo fal search WORDS`"),
        [nearest] => error.help(format!("did you mean `{nearest}`?")),
        nearest => error.help(format!("did you mean one of these? {}", nearest.join(", "))),
    }
}

pub(crate) fn is_deprecated(model: &Model) -> bool {
    model.metadata.as_ref().is_some_and(|metadata| metadata.status == Some(ModelStatus::Deprecated))
}

fn rate_limited(error: &fal_client::Error) -> Error {
    Error::new(Exit::Network, error.to_string()).help(
        "wait a while, and run the command again: it continues where it stopped. A key in FAL_KEY raises the limit",
    )
}

/// The searches that may find an endpoint in spite of a typo in its id: the longest words of its name, and its owner.
fn searches(id: &str) -> Vec<String> {
    let (owner, name) = id.split_once('/').unwrap_or(("", id));
    let mut words: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() > 1).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words.dedup();
    words.truncate(3);
    words.extend(Some(owner).filter(|owner| !owner.is_empty()));
    words.into_iter().map(str::to_owned).collect()
}

//! The list of models: `/models`, from the section "Model search" of fal's platform API reference. The document of one endpoint on
//! fal's website.

use hyper::StatusCode;
use hyper::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::endpoints::endpoint::Endpoint;
use crate::handlers::platform::{MAX_IDS, expands};
use crate::media::image_format::ImageFormat;
use crate::media::media_file::{MediaFile, MediaKind};
use crate::platform::error::{invalid, not_found};
use crate::platform::model_entry::ModelEntry;
use crate::platform::page::{Page, Sizes};
use crate::request::received::Received;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Reply};
use crate::state::State;
use crate::urls::Urls;

/// The date of every model.
const DATE: &str = "2026-01-01T00:00:00Z";

/// Responds with models: all, those of the requested ids, or those that match a search.
pub(super) fn list(state: &State, received: &Received) -> Result<Reply, Refusal> {
    let ids: Vec<&str> = received.query_all("endpoint_id").collect();
    if ids.len() > MAX_IDS {
        return Err(invalid(&format!("`endpoint_id` takes 1 to {MAX_IDS} ids")));
    }
    if !ids.is_empty() && ids.iter().all(|id| state.catalog.endpoint(id).is_none()) {
        return Err(not_found("No model of these ids was found"));
    }
    let deprecated = match received.query("status") {
        None => None,
        Some("active") => Some(false),
        Some("deprecated") => Some(true),
        Some(_) => return Err(invalid("`status` has to be active or deprecated")),
    };
    let with_documents = expands(received, "openapi-3.0");
    let sizes = match (with_documents, ids.is_empty()) {
        (true, true) => Sizes { default: 10, max: 10, strict: false },
        (true, false) => Sizes { default: MAX_IDS, max: MAX_IDS, strict: false },
        (false, _) => Sizes { default: 50, max: 1_000, strict: false },
    };
    let page = Page::of(received, sizes)?;
    let words: Vec<String> =
        received.query("q").unwrap_or_default().split_whitespace().map(str::to_lowercase).collect();
    let models = state.catalog.endpoints().map(|endpoint| {
        let entry = state.models.get(&endpoint.document.id);
        Model { endpoint, entry }
    });
    let is_requested = |model: &Model<'_>| {
        (ids.is_empty() || ids.contains(&model.id()))
            && deprecated.is_none_or(|deprecated| deprecated == model.entry.is_deprecated)
            && received.query("category").is_none_or(|category| category == model.category())
            && words.iter().all(|word| model.has(word))
    };
    let (models, mut members) = page.of_items(models.filter(is_requested).collect());
    let has_key = received.headers().contains_key(AUTHORIZATION);
    let expand = |model: &Model<'_>| {
        let mut json = json!({ "endpoint_id": model.id() });
        if !model.entry.lacks_metadata {
            json["metadata"] = model.metadata(received.urls(), has_key);
        }
        if with_documents {
            json["openapi"] = model.document();
        }
        if expands(received, "enterprise_status") {
            json["enterprise_status"] = json!("ready");
        }
        json
    };
    members.insert("models".to_owned(), models.iter().map(expand).collect());
    Ok(reply::json(StatusCode::OK, &members.into()))
}

/// Responds with the document of an endpoint.
pub(super) fn document(state: &State, received: &Received) -> Result<Reply, Refusal> {
    let id = received.query("endpoint_id").unwrap_or_default();
    let endpoint = state.catalog.endpoint(id).filter(|_| !state.models.get(id).lacks_document);
    let endpoint =
        endpoint.ok_or_else(|| Refusal::Detail(StatusCode::NOT_FOUND, format!("Endpoint {id} not found")))?;
    Ok(reply::json(StatusCode::OK, &endpoint.document.to_json()))
}

struct Model<'s> {
    endpoint: &'s Endpoint,
    entry: ModelEntry,
}

impl Model<'_> {
    fn id(&self) -> &str {
        &self.endpoint.document.id
    }

    fn category(&self) -> &str {
        self.endpoint.document.category.as_deref().unwrap_or("unknown")
    }

    /// Returns the words of the id in title case, without the owner.
    fn display_name(&self) -> String {
        let words = self.id().split(['/', '-', '_']).filter(|word| !word.is_empty());
        let owner = self.id().split('/').next().unwrap_or_default().split(['-', '_']).count();
        let title = |word: &str| {
            let mut chars = word.chars();
            chars.next().map(|first| first.to_uppercase().chain(chars).collect::<String>()).unwrap_or_default()
        };
        words.skip(owner).map(title).collect::<Vec<_>>().join(" ")
    }

    /// Returns whether the name, the id or the category has a word.
    fn has(&self, word: &str) -> bool {
        [self.id(), self.category(), &self.display_name()].iter().any(|text| text.to_lowercase().contains(word))
    }

    fn metadata(&self, urls: &Urls, has_key: bool) -> Value {
        let thumbnail = MediaFile::new(0, MediaKind::Image { width: 512, height: 512, format: ImageFormat::Png });
        json!({
            "display_name": self.display_name(),
            "category": self.category(),
            "description": format!("{} in a local emulator", self.display_name()),
            "status": if self.entry.is_deprecated { "deprecated" } else { "active" },
            "tags": [],
            "updated_at": DATE,
            "is_favorited": has_key.then_some(false),
            "thumbnail_url": urls.to(&thumbnail.path()),
            "model_url": urls.to(&format!("fal.run/{}", self.id())),
            "license_type": "commercial",
            "date": DATE,
            "kind": if self.category() == "training" { "training" } else { "inference" },
            "stream_url": urls.to(&format!("fal.run/{}/stream", self.id())),
            "highlighted": false,
            "pinned": false,
        })
    }

    fn document(&self) -> Value {
        if self.entry.lacks_document || self.entry.lacks_expansion {
            return json!({ "error": { "code": "expansion_failed", "message": "The document could not be loaded" } });
        }
        self.endpoint.document.to_json()
    }
}

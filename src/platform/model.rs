use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::fields::Fields;
use super::list::{Item, Listed};
use super::timestamp::Timestamp;
use crate::text::shown;

/// An endpoint of fal's catalogue. Returned by [`Platform::models`](super::Platform::models).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Model {
    /// The endpoint id, such as `fal-ai/flux/dev`.
    pub endpoint_id: String,
    /// The description. fal has none of some endpoints.
    pub metadata: Option<ModelMetadata>,
    /// The OpenAPI document, or the reason why fal has none. `None` without [`Models::openapi`](super::Models::openapi).
    #[serde(serialize_with = "expansion")]
    pub openapi: Option<Result<OpenApi, ExpansionError>>,
    /// The readiness for enterprises. `None` without [`Models::enterprise_status`](super::Models::enterprise_status).
    #[serde(serialize_with = "expansion")]
    pub enterprise_status: Option<Result<EnterpriseStatus, ExpansionError>>,
}

/// The description of a [`Model`]. A string that fal did not send is empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ModelMetadata {
    /// The name.
    pub display_name: String,
    /// The category, such as `text-to-image`. fal adds categories.
    pub category: String,
    /// The description.
    pub description: String,
    /// The status.
    pub status: Option<ModelStatus>,
    /// Tags, such as `new`.
    pub tags: Vec<String>,
    /// Time of the last update.
    pub updated_at: Option<Timestamp>,
    /// Time of the creation.
    pub date: Option<Timestamp>,
    /// True if the user of the key has marked the model. `None` without a key.
    pub is_favorited: Option<bool>,
    /// URL of a picture.
    pub thumbnail_url: Option<String>,
    /// URL of an animated picture.
    pub thumbnail_animated_url: Option<String>,
    /// URL of the endpoint.
    pub model_url: Option<String>,
    /// URL of the repository or of the licence.
    pub github_url: Option<String>,
    /// The kind of licence.
    pub license_type: Option<License>,
    /// The group of related models.
    pub group: Option<ModelGroup>,
    /// Inference or training.
    pub kind: Option<ModelKind>,
    /// Endpoints that train for this one.
    pub training_endpoint_ids: Vec<String>,
    /// Endpoints that use the results of this one.
    pub inference_endpoint_ids: Vec<String>,
    /// URL for streams.
    pub stream_url: Option<String>,
    /// Estimated duration of a request in minutes.
    pub duration_estimate: Option<f64>,
}

/// A group of related models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ModelGroup {
    /// The id of the group.
    pub key: String,
    /// The name of the group.
    pub label: String,
}

/// The status of a [`Model`].
#[fal_client::open_enum]
pub enum ModelStatus {
    /// The model can be used.
    #[value("active")]
    Active,
    /// The model will be removed.
    #[value("deprecated")]
    Deprecated,
}

/// The kind of licence of a [`Model`].
#[fal_client::open_enum]
pub enum License {
    /// Commercial use is allowed.
    #[value("commercial")]
    Commercial,
    /// Research only.
    #[value("research")]
    Research,
    /// A private model.
    #[value("private")]
    Private,
}

/// The kind of a [`Model`].
#[fal_client::open_enum]
pub enum ModelKind {
    /// The model generates outputs.
    #[value("inference")]
    Inference,
    /// The endpoint trains a model.
    #[value("training")]
    Training,
}

/// The readiness of a [`Model`] for enterprises.
#[fal_client::open_enum]
pub enum EnterpriseStatus {
    /// fal has approved the model for enterprises.
    #[value("ready")]
    Ready,
    /// The approval is pending.
    #[value("pending")]
    Pending,
}

/// The OpenAPI document of a [`Model`], as fal sent it.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use futures_util::TryStreamExt;
///
/// let mut models = client.platform().models().ids(["fal-ai/flux/dev", "fal-ai/flux/schnell"]).openapi(true).stream();
/// while let Some(model) = models.try_next().await? {
///     match model.openapi {
///         Some(Ok(document)) => std::fs::write(model.endpoint_id.replace('/', "__") + ".json", document.as_str())?,
///         Some(Err(error)) => eprintln!("{}: {error}", model.endpoint_id),
///         None => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Serialize)]
pub struct OpenApi(Box<RawValue>);

impl OpenApi {
    /// Reads an object. `None` for any other JSON.
    pub(super) fn read(json: &[u8]) -> Option<Self> {
        let document: Box<RawValue> = serde_json::from_slice(json).ok()?;
        let is_object = Fields::parse(&document).is_some_and(|fields| fields.raw("openapi").is_some());
        is_object.then_some(OpenApi(document))
    }

    /// Returns the document as text. Numbers have all their digits.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Parses the document.
    ///
    /// # Errors
    ///
    /// The document is nested too deeply.
    pub fn to_value(&self) -> Result<Value, serde_json::Error> {
        serde_json::from_str(self.0.get())
    }
}

impl PartialEq for OpenApi {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl fmt::Debug for OpenApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenApi({} bytes)", self.as_str().len())
    }
}

/// The reason why fal could not add something to a [`Model`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExpansionError {
    /// The kind of the error, such as `expansion_failed`.
    pub code: String,
    /// fal's words.
    pub message: String,
}

impl fmt::Display for ExpansionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", shown(&self.code), shown(&self.message))
    }
}

impl std::error::Error for ExpansionError {}

impl ExpansionError {
    /// Reads `{"error": {…}}`, unless it is a document.
    fn read(fields: &Fields<'_>) -> Option<Self> {
        if fields.raw("openapi").is_some() || fields.raw("paths").is_some() {
            return None;
        }
        let error = fields.object("error");
        let text = |name| error.as_ref().and_then(|error| error.text(name));
        let message = text("message").or_else(|| fields.text("error")).or_else(|| fields.text("message"))?;
        Some(ExpansionError { code: text("code").unwrap_or_else(|| "expansion_failed".to_owned()), message })
    }
}

/// Writes the error in the place of the value, as fal does.
fn expansion<T: Serialize, S: Serializer>(
    value: &Option<Result<T, ExpansionError>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        None => serializer.serialize_none(),
        Some(Ok(value)) => value.serialize(serializer),
        Some(Err(error)) => serializer.collect_map([("error", error)]),
    }
}

impl Item for Model {
    fn listed(response: &Fields<'_>) -> Option<Listed<Self>> {
        Listed::read(response, "models", Model::read)
    }

    fn endpoint_id(&self) -> &str {
        &self.endpoint_id
    }
}

impl Model {
    fn read(fields: Fields<'_>) -> Option<Self> {
        let endpoint_id = fields.text("endpoint_id")?;
        let metadata = fields.object("metadata").map(ModelMetadata::read);
        let openapi = fields.object("openapi").and_then(|document| match ExpansionError::read(&document) {
            Some(error) => Some(Err(error)),
            None => fields.raw("openapi").map(|document| Ok(OpenApi(document.to_owned()))),
        });
        let enterprise_status = match fields.object("enterprise_status") {
            Some(object) => ExpansionError::read(&object).map(Err),
            None => fields.text("enterprise_status").map(|status| Ok(EnterpriseStatus::other(status))),
        };
        Some(Model { endpoint_id, metadata, openapi, enterprise_status })
    }
}

impl ModelMetadata {
    fn read(fields: Fields<'_>) -> Self {
        let text = |name| fields.text(name).unwrap_or_default();
        let group = fields.object("group");
        ModelMetadata {
            display_name: text("display_name"),
            category: text("category"),
            description: text("description"),
            status: fields.text("status").map(ModelStatus::other),
            tags: fields.texts("tags"),
            updated_at: fields.time("updated_at"),
            date: fields.time("date"),
            is_favorited: fields.boolean("is_favorited"),
            thumbnail_url: fields.text("thumbnail_url"),
            thumbnail_animated_url: fields.text("thumbnail_animated_url"),
            model_url: fields.text("model_url"),
            github_url: fields.text("github_url"),
            license_type: fields.text("license_type").map(License::other),
            group: group.and_then(|group| Some(ModelGroup { key: group.text("key")?, label: group.text("label")? })),
            kind: fields.text("kind").map(ModelKind::other),
            training_endpoint_ids: fields.texts("training_endpoint_ids"),
            inference_endpoint_ids: fields.texts("inference_endpoint_ids"),
            stream_url: fields.text("stream_url"),
            duration_estimate: fields.number("duration_estimate"),
        }
    }
}

use super::Platform;
use super::list::{Item, Query, Unknown, endpoint_ids, list, unknown_endpoints};
use super::model::{Model, ModelStatus};
use crate::error::Error;

/// The models of fal's catalogue. Returned by [`Platform::models`].
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use fal_client::platform::{Model, ModelStatus};
/// use futures_util::TryStreamExt;
///
/// let models = client.platform().models().search("upscale").status(ModelStatus::Active);
/// let models: Vec<Model> = models.stream().try_collect().await?;
/// # let _ = models;
/// # Ok(())
/// # }
/// ```
///
/// A key is optional. With a key, fal allows more requests.
#[derive(Clone, Debug)]
#[must_use = "a list does nothing until it is fetched"]
pub struct Models {
    query: Query,
}

impl Platform {
    /// Lists models: all, those that match filters, or those with given ids.
    pub fn models(&self) -> Models {
        Models { query: Query::new(&self.client, "list of models", "v1/models").unknown(Unknown::Absent) }
    }

    /// Fetches one model. [`models`](Self::models) fetches several, with their OpenAPI documents.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
    /// match client.platform().model("fal-ai/flux/dev").await {
    ///     Ok(model) => println!("{model:?}"),
    ///     Err(error) if error.is_not_found() => eprintln!("no such model: {error}"),
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The id is invalid, or fal does not know the model ([`Error::is_not_found`]).
    pub async fn model(&self, id: impl Into<String>) -> Result<Model, Error> {
        let ids = endpoint_ids([id])?;
        let page = self.models().ids(ids.iter().cloned()).page().await?;
        let model = page.items.into_iter().find(|model| ids.contains(&model.endpoint_id));
        model.ok_or_else(|| unknown_endpoints(Model::UNKNOWN, &ids))
    }
}

impl Models {
    /// Fetches the models with these endpoint ids. Together with a filter, it narrows the list to them. Without an id, the list
    /// is empty.
    ///
    /// Without a filter, a stream ends with an error that names unknown ids ([`Error::is_not_found`]), after the known models.
    pub fn ids(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.query.set_endpoints(ids);
        self
    }

    /// Leaves unknown ids of [`ids`](Self::ids) out of a stream, instead of ending it with an error. Default: `false`.
    pub fn skip_unknown(mut self, skip: bool) -> Self {
        self.query.skip_unknown(skip);
        self
    }

    /// Searches names, descriptions and categories for words.
    pub fn search(mut self, words: impl Into<String>) -> Self {
        self.query.set("q", Some(words.into()));
        self
    }

    /// Lists the models of a category, such as `text-to-image`.
    pub fn category(mut self, category: impl Into<String>) -> Self {
        self.query.set("category", Some(category.into()));
        self
    }

    /// Lists the models with a status. Default: any status.
    pub fn status(mut self, status: ModelStatus) -> Self {
        self.query.set("status", Some(status.as_str().to_owned()));
        self
    }

    /// Includes the OpenAPI documents. Default: `false`. The pages then have fewer models: about 10, or 50 by id.
    pub fn openapi(mut self, include: bool) -> Self {
        self.query.set_value("expand", "openapi-3.0", include);
        self
    }

    /// Includes the readiness for enterprises. Default: `false`.
    pub fn enterprise_status(mut self, include: bool) -> Self {
        self.query.set_value("expand", "enterprise_status", include);
        self
    }
}

list!(Models => Model,
    /// Sets the maximum number of models of a page. Default: fal's, which is 50. Minimum: 1. fal returns at most 1,000.
);

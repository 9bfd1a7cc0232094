use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::handle::Handle;
use super::json_input::JsonInput;
use super::typed::Endpoint;
use crate::client::Client;
use crate::schema::EndpointInput;
use crate::tokens::TokenScope;

/// A conversion into an endpoint's id and types.
///
/// The `ENDPOINT` of a generated module has the module's types. For an id as a string, input and output are JSON. So a function
/// can take any endpoint:
///
/// ```no_run
/// use fal_client::endpoints::fal_ai::flux::dev::redux;
/// use fal_client::{Client, Error, IntoEndpoint};
/// use serde_json::json;
///
/// async fn first_try<E: IntoEndpoint>(client: &Client, endpoint: E, input: impl Into<E::Input>) -> Result<E::Output, Error> {
///     Ok(client.endpoint(endpoint).subscribe(input).no_retry(true).await?.data)
/// }
///
/// # async fn example(client: Client) -> Result<(), Error> {
/// let input = redux::Input::builder().image_url("https://example.com/fox.png");
/// let typed = first_try(&client, redux::ENDPOINT, input).await?;
/// let untyped = first_try(&client, "fal-ai/flux/schnell", json!({ "prompt": "a fox" })).await?;
/// println!("{} {}", typed.images.len(), untyped["images"]);
/// # Ok(())
/// # }
/// ```
pub trait IntoEndpoint {
    /// The type of the input.
    type Input: EndpointInput;
    /// The type of the output.
    type Output: DeserializeOwned + Send + 'static;

    /// Returns the endpoint's id.
    fn into_id(self) -> Cow<'static, str>;
}

impl<I: EndpointInput, O: DeserializeOwned + Send + 'static> IntoEndpoint for Endpoint<I, O> {
    type Input = I;
    type Output = O;

    fn into_id(self) -> Cow<'static, str> {
        Cow::Borrowed(self.id())
    }
}

impl IntoEndpoint for &str {
    type Input = JsonInput;
    type Output = Value;

    fn into_id(self) -> Cow<'static, str> {
        Cow::Owned(self.to_owned())
    }
}

impl IntoEndpoint for String {
    type Input = JsonInput;
    type Output = Value;

    fn into_id(self) -> Cow<'static, str> {
        Cow::Owned(self)
    }
}

impl Client {
    /// Returns the handle of an endpoint, given the `ENDPOINT` of a generated module or an id.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
    /// use fal_client::endpoints::fal_ai::flux::dev::redux;
    ///
    /// let input = redux::Input::builder().image_url("https://example.com/fox.png");
    /// let typed = client.endpoint(redux::ENDPOINT).run(input).await?;
    /// println!("{} images", typed.data.images.len());
    ///
    /// let input = serde_json::json!({ "image_url": "https://example.com/fox.png" });
    /// let untyped = client.endpoint("fal-ai/flux/dev/redux").run(input).await?;
    /// println!("{}", untyped.data["images"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Calls fail if the id does not have the form `owner/app` or `owner/app/path`.
    pub fn endpoint<E: IntoEndpoint>(&self, endpoint: E) -> Handle<E::Input, E::Output> {
        Handle::new(self.clone(), endpoint.into_id())
    }
}

impl<I, O> From<&Handle<I, O>> for TokenScope {
    fn from(handle: &Handle<I, O>) -> Self {
        handle.id().into()
    }
}

impl<I, O> From<Endpoint<I, O>> for TokenScope {
    fn from(endpoint: Endpoint<I, O>) -> Self {
        endpoint.id().into()
    }
}

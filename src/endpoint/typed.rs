use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::handle::Handle;
use super::json_input::JsonInput;
use crate::client::Client;
use crate::schema::EndpointInput;

/// An endpoint's id together with the types of its input and output. Each generated module has one, `ENDPOINT`.
///
/// ```
/// use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting;
///
/// assert_eq!(inpainting::ENDPOINT.id(), "fal-ai/fast-sdxl-controlnet-canny/inpainting");
/// ```
pub struct Endpoint<I, O> {
    id: &'static str,
    of: PhantomData<fn(I) -> O>,
}

impl<I, O> Endpoint<I, O> {
    /// The endpoint of an id.
    pub const fn new(id: &'static str) -> Self {
        Endpoint { id, of: PhantomData }
    }

    /// The id, `fal-ai/flux/dev/redux`.
    pub const fn id(&self) -> &'static str {
        self.id
    }
}

impl<I, O> Clone for Endpoint<I, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I, O> Copy for Endpoint<I, O> {}

impl<I, O> fmt::Debug for Endpoint<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.id)
    }
}

impl Client {
    /// An endpoint, by the `ENDPOINT` of its generated module, which knows its types, or by its id as text, which takes
    /// and gives JSON. An id that has not the form `owner/app` or `owner/app/path` is an error when it is called.
    pub fn endpoint<E: AsEndpoint>(&self, endpoint: E) -> Handle<E::Input, E::Output> {
        Handle::new(self.clone(), endpoint.into_id())
    }
}

/// What names an endpoint: a generated `ENDPOINT`, which knows its types, or an id as text, which takes and gives JSON.
pub trait AsEndpoint {
    /// What is sent.
    type Input: EndpointInput;
    /// What comes back.
    type Output: DeserializeOwned + Send + 'static;

    /// The id.
    fn into_id(self) -> Cow<'static, str>;
}

impl<I: EndpointInput, O: DeserializeOwned + Send + 'static> AsEndpoint for Endpoint<I, O> {
    type Input = I;
    type Output = O;

    fn into_id(self) -> Cow<'static, str> {
        Cow::Borrowed(self.id)
    }
}

impl AsEndpoint for &str {
    type Input = JsonInput;
    type Output = Value;

    fn into_id(self) -> Cow<'static, str> {
        Cow::Owned(self.to_owned())
    }
}

impl AsEndpoint for String {
    type Input = JsonInput;
    type Output = Value;

    fn into_id(self) -> Cow<'static, str> {
        Cow::Owned(self)
    }
}

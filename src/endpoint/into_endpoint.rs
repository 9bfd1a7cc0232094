use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::handle::Handle;
use super::json_input::JsonInput;
use super::typed::Endpoint;
use crate::client::Client;
use crate::schema::EndpointInput;

/// Converts into an endpoint's id and types.
///
/// A generated `ENDPOINT` knows its types. An id given as a string takes and returns JSON.
pub trait IntoEndpoint {
    /// The input.
    type Input: EndpointInput;
    /// The output.
    type Output: DeserializeOwned + Send + 'static;

    /// Returns the id.
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
    /// An endpoint, by the `ENDPOINT` of its generated module, which knows its types, or by its id as text, which takes
    /// and gives JSON. An id that has not the form `owner/app` or `owner/app/path` is an error when it is called.
    pub fn endpoint<E: IntoEndpoint>(&self, endpoint: E) -> Handle<E::Input, E::Output> {
        Handle::new(self.clone(), endpoint.into_id())
    }
}

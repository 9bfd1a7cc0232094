use http::{HeaderMap, Method};
use tracing::Instrument;

use super::Platform;
use super::model::OpenApi;
use crate::error::Error;
use crate::protocol::EndpointId;
use crate::transport::{Parcel, check_runtime, deliver, join};

impl Platform {
    /// Fetches the OpenAPI document of an endpoint from fal's website.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let document = client.platform().document("fal-ai/flux/dev").await?;
    /// std::fs::write("schemas/flux-dev.json", document.as_str())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`models`](Self::models) with [`openapi`](super::Models::openapi) fetches many documents in one request. The website has
    /// some that are missing there. It needs no key, and the client sends none. The document has at most 16 MiB.
    ///
    /// # Errors
    ///
    /// The id is invalid, or fal has no document of the endpoint ([`Error::is_not_found`]). Some endpoints have none, such as
    /// those for realtime connections.
    pub async fn document(&self, id: impl Into<String>) -> Result<OpenApi, Error> {
        const NAME: &str = "document";
        check_runtime()?;
        let id = EndpointId::parse(&id.into())?;
        let context = self.client.context();
        let mut url = join(&context.hosts.site, "api/openapi/queue/openapi.json");
        url.query_pairs_mut().append_pair("endpoint_id", id.as_str());
        let parcel = Parcel::new(NAME, Method::GET, url, HeaderMap::new());
        let span = tracing::info_span!("fal.platform", operation = NAME);
        let response = deliver(context, &parcel).instrument(span).await?;
        match OpenApi::read(&response.body) {
            Some(document) => Ok(document),
            None if response.body.trim_ascii() == b"null" => {
                Err(Error::not_found(format!("fal has no document of `{}`", id.as_str())))
            }
            None => Err(Error::unexpected("document: fal returned no OpenAPI document", response)),
        }
    }
}

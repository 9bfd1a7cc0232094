use http::{HeaderValue, Method};
use serde::Serialize;

use super::fields::Fields;
use super::{Platform, call};
use crate::error::Error;
use crate::protocol::RequestId;
use crate::transport::{Operation, Request, join, random};

/// The result of [`Platform::delete_payloads`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DeletedPayloads {
    /// The files of the output.
    #[serde(rename = "cdn_delete_results")]
    pub files: Vec<DeletedFile>,
}

/// A file that was to be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DeletedFile {
    /// The URL.
    #[serde(rename = "link")]
    pub url: String,
    /// The reason why fal could not delete it. `None` if it is deleted.
    #[serde(rename = "exception")]
    pub error: Option<String>,
}

impl Platform {
    /// Deletes the stored input and output of a request, and the files of the output. This cannot be undone. The files of the
    /// input stay, because other requests may use them. The key needs the permission of an administrator.
    ///
    /// A retry has the `Idempotency-Key` of the first attempt.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
    /// let deleted = client.platform().delete_payloads("764cabcf-b745-4b3e-ae38-1200304cf45b").await?;
    /// for file in deleted.files.iter().filter(|file| file.error.is_some()) {
    ///     eprintln!("not deleted: {} {:?}", file.url, file.error);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - The request id is invalid. Nothing was sent.
    /// - fal rejects the request, for example because the key lacks the permission
    ///   ([`Error::is_permission_denied`]), or because the request is unknown ([`Error::is_not_found`]).
    pub async fn delete_payloads(&self, request_id: impl AsRef<str>) -> Result<DeletedPayloads, Error> {
        const NAME: &str = "deletion of payloads";
        let id = RequestId::parse(request_id.as_ref())?;
        let path = format!("v1/models/requests/{}/payloads", id.as_str());
        let url = join(&self.client.context().hosts.api, &path);
        let mut request = Request::new(Operation::Platform(NAME), Method::DELETE, url);
        let key = format!("{:016x}{:016x}", random(), random());
        if let Ok(key) = HeaderValue::try_from(key) {
            request.headers.insert("idempotency-key", key);
        }
        let response = call(&self.client, &request).await.map_err(|error| error.with_request_id(id.as_str()))?;
        let files = Fields::read(&response.body, |fields| {
            let files = fields.list("cdn_delete_results")?.into_iter().filter_map(|result| {
                let result = Fields::parse(result)?;
                Some(DeletedFile { url: result.text("link")?, error: result.text("exception") })
            });
            Some(files.collect())
        });
        Ok(DeletedPayloads { files: files.unwrap_or_default() })
    }
}

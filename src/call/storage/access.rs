use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::Storage;
use crate::error::{Error, ErrorKind};
use crate::files::Acl;
use crate::media::MediaUrl;
use crate::protocol::RawResponse;
use crate::transport::{Operation, Request, join, send};

/// Maximum validity of a signed URL.
const MAX_SIGNED: Duration = Duration::from_secs(7 * 86_400);

impl Storage {
    /// Creates a URL with which anyone can read a file for a limited time, regardless of its access rules. Range of `valid`: 1
    /// second to 7 days.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client, image: fal_client::Image) -> Result<(), fal_client::Error> {
    /// use std::time::Duration;
    ///
    /// let url = client.storage().sign(&image, Duration::from_secs(3600)).await?;
    /// println!("{url}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - `valid` is out of range, or the file's URL is not an http or https URL. Nothing was sent.
    /// - fal rejects the request because the file does not belong to the account, or because the API key lacks the permission
    ///   `assets:read`.
    pub async fn sign(&self, file: impl Into<MediaUrl>, valid: Duration) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Signed {
            signed_url: String,
        }

        if valid < Duration::from_secs(1) || valid > MAX_SIGNED {
            let message = format!("invalid validity of a signed URL: {valid:?}; expected 1 second to 7 days");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let mut request = self.request_about("signing a URL", Method::POST, "sign", file.into())?;
        request.body = Some(json!({ "expiration_seconds": valid.as_secs() }).to_string().into());
        let response = send(self.client.context(), &request).await?;
        parse::<Signed>(response, "fal returned no signed URL").map(|signed| signed.signed_url)
    }

    /// Fetches the access rules of a file in fal's CDN. The API key needs the permission `assets:read`.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client, image: fal_client::Image) -> Result<(), fal_client::Error> {
    /// let acl = client.storage().acl(&image).await?;
    /// println!("default: {:?}, {} rules", acl.default, acl.rules.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - The file's URL is not an http or https URL. Nothing was sent.
    /// - fal rejects the request because the file does not belong to the account, or because the API key lacks the permission.
    pub async fn acl(&self, file: impl Into<MediaUrl>) -> Result<Acl, Error> {
        let request = self.request_about("reading access rules", Method::GET, "acl", file.into())?;
        parse(send(self.client.context(), &request).await?, "fal returned no access rules")
    }

    /// Replaces the access rules of a file in fal's CDN, and returns the rules that fal has applied. fal drops rules for users
    /// that it does not know. The API key needs the permission `assets:write`.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client, image: fal_client::Image) -> Result<(), fal_client::Error> {
    /// use fal_client::{Access, Acl};
    ///
    /// let applied = client.storage().set_acl(&image, &Acl::new(Access::Hide).allow("a-nickname")).await?;
    /// assert_eq!(applied.rules.len(), 1, "the nickname is known");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - `acl` has no default, or the file's URL is not an http or https URL. Nothing was sent.
    /// - fal rejects the request because the file does not belong to the account, or because the API key lacks the permission.
    pub async fn set_acl(&self, file: impl Into<MediaUrl>, acl: &Acl) -> Result<Acl, Error> {
        if acl.default.is_none() {
            let message = "missing default of the access rules: set the access of users without a rule";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let mut request = self.request_about("setting access rules", Method::PUT, "acl", file.into())?;
        request.body = Some(json!(acl).to_string().into());
        parse(send(self.client.context(), &request).await?, "fal returned no access rules")
    }

    /// Creates a request of the platform API about a file. The API identifies files by their URLs without a query.
    fn request_about(
        &self,
        operation: &'static str,
        method: Method,
        action: &str,
        file: MediaUrl,
    ) -> Result<Request, Error> {
        let url = Url::parse(file.as_str()).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let Some(mut file) = url else {
            // The query may have a signature, and a data URI is long.
            let excerpt: String = file.as_str().split('?').next().unwrap_or_default().chars().take(100).collect();
            let message = format!("invalid URL of a stored file: {excerpt:?}; expected an http or https URL");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        };
        file.set_query(None);
        file.set_fragment(None);
        let url = join(&self.client.context().hosts.api, &format!("v1/storage/files/{action}"));
        let mut request = Request::new(Operation::Storage(operation), method, url);
        request.url.query_pairs_mut().append_pair("url", file.as_str());
        Ok(request)
    }
}

fn parse<T: for<'de> Deserialize<'de>>(response: RawResponse, message: &str) -> Result<T, Error> {
    serde_json::from_slice(&response.body).map_err(|error| Error::unexpected(message, response).caused_by(error))
}

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

/// The longest time for which fal signs a URL.
const MAX_SIGNED: Duration = Duration::from_secs(7 * 86_400);

impl Storage {
    /// Makes a URL with which anybody can read a file for a while, whoever may read it otherwise: 1 second to 7 days.
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
    /// The time is out of bounds, the URL is none, or fal refuses: the file is not this account's, or the key lacks the
    /// permission `assets:read`.
    pub async fn sign(&self, file: impl Into<MediaUrl>, valid: Duration) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Signed {
            signed_url: String,
        }

        if valid < Duration::from_secs(1) || valid > MAX_SIGNED {
            let message = format!("a URL can be signed for 1 second to 7 days, not for {valid:?}");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let mut request = self.request_about("the signature of a URL", Method::POST, "sign", file.into())?;
        request.body = Some(json!({ "expiration_seconds": valid.as_secs() }).to_string().into());
        let response = send(self.client.context(), &request).await?;
        parse::<Signed>(response, "fal gave no signed URL").map(|signed| signed.signed_url)
    }

    /// Asks who may read a file of fal's CDN. The key needs the permission `assets:read`.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client, image: fal_client::Image) -> Result<(), fal_client::Error> {
    /// let acl = client.storage().acl(&image).await?;
    /// println!("{:?}, and {} rules", acl.default, acl.rules.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`sign`](Self::sign).
    pub async fn acl(&self, file: impl Into<MediaUrl>) -> Result<Acl, Error> {
        let request = self.request_about("who may read a file", Method::GET, "acl", file.into())?;
        parse(send(self.client.context(), &request).await?, "fal did not say who may read the file")
    }

    /// Sets who may read a file of fal's CDN, in place of all that held before, and gives what fal has made of it: rules
    /// for users whom it does not know are dropped. The key needs the permission `assets:write`.
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
    /// The list has no default, the URL is none, or fal refuses.
    pub async fn set_acl(&self, file: impl Into<MediaUrl>, acl: &Acl) -> Result<Acl, Error> {
        if acl.default.is_none() {
            let message = "who may read a file needs a default, for everybody for whom there is no rule";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let mut request = self.request_about("who may read a file", Method::PUT, "acl", file.into())?;
        request.body = Some(json!(acl).to_string().into());
        parse(send(self.client.context(), &request).await?, "fal did not say who may read the file now")
    }

    /// A request of the platform API about a file, which it knows by its URL without a query.
    fn request_about(
        &self,
        what: &'static str,
        method: Method,
        action: &str,
        file: MediaUrl,
    ) -> Result<Request, Error> {
        let file = Url::parse(file.as_str()).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let Some(mut file) = file else {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "a file of fal's storage is named by its http or https URL",
            ));
        };
        file.set_query(None);
        file.set_fragment(None);
        let url = join(&self.client.context().hosts.api, &format!("v1/storage/files/{action}"));
        let mut request = Request::new(Operation::Storage(what), method, url);
        request.url.query_pairs_mut().append_pair("url", file.as_str());
        Ok(request)
    }
}

fn parse<T: for<'de> Deserialize<'de>>(response: RawResponse, otherwise: &str) -> Result<T, Error> {
    serde_json::from_slice(&response.body).map_err(|error| Error::unexpected(otherwise, response).caused_by(error))
}

//! Uploads to the CDN with a token.

use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Deserialize;
use url::Url;

use super::multipart::{self, Part};
use super::source::{About, Data};
use super::token::Token;
use super::uploader::Uploader;
use crate::error::{Error, ErrorKind};
use crate::protocol::RawResponse;
use crate::transport::{Parcel, Payload, deliver, header_value, join};

const FILE_NAME: HeaderName = HeaderName::from_static("x-fal-file-name");

/// What the CDN says of a file that it took, or is about to take.
#[derive(Deserialize)]
struct Uploaded {
    access_url: String,
    #[serde(rename = "uploadId")]
    upload_id: Option<String>,
}

/// Uploads a file in one request.
pub(super) async fn direct(uploader: &Uploader<'_>, about: &About, payload: &Payload) -> Result<String, Error> {
    let headers = headers(uploader, about)?;
    let upload = |token: &Token| {
        Parcel::new("the upload", Method::POST, join(&token.cdn, "files/upload"), headers.clone())
            .with_file(payload.clone(), &uploader.meter)
    };
    Ok(parse_uploaded(with_token(uploader, upload).await?.1)?.access_url)
}

/// Uploads a file in parts.
pub(super) async fn in_parts(uploader: &Uploader<'_>, about: &About, data: &mut Data) -> Result<String, Error> {
    let headers = headers(uploader, about)?;
    let create = |token: &Token| {
        let url = join(&token.cdn, "files/upload/multipart");
        Parcel::new("the start of an upload in parts", Method::POST, url, headers.clone())
    };
    let (token, response) = with_token(uploader, create).await?;
    let Uploaded { access_url, upload_id: Some(id) } = parse_uploaded(response.clone())? else {
        return Err(Error::unexpected("the CDN gave no id for an upload in parts", response));
    };
    let base = multipart::url_below(&access_url, &["multipart", &id]);
    let base = &base.filter(|url| may_go_to(uploader, &token, url)).ok_or_else(untrusted)?;

    let mut part_headers = HeaderMap::new();
    part_headers.insert(CONTENT_TYPE, header_value(&about.content_type)?);
    // A compressed answer would have no ETag.
    part_headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let part_headers = &part_headers;
    let parts = multipart::send_parts(uploader, data, |Part { number, payload }| async move {
        let part = |_: &Token| {
            Parcel::new("the upload of a part", Method::PUT, join(base, &number.to_string()), part_headers.clone())
                .with_file(payload.clone(), &uploader.meter)
        };
        multipart::etag(number, with_token(uploader, part).await?.1)
    })
    .await?;

    let complete = |_: &Token| multipart::complete(join(base, "complete"), &parts);
    with_token(uploader, complete).await?;
    Ok(access_url)
}

/// What is said of a file before its bytes.
fn headers(uploader: &Uploader<'_>, about: &About) -> Result<HeaderMap, Error> {
    let mut headers = uploader.lifecycle.clone();
    headers.insert(CONTENT_TYPE, header_value(&about.content_type)?);
    if let Some(name) = &about.name {
        // A header has no room for other characters.
        let plain = |c: char| if matches!(c, ' '..='~') { c } else { '_' };
        headers.insert(FILE_NAME, header_value(&name.chars().map(plain).collect::<String>())?);
    }
    Ok(headers)
}

/// Sends a request with the token, and says with which. Where the CDN refuses the token, another one is fetched, once.
async fn with_token(uploader: &Uploader<'_>, parcel: impl Fn(&Token) -> Parcel) -> Result<(Token, RawResponse), Error> {
    let mut refused = false;
    loop {
        let token = uploader.tokens.get(uploader.context).await?;
        let mut parcel = parcel(&token);
        parcel.headers.insert(AUTHORIZATION, token.authorization.clone());
        match deliver(uploader.context, &parcel).await {
            Ok(response) => return Ok((token, response)),
            Err(error) if !refused && error.status().is_some_and(|status| matches!(status.as_u16(), 401 | 403)) => {
                tracing::debug!(status = ?error.status(), "the token for uploads was refused");
                uploader.tokens.forget(&token).await;
                refused = true;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Whether a token may go to the URL of an upload: the CDN may name another of its hosts.
fn may_go_to(uploader: &Uploader<'_>, token: &Token, url: &Url) -> bool {
    url.origin() == token.cdn.origin() || uploader.context.hosts.is_storage(url)
}

fn untrusted() -> Error {
    let message = "the CDN's URL of an upload leads to a host that is no storage of fal's; nothing was sent there";
    Error::new(ErrorKind::UntrustedUrl, message)
}

fn parse_uploaded(response: RawResponse) -> Result<Uploaded, Error> {
    serde_json::from_slice(&response.body)
        .map_err(|error| Error::unexpected("the CDN took a file but gave no URL for it", response).caused_by(error))
}

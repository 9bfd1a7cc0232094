//! Uploads to the CDN with an upload token.

use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Deserialize;
use url::Url;

use super::multipart::{self, PART, Part};
use super::source::{About, Data};
use super::token::Token;
use super::uploader::Uploader;
use crate::error::{Error, ErrorKind};
use crate::protocol::RawResponse;
use crate::transport::{Parcel, Payload, deliver, header_value, join};

const FILE_NAME: HeaderName = HeaderName::from_static("x-fal-file-name");

/// The CDN's response to an upload, or to the start of a multipart upload.
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
        Parcel::new("upload", Method::POST, join(&token.cdn, "files/upload"), headers.clone())
            .with_file(payload.clone(), &uploader.meter)
    };
    Ok(parse_uploaded(with_token(uploader, &upload).await?.1)?.access_url)
}

/// Uploads a file in parts (multipart upload).
pub(super) async fn in_parts(uploader: &Uploader<'_>, about: &About, data: &mut Data) -> Result<String, Error> {
    let headers = headers(uploader, about)?;
    let create = |token: &Token| {
        let url = join(&token.cdn, "files/upload/multipart");
        Parcel::new("start of a multipart upload", Method::POST, url, headers.clone())
    };
    let (token, response) = with_token(uploader, &create).await?;
    let Uploaded { access_url, upload_id: Some(id) } = parse_uploaded(response.clone())? else {
        return Err(Error::unexpected("the CDN returned no id for a multipart upload", response));
    };
    let base = multipart::url_below(&access_url, &["multipart", &id]);
    let base = &base.filter(|url| may_receive_token(uploader, &token, url)).ok_or_else(untrusted)?;

    let mut part_headers = HeaderMap::new();
    part_headers.insert(CONTENT_TYPE, header_value(&about.content_type)?);
    // A compressed response would have no ETag.
    part_headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let part_headers = &part_headers;
    let parts = multipart::send_parts(uploader, data, &mut |Part { number, payload }| {
        Box::pin(async move {
            let part = |_: &Token| {
                Parcel::new(PART, Method::PUT, join(base, &number.to_string()), part_headers.clone())
                    .with_file(payload.clone(), &uploader.meter)
            };
            multipart::etag(number, with_token(uploader, &part).await?.1)
        })
    })
    .await?;

    let complete = |_: &Token| multipart::complete(join(base, "complete"), &parts);
    with_token(uploader, &complete).await?;
    Ok(access_url)
}

fn headers(uploader: &Uploader<'_>, about: &About) -> Result<HeaderMap, Error> {
    let mut headers = uploader.lifecycle.clone();
    headers.insert(CONTENT_TYPE, header_value(&about.content_type)?);
    if let Some(name) = &about.name {
        // Headers are limited to printable ASCII.
        let plain = |c: char| if matches!(c, ' '..='~') { c } else { '_' };
        headers.insert(FILE_NAME, header_value(&name.chars().map(plain).collect::<String>())?);
    }
    Ok(headers)
}

/// Sends a request with the upload token and returns the token used. If the CDN rejects the token, it is replaced once.
async fn with_token(
    uploader: &Uploader<'_>,
    parcel: &(dyn Fn(&Token) -> Parcel + Sync),
) -> Result<(Token, RawResponse), Error> {
    let mut rejected = false;
    loop {
        let token = uploader.tokens.get(uploader.context).await?;
        let mut parcel = parcel(&token);
        parcel.headers.insert(AUTHORIZATION, token.authorization.clone());
        match deliver(uploader.context, &parcel).await {
            Ok(response) => return Ok((token, response)),
            Err(error) if !rejected && is_of_token(&error) => {
                tracing::debug!(status = ?error.status(), "upload token was rejected");
                uploader.tokens.forget(&token).await;
                rejected = true;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Returns true if the CDN rejects the token, and not the key behind it.
fn is_of_token(error: &Error) -> bool {
    error.status().is_some_and(|status| matches!(status.as_u16(), 401 | 403)) && !error.is_denied()
}

/// Returns true if the token may be sent to the URL of an upload, for which the CDN may name another of its hosts.
fn may_receive_token(uploader: &Uploader<'_>, token: &Token, url: &Url) -> bool {
    url.origin() == token.cdn.origin() || uploader.context.hosts.is_storage(url)
}

fn untrusted() -> Error {
    let message = "untrusted upload URL from the CDN: not one of fal's storage hosts; nothing was sent";
    Error::new(ErrorKind::UntrustedUrl, message)
}

fn parse_uploaded(response: RawResponse) -> Result<Uploaded, Error> {
    serde_json::from_slice(&response.body)
        .map_err(|error| Error::unexpected("the CDN returned no URL for an upload", response).caused_by(error))
}

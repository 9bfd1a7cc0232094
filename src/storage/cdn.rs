//! Uploads to the CDN with a token.

use std::sync::Arc;

use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Deserialize;
use url::Url;

use super::multipart::{self, Part};
use super::source::{About, Data};
use super::token::Token;
use super::upload::{Sending, header};
use crate::client::join;
use crate::error::Answer;
use crate::transport::{Parcel, Payload, deliver};
use crate::{Error, ErrorKind};

const FILE_NAME: HeaderName = HeaderName::from_static("x-fal-file-name");

/// What the CDN says of a file that it took, or is about to take.
#[derive(Deserialize)]
struct Taken {
    access_url: String,
    #[serde(rename = "uploadId")]
    upload_id: Option<String>,
}

/// Uploads a file in one request.
pub(super) async fn direct(sending: &Sending<'_>, about: &About, payload: &Payload) -> Result<String, Error> {
    let headers = headers(sending, about)?;
    let upload = |token: &Token| Parcel {
        what: "the upload",
        method: Method::POST,
        url: join(&token.cdn, "files/upload"),
        headers: headers.clone(),
        payload: payload.clone(),
        meter: Some(Arc::clone(&sending.meter)),
    };
    Ok(taken(with_token(sending, upload).await?.1)?.access_url)
}

/// Uploads a file in parts.
pub(super) async fn in_parts(sending: &Sending<'_>, about: &About, data: &mut Data) -> Result<String, Error> {
    let headers = headers(sending, about)?;
    let create = |token: &Token| Parcel {
        what: "the start of an upload in parts",
        method: Method::POST,
        url: join(&token.cdn, "files/upload/multipart"),
        headers: headers.clone(),
        payload: Payload::nothing(),
        meter: None,
    };
    let (token, answer) = with_token(sending, create).await?;
    let Taken { access_url, upload_id: Some(id) } = taken(answer.clone())? else {
        return Err(Error::unexpected("the CDN gave no id for an upload in parts", answer));
    };
    let base = multipart::below(&access_url, &["multipart", &id]);
    let base = &base.filter(|url| may_go_to(sending, &token, url)).ok_or_else(untrusted)?;

    let mut of_part = HeaderMap::new();
    of_part.insert(CONTENT_TYPE, header(&about.content_type)?);
    // A compressed answer would have no ETag.
    of_part.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let of_part = &of_part;
    let parts = multipart::send(sending, data, |Part { number, payload }| async move {
        let part = |_: &Token| Parcel {
            what: "the upload of a part",
            method: Method::PUT,
            url: join(base, &number.to_string()),
            headers: of_part.clone(),
            payload: payload.clone(),
            meter: Some(Arc::clone(&sending.meter)),
        };
        multipart::etag(number, with_token(sending, part).await?.1)
    })
    .await?;

    let complete = |_: &Token| multipart::complete(join(base, "complete"), &parts);
    with_token(sending, complete).await?;
    Ok(access_url)
}

/// What is said of a file before its bytes.
fn headers(sending: &Sending<'_>, about: &About) -> Result<HeaderMap, Error> {
    let mut headers = sending.lifecycle.clone();
    headers.insert(CONTENT_TYPE, header(&about.content_type)?);
    if let Some(name) = &about.name {
        // A header has no room for other characters.
        let plain = |c: char| if matches!(c, ' '..='~') { c } else { '_' };
        headers.insert(FILE_NAME, header(&name.chars().map(plain).collect::<String>())?);
    }
    Ok(headers)
}

/// Sends a request with the token, and says with which. Where the CDN refuses the token, another one is fetched, once.
async fn with_token(sending: &Sending<'_>, parcel: impl Fn(&Token) -> Parcel) -> Result<(Token, Answer), Error> {
    let shared = sending.client.shared();
    let mut refused = false;
    loop {
        let token = shared.tokens.get(shared).await?;
        let mut parcel = parcel(&token);
        parcel.headers.insert(AUTHORIZATION, token.authorization.clone());
        match deliver(shared, &parcel).await {
            Ok(answer) => return Ok((token, answer)),
            Err(error) if !refused && error.status().is_some_and(|status| matches!(status.as_u16(), 401 | 403)) => {
                tracing::debug!(status = ?error.status(), "the token for uploads was refused");
                shared.tokens.forget(&token).await;
                refused = true;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Whether a token may go to the URL of an upload: the CDN may name another of its hosts.
fn may_go_to(sending: &Sending<'_>, token: &Token, url: &Url) -> bool {
    url.origin() == token.cdn.origin() || sending.client.shared().hosts.is_storage(url)
}

fn untrusted() -> Error {
    let message = "the CDN's URL of an upload leads to a host that is no storage of fal's; nothing was sent there";
    Error::new(ErrorKind::UntrustedUrl, message)
}

fn taken(answer: Answer) -> Result<Taken, Error> {
    serde_json::from_slice(&answer.body)
        .map_err(|error| Error::unexpected("the CDN took a file but gave no URL for it", answer).caused_by(error))
}

//! Uploads to signed URLs, which the REST host issues. Neither the key nor a token is sent to such a URL.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::multipart::{self, PART, Part, SentPart};
use super::source::{About, Data};
use super::uploader::Uploader;
use crate::error::{Error, ErrorKind};
use crate::files::content_type;
use crate::protocol::RawResponse;
use crate::transport::{Operation, Parcel, Payload, Request, deliver, header_value, join, send};

/// The URL to upload a file to, and the URL of the uploaded file.
#[derive(Deserialize)]
struct Initiated {
    upload_url: String,
    file_url: String,
}

/// Uploads a file in one request.
pub(super) async fn direct(
    uploader: &Uploader<'_>,
    about: &About,
    payload: &Payload,
    storage: &str,
) -> Result<String, Error> {
    let Initiated { upload_url, file_url } = initiate(uploader, about, "initiate", storage).await?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, header_value(&about.content_type)?);
    put(uploader, "upload", &upload_url, headers, payload.clone()).await?;
    Ok(file_url)
}

/// Uploads a file to the CDN in parts. The URL's signature is valid for URLs below it.
pub(super) async fn in_parts(uploader: &Uploader<'_>, about: &About, data: &mut Data) -> Result<String, Error> {
    let Initiated { upload_url, file_url } = initiate(uploader, about, "initiate-multipart", "fal-cdn-v3").await?;
    let below = &|segment: &str| multipart::url_below(&upload_url, &[segment]).ok_or_else(invalid_url);
    let parts = multipart::send_parts(uploader, data, &mut |Part { number, payload }| {
        Box::pin(async move {
            let url = below(&number.to_string())?;
            multipart::etag(number, put(uploader, PART, url.as_str(), HeaderMap::new(), payload).await?)
        })
    })
    .await?;

    deliver(uploader.context, &multipart::complete(below("complete")?, &parts)).await?;
    Ok(file_url)
}

/// Uploads a file to Google in parts. The REST host issues a signed URL for each part, and assembles the file.
pub(super) async fn in_parts_to_gcs(uploader: &Uploader<'_>, about: &About, data: &mut Data) -> Result<String, Error> {
    #[derive(Deserialize)]
    struct Signed {
        upload_url: String,
    }

    let context = uploader.context;
    let Initiated { upload_url, file_url } = initiate(uploader, about, "initiate-multipart", "gcs").await?;
    let request = &|segment: &str, body: Option<String>| {
        let url = multipart::url_below(&upload_url, &[segment]).ok_or_else(invalid_url)?;
        let url = context.hosts.at_rest_host(url);
        let mut request = Request::new(Operation::Storage("multipart upload"), Method::POST, url);
        request.body = body.map(Into::into);
        Ok::<_, Error>(request)
    };
    let parts = multipart::send_parts(uploader, data, &mut |Part { number, payload }| {
        Box::pin(async move {
            let response = send(context, &request(&number.to_string(), None)?).await?;
            let signed: Signed = serde_json::from_slice(&response.body).map_err(|error| {
                Error::unexpected("fal returned no upload URL for a part of a file", response).caused_by(error)
            })?;
            multipart::etag(number, put(uploader, PART, &signed.upload_url, HeaderMap::new(), payload).await?)
        })
    })
    .await?;

    // Unlike the CDN, it expects `part_number` with an underscore, and ETags without quotes.
    let unquoted = |part: &SentPart| json!({ "part_number": part.number, "etag": part.etag.trim_matches('"') });
    let parts: Vec<_> = parts.iter().map(unquoted).collect();
    send(context, &request("complete", Some(json!({ "parts": parts }).to_string()))?).await?;
    Ok(file_url)
}

/// Requests the URLs of an upload from the REST host.
async fn initiate(uploader: &Uploader<'_>, about: &About, action: &str, storage: &str) -> Result<Initiated, Error> {
    let context = uploader.context;
    let url = join(&context.hosts.rest, &format!("storage/upload/{action}"));
    let mut request = Request::new(Operation::Storage("start of an upload"), Method::POST, url);
    request.url.query_pairs_mut().append_pair("storage_type", storage);
    request.headers = uploader.lifecycle.clone();
    let content_type = &about.content_type;
    let name = about.name.clone().unwrap_or_else(|| format!("upload.{}", content_type::extension(content_type)));
    request.body = Some(json!({ "content_type": content_type, "file_name": name }).to_string().into());
    let response = send(context, &request).await?;
    serde_json::from_slice(&response.body)
        .map_err(|error| Error::unexpected("fal returned no upload URL", response).caused_by(error))
}

/// Sends bytes to a signed URL.
async fn put(
    uploader: &Uploader<'_>,
    name: &'static str,
    url: &str,
    headers: HeaderMap,
    payload: Payload,
) -> Result<RawResponse, Error> {
    let context = uploader.context;
    let parsed = Url::parse(url).map_err(|_| invalid_url())?;
    // Files may be private. Plain HTTP is accepted only if the REST host uses it, as an emulator does, or a proxy before it.
    let issuer = context.proxy_url.as_ref().unwrap_or(&context.hosts.rest);
    if parsed.scheme() != "https" && parsed.scheme() != issuer.scheme() {
        let message = format!("untrusted upload URL from fal: the scheme is {}, not https", parsed.scheme());
        return Err(Error::new(ErrorKind::UntrustedUrl, message));
    }
    deliver(context, &Parcel::new(name, Method::PUT, parsed, headers).with_file(payload, &uploader.meter)).await
}

/// The error does not show the URL because it may contain a signature.
fn invalid_url() -> Error {
    Error::new(ErrorKind::UnexpectedResponse, "fal returned an invalid upload URL")
}

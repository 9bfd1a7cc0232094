//! Uploads to signed URLs, which the REST host gives for the key. Neither the key nor a token goes to such a URL.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::multipart::{self, Part, Sent};
use super::source::{About, Data};
use super::uploader::Uploader;
use crate::error::{Error, ErrorKind};
use crate::files::content_type;
use crate::protocol::RawResponse;
use crate::transport::{Operation, Parcel, Payload, Request, deliver, header_value, join, send};

/// The word for the upload of a part in logs and errors.
const PART: &str = "the upload of a part";

/// Where a file goes, and where it is then.
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
    put(uploader, "the upload", &upload_url, headers, payload.clone()).await?;
    Ok(file_url)
}

/// Uploads a file to the CDN in parts. The signature of the URL holds for what is below it.
pub(super) async fn in_parts(uploader: &Uploader<'_>, about: &About, data: &mut Data) -> Result<String, Error> {
    let Initiated { upload_url, file_url } = initiate(uploader, about, "initiate-multipart", "fal-cdn-v3").await?;
    let below = &|segment: &str| multipart::url_below(&upload_url, &[segment]).ok_or_else(not_a_url);
    let parts = multipart::send_parts(uploader, data, |Part { number, payload }| async move {
        let url = below(&number.to_string())?;
        multipart::etag(number, put(uploader, PART, url.as_str(), HeaderMap::new(), payload).await?)
    })
    .await?;

    deliver(uploader.context, &multipart::complete(below("complete")?, &parts)).await?;
    Ok(file_url)
}

/// Uploads a file to Google in parts: each has a signed URL of its own, for which the REST host is asked, as it is to put
/// them together.
pub(super) async fn in_parts_to_gcs(uploader: &Uploader<'_>, about: &About, data: &mut Data) -> Result<String, Error> {
    #[derive(Deserialize)]
    struct Signed {
        upload_url: String,
    }

    let context = uploader.context;
    let Initiated { upload_url, file_url } = initiate(uploader, about, "initiate-multipart", "gcs").await?;
    let ask = &|segment: &str, body: Option<String>| {
        let url = multipart::url_below(&upload_url, &[segment]).ok_or_else(not_a_url)?;
        let mut request = Request::new(Operation::Storage("an upload in parts"), Method::POST, url);
        request.body = body.map(Into::into);
        Ok::<_, Error>(request)
    };
    let parts = multipart::send_parts(uploader, data, |Part { number, payload }| async move {
        let response = send(context, &ask(&number.to_string(), None)?).await?;
        let signed: Signed = serde_json::from_slice(&response.body)
            .map_err(|error| Error::unexpected("fal gave no URL for a part of a file", response).caused_by(error))?;
        multipart::etag(number, put(uploader, PART, &signed.upload_url, HeaderMap::new(), payload).await?)
    })
    .await?;

    // Unlike the CDN, it writes a part's number with an underscore, and ETags without their quotes.
    let unquoted = |part: &Sent| json!({ "part_number": part.number, "etag": part.etag.trim_matches('"') });
    let parts: Vec<_> = parts.iter().map(unquoted).collect();
    send(context, &ask("complete", Some(json!({ "parts": parts }).to_string()))?).await?;
    Ok(file_url)
}

/// Tells the REST host of a file.
async fn initiate(uploader: &Uploader<'_>, about: &About, how: &str, storage: &str) -> Result<Initiated, Error> {
    let context = uploader.context;
    let url = join(&context.hosts.rest, &format!("storage/upload/{how}"));
    let mut request = Request::new(Operation::Storage("the start of an upload"), Method::POST, url);
    request.url.query_pairs_mut().append_pair("storage_type", storage);
    request.headers = uploader.lifecycle.clone();
    let content_type = &about.content_type;
    let name = about.name.clone().unwrap_or_else(|| format!("upload.{}", content_type::extension(content_type)));
    request.body = Some(json!({ "content_type": content_type, "file_name": name }).to_string().into());
    let response = send(context, &request).await?;
    serde_json::from_slice(&response.body)
        .map_err(|error| Error::unexpected("fal gave no URL for an upload", response).caused_by(error))
}

/// Sends bytes to a signed URL.
async fn put(
    uploader: &Uploader<'_>,
    what: &'static str,
    url: &str,
    headers: HeaderMap,
    payload: Payload,
) -> Result<RawResponse, Error> {
    let context = uploader.context;
    let parsed = Url::parse(url).map_err(|_| not_a_url())?;
    // What is sent may be private. Only where fal itself is reached without TLS, as an emulator is, so is its storage.
    if parsed.scheme() != "https" && parsed.scheme() != context.hosts.rest.scheme() {
        let message = format!("the URL that fal gave for an upload is {}, not https", parsed.scheme());
        return Err(Error::new(ErrorKind::UntrustedUrl, message));
    }
    deliver(context, &Parcel::new(what, Method::PUT, parsed, headers).with_file(payload, &uploader.meter)).await
}

/// The text itself may have a signature in it, and is not shown.
fn not_a_url() -> Error {
    Error::new(ErrorKind::UnexpectedResponse, "the URL that fal gave for an upload is none")
}

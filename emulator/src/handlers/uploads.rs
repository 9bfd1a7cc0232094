//! Uploads: `rest.fal.ai`, and writing to the file hosts.

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, ETAG};
use serde_json::{Value, json};

use crate::input::body;
use crate::request::received::Received;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Reply};
use crate::state::State;
use crate::storage::content::Blob;
use crate::storage::host::Host;
use crate::storage::metadata::Metadata;
use crate::storage::multipart::ListedPart;
use crate::storage::store::StartedUpload;
use crate::time::iso8601::iso8601;

/// The most bytes of the name and of the content type of a file.
const MAX_METADATA_BYTES: usize = 1_024;

pub(super) fn cdn_token(state: &State, received: &Received) -> Result<Reply, Refusal> {
    if received.query("storage_type") != Some("fal-cdn-v3") {
        return Err(bad_request("There are tokens for `storage_type=fal-cdn-v3` only"));
    }
    let (token, expires_at) = state.store.token()?;
    Ok(ok(&json!({
        "token": token,
        "token_type": "Bearer",
        "base_url": received.urls().to("v3.fal.media"),
        "expires_at": iso8601(expires_at),
    })))
}

pub(super) fn initiate_upload(state: &State, received: &Received) -> Result<Reply, Refusal> {
    let host = match received.query("storage_type") {
        Some("fal-cdn-v3") => Host::Cdn,
        Some("gcs") | None => Host::Gcs,
        Some(other) => return Err(bad_request(&format!("There is no storage type `{other}`"))),
    };
    let (path, signature) = state.store.expect_file(host, metadata_of_body(received)?)?;
    let file_url = received.urls().to(&path);
    Ok(ok(
        &json!({ "upload_url": format!("{file_url}?{}={signature}", host.signature_parameter()), "file_url": file_url }),
    ))
}

pub(super) fn initiate_multipart(state: &State, received: &Received) -> Result<Reply, Refusal> {
    let host = match received.query("storage_type") {
        Some("fal-cdn-v3") => Host::Cdn,
        Some("gcs") => Host::Gcs,
        _ => return Err(bad_request("Uploads in parts are for the storage types `fal-cdn-v3` and `gcs`")),
    };
    let StartedUpload { upload_id, path } = state.store.start_multipart(host, metadata_of_body(received)?)?;
    let file_url = received.urls().to(&path);
    let upload_url = match host {
        Host::Cdn => {
            let signature = state.store.sign_parts(&upload_id)?;
            format!("{file_url}/multipart/{upload_id}?{}={signature}", host.signature_parameter())
        }
        Host::Gcs => received.urls().to(&format!("rest.fal.ai/storage/upload/multipart/{upload_id}")),
    };
    Ok(ok(&json!({ "upload_url": upload_url, "file_url": file_url })))
}

/// Signs a URL for a part of an upload to Google Cloud Storage.
pub(super) fn sign_part(state: &State, upload_id: &str, number: &str, received: &Received) -> Result<Reply, Refusal> {
    let path = state.store.multipart_path(upload_id).ok_or_else(|| no_upload(upload_id))?;
    let file_url = received.urls().to(&path);
    let signature = state.store.sign_parts(upload_id)?;
    let parameter = Host::Gcs.signature_parameter();
    Ok(ok(&json!({ "upload_url": format!("{file_url}/multipart/{upload_id}/{number}?{parameter}={signature}") })))
}

pub(super) fn upload(state: &State, received: &Received, file: Blob) -> Result<Reply, Refusal> {
    let stored = state.store.add(metadata_of_headers(received), file)?;
    Ok(ok(&json!({ "access_url": received.urls().to(stored.path()) })))
}

pub(super) fn start_multipart(state: &State, received: &Received) -> Result<Reply, Refusal> {
    let started = state.store.start_multipart(Host::Cdn, metadata_of_headers(received))?;
    Ok(ok(&json!({ "access_url": received.urls().to(&started.path), "uploadId": started.upload_id })))
}

/// Returns the metadata of an upload that was initiated for a path.
pub(super) fn expected(state: &State, path: &str, received: &Received) -> Result<Metadata, Refusal> {
    let metadata = state.store.expected(path).ok_or_else(|| Refusal::NoPath(format!("/{path}")))?;
    if content_type(received) != metadata.content_type {
        let detail = format!("The URL is signed for the content type `{}`", metadata.content_type);
        return Err(Refusal::Detail(StatusCode::FORBIDDEN, detail));
    }
    Ok(metadata)
}

pub(super) fn put_file(state: &State, path: &str, received: &Received, file: Blob) -> Result<Reply, Refusal> {
    state.store.put(path.to_owned(), expected(state, path, received)?, file)?;
    Ok(ok(&json!({})))
}

/// Requires that an upload takes a part of this number.
pub(super) fn check_part(state: &State, path: &str, upload_id: &str, number: &str) -> Result<(), Refusal> {
    let takes = state.store.takes_part(path, upload_id, number);
    takes.ok_or_else(|| no_upload(upload_id))?.map_err(|reason| bad_request(&reason))
}

pub(super) fn put_part(state: &State, path: &str, upload_id: &str, number: &str, part: Blob) -> Result<Reply, Refusal> {
    let etag = state.store.put_part(path, upload_id, number, part);
    let etag = etag.ok_or_else(|| no_upload(upload_id))?.map_err(|reason| bad_request(&reason))?;
    let number: u32 = number.parse().unwrap_or_default();
    Ok(reply::with_header(ok(&json!({ "partNumber": number, "etag": etag })), ETAG, &etag))
}

pub(super) fn complete_multipart(
    state: &State,
    path: &str,
    upload_id: &str,
    received: &Received,
) -> Result<Reply, Refusal> {
    complete(state, path, upload_id, received, "partNumber")
}

/// Completes an upload to Google Cloud Storage, which requires the key.
pub(super) fn complete_by_key(state: &State, upload_id: &str, received: &Received) -> Result<Reply, Refusal> {
    let path = state.store.multipart_path(upload_id).ok_or_else(|| no_upload(upload_id))?;
    complete(state, &path, upload_id, received, "part_number")
}

/// Completes a multipart upload. `number` is the name of a part's number in the body.
fn complete(state: &State, path: &str, upload_id: &str, received: &Received, number: &str) -> Result<Reply, Refusal> {
    let listed =
        received.input().ok().and_then(|body| listed_parts(body, number)).ok_or_else(|| {
            bad_request(&format!(r#"The body has to be {{"parts": [{{"{number}": …, "etag": …}}]}}"#))
        })?;
    let completed = state.store.complete(path, upload_id, listed);
    completed.ok_or_else(|| no_upload(upload_id))?.map_err(|reason| bad_request(&reason))?;
    Ok(ok(&json!({ "access_url": received.urls().to(path) })))
}

/// Returns the body of a request to `rest.fal.ai`, which treats one that is not declared as JSON as opaque bytes.
pub(super) fn json_body(received: &Received) -> Result<&Value, Refusal> {
    if !received.declares_json() && !received.body().is_empty() {
        let detail = json!({ "detail": body::opaque(received.body()) });
        return Err(Refusal::Json(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    Ok(received.input().unwrap_or(&Value::Null))
}

/// Reads the metadata in the body of an initiated upload.
fn metadata_of_body(received: &Received) -> Result<Metadata, Refusal> {
    let body = json_body(received)?;
    let field = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let missing: Vec<Value> = ["content_type", "file_name"]
        .into_iter()
        .filter(|name| field(name).is_none())
        .map(|name| {
            let (kind, msg) = match body.get(name) {
                None => ("missing", "Field required"),
                Some(_) => ("string_type", "Input should be a valid string"),
            };
            json!({ "loc": ["body", name], "msg": msg, "type": kind, "input": body.get(name).unwrap_or(body) })
        })
        .collect();
    match (field("content_type"), field("file_name")) {
        (Some(content_type), Some(name)) if content_type.len().max(name.len()) > MAX_METADATA_BYTES => {
            Err(bad_request(&format!("`content_type` and `file_name` are limited to {MAX_METADATA_BYTES} bytes")))
        }
        (Some(content_type), Some(name)) => {
            Ok(Metadata { name, content_type, lifecycle: received.lifecycle().unwrap_or_default() })
        }
        _ => Err(Refusal::Json(StatusCode::UNPROCESSABLE_ENTITY, json!({ "detail": missing }))),
    }
}

/// Reads the metadata in the headers of an upload to the CDN.
fn metadata_of_headers(received: &Received) -> Metadata {
    let name = received.headers().get("x-fal-file-name").map(|name| String::from_utf8_lossy(name.as_bytes()));
    Metadata {
        name: name.filter(|name| !name.is_empty()).map_or_else(|| "upload.bin".to_owned(), |name| name.into_owned()),
        content_type: content_type(received).to_owned(),
        lifecycle: received.lifecycle().unwrap_or_default(),
    }
}

fn content_type(received: &Received) -> &str {
    received.header(CONTENT_TYPE.as_str()).unwrap_or("application/octet-stream")
}

/// Parses `{"parts": [{"partNumber": 1, "etag": "…"}]}`.
fn listed_parts(body: &Value, number: &str) -> Option<Vec<ListedPart>> {
    let part = |part: &Value| {
        Some(ListedPart { number: part.get(number)?.as_u64()?, etag: part.get("etag")?.as_str()?.to_owned() })
    };
    body.get("parts")?.as_array()?.iter().map(part).collect()
}

fn ok(value: &Value) -> Reply {
    reply::json(StatusCode::OK, value)
}

fn bad_request(detail: &str) -> Refusal {
    Refusal::Detail(StatusCode::BAD_REQUEST, detail.to_owned())
}

fn no_upload(upload_id: &str) -> Refusal {
    Refusal::Detail(StatusCode::NOT_FOUND, format!("There is no upload {upload_id}"))
}

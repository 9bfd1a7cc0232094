//! What is answered on `rest.fal.ai`, `api.fal.ai` and, but for reading, on the hosts of files.

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, ETAG};
use serde_json::{Value, json};

use super::keys::NoKey;
use super::refusal::Refusal;
use super::reply::{self, Reply};
use super::{Received, Service};
use crate::output::MediaFile;
use crate::storage::{Acl, Begun, Blob, Denied, Grant, Host, Lifecycle, ListedPart, Plan};
use crate::time::iso8601;

/// The longest time for which a URL is signed: a week.
const LONGEST_SIGNED: u64 = 604_800;

impl Service {
    pub(super) fn cdn_token(&self, received: &Received) -> Result<Reply, Refusal> {
        self.check_key(received)?;
        if received.query("storage_type") != Some("fal-cdn-v3") {
            return Err(bad_request("There are tokens for `storage_type=fal-cdn-v3` only"));
        }
        let (token, expires_at) = self.storage.token();
        Ok(ok(&json!({
            "token": token,
            "token_type": "Bearer",
            "base_url": format!("{}/v3.fal.media", self.base_url),
            "expires_at": iso8601(expires_at),
        })))
    }

    pub(super) fn initiate_upload(&self, received: &Received) -> Result<Reply, Refusal> {
        self.check_key(received)?;
        let host = match received.query("storage_type") {
            Some("fal-cdn-v3") => Host::Cdn,
            Some("gcs") | None => Host::Gcs,
            Some(other) => return Err(bad_request(&format!("There is no storage type `{other}`"))),
        };
        let (file_url, signature) = self.storage.await_file(host, plan_of_body(received)?);
        Ok(ok(&json!({ "upload_url": format!("{file_url}?{}={signature}", host.signature()), "file_url": file_url })))
    }

    pub(super) fn initiate_multipart(&self, received: &Received) -> Result<Reply, Refusal> {
        self.check_key(received)?;
        let host = match received.query("storage_type") {
            Some("fal-cdn-v3") => Host::Cdn,
            Some("gcs") => Host::Gcs,
            _ => return Err(bad_request("Uploads in parts are for the storage types `fal-cdn-v3` and `gcs`")),
        };
        let Begun { upload_id, file_url } = self.storage.begin_multipart(host, plan_of_body(received)?);
        let upload_url = match host {
            Host::Cdn => {
                let signature = self.storage.sign_parts(&upload_id);
                format!("{file_url}/multipart/{upload_id}?{}={signature}", host.signature())
            }
            Host::Gcs => format!("{}/rest.fal.ai/storage/upload/multipart/{upload_id}", self.base_url),
        };
        Ok(ok(&json!({ "upload_url": upload_url, "file_url": file_url })))
    }

    /// A URL for a part of an upload to Google.
    pub(super) fn sign_part(&self, upload_id: &str, number: &str, received: &Received) -> Result<Reply, Refusal> {
        self.check_key(received)?;
        let file_url = self.storage.multipart_url(upload_id).ok_or_else(|| no_upload(upload_id))?;
        let signature = self.storage.sign_parts(upload_id);
        let parameter = Host::Gcs.signature();
        Ok(ok(&json!({ "upload_url": format!("{file_url}/multipart/{upload_id}/{number}?{parameter}={signature}") })))
    }

    pub(super) fn upload(&self, received: &Received, file: Blob) -> Result<Reply, Refusal> {
        self.check_token(received)?;
        let stored = self.storage.add(plan_of_headers(received), file);
        Ok(ok(&json!({ "access_url": stored.url() })))
    }

    pub(super) fn start_multipart(&self, received: &Received) -> Result<Reply, Refusal> {
        self.check_token(received)?;
        let begun = self.storage.begin_multipart(Host::Cdn, plan_of_headers(received));
        Ok(ok(&json!({ "access_url": begun.file_url, "uploadId": begun.upload_id })))
    }

    pub(super) fn put_file(&self, path: &str, received: &Received, file: Blob) -> Result<Reply, Refusal> {
        self.check_signature(received, &Grant::Put(path.to_owned()))?;
        let plan = self.storage.awaited(path).ok_or_else(|| Refusal::NoPath(format!("/{path}")))?;
        if content_type(received) != plan.content_type {
            let detail = format!("The URL is signed for the content type `{}`", plan.content_type);
            return Err(Refusal::Detail(StatusCode::FORBIDDEN, detail));
        }
        self.storage.put(path.to_owned(), plan, file);
        Ok(ok(&json!({})))
    }

    pub(super) fn put_part(
        &self,
        path: &str,
        upload_id: &str,
        number: &str,
        received: &Received,
        part: Blob,
    ) -> Result<Reply, Refusal> {
        self.check_parts(received, upload_id)?;
        let etag = self.storage.put_part(path, upload_id, number, part);
        let etag = etag.ok_or_else(|| no_upload(upload_id))?.map_err(|reason| bad_request(&reason))?;
        let number: u32 = number.parse().unwrap_or_default();
        Ok(reply::with_header(ok(&json!({ "partNumber": number, "etag": etag })), ETAG, &etag))
    }

    pub(super) fn complete_multipart(
        &self,
        path: &str,
        upload_id: &str,
        received: &Received,
    ) -> Result<Reply, Refusal> {
        self.check_parts(received, upload_id)?;
        self.complete(path, upload_id, received, "partNumber")
    }

    /// The end of an upload to Google, for which the key is needed.
    pub(super) fn complete_by_key(&self, upload_id: &str, received: &Received) -> Result<Reply, Refusal> {
        self.check_key(received)?;
        let file_url = self.storage.multipart_url(upload_id).ok_or_else(|| no_upload(upload_id))?;
        let path = self.storage.path_of(&file_url).unwrap_or_default();
        self.complete(&path, upload_id, received, "part_number")
    }

    /// Puts parts together; `number` is what the body calls the number of a part.
    fn complete(&self, path: &str, upload_id: &str, received: &Received, number: &str) -> Result<Reply, Refusal> {
        let listed = received.input().ok().and_then(|body| listed_parts(body, number)).ok_or_else(|| {
            bad_request(&format!(r#"The body has to be {{"parts": [{{"{number}": …, "etag": …}}]}}"#))
        })?;
        let url = self.storage.complete(path, upload_id, listed);
        let url = url.ok_or_else(|| no_upload(upload_id))?.map_err(|reason| bad_request(&reason))?;
        Ok(ok(&json!({ "access_url": url })))
    }

    pub(super) fn sign_file(&self, received: &Received) -> Result<Reply, Refusal> {
        let file = self.file_of_platform(received)?;
        let body = received.input().unwrap_or(&Value::Null);
        let seconds = body.get("expiration_seconds").and_then(Value::as_u64);
        let seconds = seconds.filter(|seconds| (1..=LONGEST_SIGNED).contains(seconds)).ok_or_else(|| {
            let message = format!("expiration_seconds has to be a whole number from 1 to {LONGEST_SIGNED}");
            platform_error(StatusCode::BAD_REQUEST, "validation_error", &message)
        })?;
        Ok(ok(&json!({ "signed_url": self.storage.sign(&file, Duration::from_secs(seconds)) })))
    }

    pub(super) fn file_acl(&self, received: &Received) -> Result<Reply, Refusal> {
        let path = self.file_of_platform(received)?;
        let acl = self.storage.file(&path).map(|file| file.lifecycle.acl.json());
        Ok(ok(&acl.unwrap_or_default()))
    }

    pub(super) fn set_file_acl(&self, received: &Received) -> Result<Reply, Refusal> {
        let path = self.file_of_platform(received)?;
        let acl = received.input().ok().filter(|body| body.get("default").is_some()).and_then(Acl::read);
        let acl = acl.ok_or_else(|| {
            let message =
                "the body has to be {\"default\": allow, forbid or hide, \"rules\": [{\"user\", \"decision\"}]}";
            platform_error(StatusCode::BAD_REQUEST, "validation_error", message)
        })?;
        let reply = ok(&acl.json());
        self.storage.set_acl(&path, acl);
        Ok(reply)
    }

    /// The path of the file that a call of the platform API is about.
    fn file_of_platform(&self, received: &Received) -> Result<String, Refusal> {
        let unauthorized = |message| platform_error(StatusCode::UNAUTHORIZED, "authorization_error", message);
        self.settings.keys.check(received.headers()).map_err(|problem| match problem {
            NoKey::Missing => unauthorized("Authentication required"),
            NoKey::Wrong => unauthorized("Invalid API key"),
        })?;
        let invalid = |message| platform_error(StatusCode::BAD_REQUEST, "validation_error", message);
        let url = received.query("url").ok_or_else(|| invalid("the parameter `url` is missing"))?;
        let path = self.storage.path_of(url).filter(|_| !url.contains('?'));
        let path = path.ok_or_else(|| invalid("`url` has to be the URL of a file of the CDN, without a query"))?;
        let not_found = || platform_error(StatusCode::NOT_FOUND, "not_found", "File not found");
        match self.storage.known(&path) {
            Some(_) => self.storage.file(&path).map(|_| path).ok_or_else(not_found),
            // A file that is only drawn is kept from now on, so that something can be said of it.
            None => {
                let drawn = MediaFile::at(&path).ok_or_else(not_found)?;
                self.storage.keep_made(&drawn, &Lifecycle::default(), None);
                Ok(path)
            }
        }
    }

    /// Whether there is a key.
    fn check_key(&self, received: &Received) -> Result<(), Refusal> {
        self.settings.keys.check(received.headers()).map_err(|problem| match problem {
            NoKey::Missing => unauthorized("Authentication is required"),
            NoKey::Wrong => unauthorized(NoKey::WRONG),
        })
    }

    /// Whether there is a CDN token that holds.
    pub(super) fn check_token(&self, received: &Received) -> Result<(), Refusal> {
        let header = received.header(AUTHORIZATION.as_str());
        let header = header.ok_or_else(|| unauthorized("A CDN token is required"))?;
        let token = header.strip_prefix("Bearer ");
        let token = token.ok_or_else(|| unauthorized("A CDN token of the type `Bearer` is required"))?;
        self.storage.check(token, &Grant::Upload).map_err(|denied| match denied {
            Denied::Wrong => unauthorized("Invalid token"),
            Denied::Expired => unauthorized("The token has expired"),
        })
    }

    /// Whether the URL is signed for what is done.
    fn check_signature(&self, received: &Received, grant: &Grant) -> Result<(), Refusal> {
        let forbidden = |detail: &str| Refusal::Detail(StatusCode::FORBIDDEN, detail.to_owned());
        if received.headers().contains_key(AUTHORIZATION) {
            return Err(forbidden("A signed URL takes no Authorization"));
        }
        let signature = signature(received).ok_or_else(|| forbidden("The URL is not signed"))?;
        self.storage.check(signature, grant).map_err(|denied| match denied {
            Denied::Wrong => forbidden("Invalid signature"),
            Denied::Expired => forbidden("The signature has expired"),
        })
    }

    /// Whether parts of an upload may be sent: by a signed URL, or with a CDN token.
    fn check_parts(&self, received: &Received, upload_id: &str) -> Result<(), Refusal> {
        match signature(received) {
            Some(_) => self.check_signature(received, &Grant::Parts(upload_id.to_owned())),
            None => self.check_token(received),
        }
    }
}

/// The signature in a URL.
pub(super) fn signature(received: &Received) -> Option<&str> {
    [Host::Cdn, Host::Gcs].iter().find_map(|host| received.query(host.signature()))
}

/// What an initiated upload says of its file.
fn plan_of_body(received: &Received) -> Result<Plan, Refusal> {
    let body = received.input().unwrap_or(&Value::Null);
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
        (Some(content_type), Some(name)) => {
            Ok(Plan { name, content_type, lifecycle: received.lifecycle().unwrap_or_default() })
        }
        _ => Err(Refusal::Json(StatusCode::UNPROCESSABLE_ENTITY, json!({ "detail": missing }))),
    }
}

/// What an upload to the CDN says of its file.
fn plan_of_headers(received: &Received) -> Plan {
    let name = received.headers().get("x-fal-file-name").map(|name| String::from_utf8_lossy(name.as_bytes()));
    Plan {
        name: name.filter(|name| !name.is_empty()).map_or_else(|| "upload.bin".to_owned(), |name| name.into_owned()),
        content_type: content_type(received).to_owned(),
        lifecycle: received.lifecycle().unwrap_or_default(),
    }
}

fn content_type(received: &Received) -> &str {
    received.header(CONTENT_TYPE.as_str()).unwrap_or("application/octet-stream")
}

/// `{"parts": [{"partNumber": 1, "etag": "…"}]}`
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

fn unauthorized(detail: &str) -> Refusal {
    Refusal::Detail(StatusCode::UNAUTHORIZED, detail.to_owned())
}

fn no_upload(upload_id: &str) -> Refusal {
    Refusal::Detail(StatusCode::NOT_FOUND, format!("There is no upload {upload_id}"))
}

/// The platform API has a shape of its own for errors.
fn platform_error(status: StatusCode, kind: &str, message: &str) -> Refusal {
    Refusal::Json(status, json!({ "error": { "type": kind, "message": message } }))
}

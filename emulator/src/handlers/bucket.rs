//! A bucket in S3 that takes presigned POST uploads, as the section "Browser-based uploads using POST" of the S3 reference says.

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, ETAG, LOCATION};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::input::multipart::{self, Form};
use crate::input::post_policy::{self, PolicyError, PostedForm};
use crate::request::received::Received;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Reply};
use crate::response::s3::{S3Error, escape, xml};
use crate::state::State;
use crate::storage::lifecycle::Lifecycle;
use crate::storage::metadata::Metadata;

/// The longest key.
const MAX_KEY_BYTES: usize = 1_024;

/// Stores the file of a form. The signature is not verified, because only its owner has the secret. `path` is the host, and
/// the bucket if it is not in the name of the host.
pub(super) fn post(state: &State, path: &str, received: &Received) -> Result<Reply, Refusal> {
    let content_type = received.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    if !content_type.to_ascii_lowercase().starts_with("multipart/form-data") {
        let message = "At least one of the pre-conditions you specified did not hold";
        return Err(refused(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", message));
    }
    let malformed = |reason: &str| {
        let message = format!("The body of your POST request is not well-formed multipart/form-data: {reason}.");
        refused(StatusCode::BAD_REQUEST, "MalformedPOSTRequest", message)
    };
    let Form { texts, files } = multipart::parse(content_type, received.bytes()).map_err(malformed)?;
    let fields: Vec<_> = texts.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
    let field = |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
    let mut uploads = files.into_iter().filter(|file| file.field.eq_ignore_ascii_case("file"));
    let (Some(file), None) = (uploads.next(), uploads.next()) else {
        return Err(argument("POST requires exactly one file upload per request."));
    };
    let key = field("key").ok_or_else(|| missing("key"))?;
    // Browsers of old sent the whole path.
    let file_name = file.name.rsplit(['/', '\\']).next().unwrap_or_default();
    let key = key.replace("${filename}", file_name);
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Err(argument("User key must have a length of at least 1 byte, and of at most 1024."));
    }
    let bucket = bucket_of(path);
    let policy = field("policy").ok_or_else(|| refused(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied"))?;
    if field("x-amz-signature").or(field("signature")).is_none() {
        return Err(missing("X-Amz-Signature"));
    }
    let size = file.bytes.len() as u64;
    let form = PostedForm { bucket, fields: &fields, file_name, size, now: state.clock.date() };
    post_policy::check(policy, &form).map_err(by_policy)?;

    let content_type = field("content-type").unwrap_or("binary/octet-stream").to_owned();
    let name = key.rsplit('/').next().unwrap_or_default().to_owned();
    let metadata = Metadata { name, content_type, lifecycle: Lifecycle::default() };
    let mut blob = state.store.blob();
    blob.append(&file.bytes).map_err(Refusal::NoRoom)?;
    let etag = blob.etag();
    state.store.put(format!("{path}/{key}"), metadata, blob)?;
    let location = received.urls().to(&format!("{path}/{key}"));
    Ok(stored(field("success_action_redirect"), field("success_action_status"), bucket, &key, &location, &etag))
}

/// Responds to an upload as its form says. Default: 204.
fn stored(redirect: Option<&str>, status: Option<&str>, bucket: &str, key: &str, location: &str, etag: &str) -> Reply {
    if let Some(page) = redirect.filter(|page| page.starts_with("https://") || page.starts_with("http://")) {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let query = format!("bucket={}&key={}&etag={}", encode(bucket), encode(key), encode(etag));
        let url = format!("{page}{}{query}", if page.contains('?') { '&' } else { '?' });
        let mut reply = reply::empty();
        *reply.status_mut() = StatusCode::SEE_OTHER;
        return reply::with_header(reply, LOCATION, &url);
    }
    let reply = match status {
        Some("201") => {
            let elements = [("Location", location), ("Bucket", bucket), ("Key", key), ("ETag", etag)];
            let elements = elements.map(|(name, text)| format!("<{name}>{}</{name}>", escape(text)));
            xml(StatusCode::CREATED, &format!("<PostResponse>{}</PostResponse>", elements.concat()))
        }
        status => {
            let mut reply = reply::empty();
            *reply.status_mut() = if status == Some("200") { StatusCode::OK } else { StatusCode::NO_CONTENT };
            reply
        }
    };
    reply::with_header(reply::with_header(reply, ETAG, etag), LOCATION, location)
}

/// Returns the name of the bucket at a path: `bucket.s3.region.amazonaws.com` or `s3.region.amazonaws.com/bucket`.
fn bucket_of(path: &str) -> &str {
    match path.split_once('/') {
        Some((_, bucket)) => bucket,
        None => path.find(".s3").map_or(path, |end| &path[..end]),
    }
}

fn by_policy(error: PolicyError) -> Refusal {
    Refusal::S3(match error {
        PolicyError::Invalid(reason) => {
            S3Error::new(StatusCode::BAD_REQUEST, "InvalidPolicyDocument", format!("Invalid Policy: {reason}."))
        }
        PolicyError::Failed(reason) => {
            let message = format!("Invalid according to Policy: {reason}");
            S3Error::new(StatusCode::FORBIDDEN, "AccessDenied", message)
        }
        PolicyError::TooLarge { size, max } => S3Error {
            details: vec![("ProposedSize", size), ("MaxSizeAllowed", max)],
            ..S3Error::new(
                StatusCode::BAD_REQUEST,
                "EntityTooLarge",
                "Your proposed upload exceeds the maximum allowed size",
            )
        },
        PolicyError::TooSmall { size, min } => S3Error {
            details: vec![("ProposedSize", size), ("MinSizeAllowed", min)],
            ..S3Error::new(
                StatusCode::BAD_REQUEST,
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
            )
        },
    })
}

fn missing(field: &str) -> Refusal {
    argument(&format!(
        "Bucket POST must contain a field named '{field}'. If it is specified, please check the order of the fields."
    ))
}

fn argument(message: &str) -> Refusal {
    refused(StatusCode::BAD_REQUEST, "InvalidArgument", message)
}

fn refused(status: StatusCode, code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::S3(S3Error::new(status, code, message))
}

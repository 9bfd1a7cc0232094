//! File operations of the platform API, `api.fal.ai`.

use std::time::Duration;

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::media::media_file::MediaFile;
use crate::platform::error::{invalid, not_found};
use crate::request::received::Received;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Reply};
use crate::state::State;
use crate::storage::acl::Acl;
use crate::storage::lifecycle::Lifecycle;

/// The longest lifetime of a signed URL in seconds: a week.
const MAX_SIGNED_SECONDS: u64 = 604_800;

pub(crate) fn sign_file(state: &State, received: &Received) -> Result<Reply, Refusal> {
    let file = file_path(state, received)?;
    let body = received.input().unwrap_or(&Value::Null);
    let seconds = body.get("expiration_seconds").and_then(Value::as_u64);
    let seconds = seconds.filter(|seconds| (1..=MAX_SIGNED_SECONDS).contains(seconds)).ok_or_else(|| {
        let message = format!("expiration_seconds has to be a whole number from 1 to {MAX_SIGNED_SECONDS}");
        invalid(&message)
    })?;
    let signature = state.store.sign(&file, Duration::from_secs(seconds))?;
    let signed_url = format!("{}?identity={signature}", received.urls().to(&file));
    Ok(reply::json(StatusCode::OK, &json!({ "signed_url": signed_url })))
}

pub(crate) fn file_acl(state: &State, received: &Received) -> Result<Reply, Refusal> {
    let path = file_path(state, received)?;
    let acl = state.store.get(&path).map(|file| file.lifecycle.acl.json());
    Ok(reply::json(StatusCode::OK, &acl.unwrap_or_default()))
}

pub(crate) fn set_file_acl(state: &State, received: &Received) -> Result<Reply, Refusal> {
    let path = file_path(state, received)?;
    let acl = received.input().ok().filter(|body| body.get("default").is_some()).and_then(Acl::parse);
    let acl = acl.ok_or_else(|| {
        let message = "the body has to be {\"default\": allow, forbid or hide, \"rules\": [{\"user\", \"decision\"}]}";
        invalid(message)
    })?;
    let reply = reply::json(StatusCode::OK, &acl.json());
    state.store.set_acl(&path, acl);
    Ok(reply)
}

/// Returns the path of the file in the query of a platform API call.
fn file_path(state: &State, received: &Received) -> Result<String, Refusal> {
    let url = received.query("url").ok_or_else(|| invalid("the parameter `url` is missing"))?;
    let path = state.store.path_of(url).filter(|_| !url.contains('?'));
    let path = path.ok_or_else(|| invalid("`url` has to be the URL of a file of the CDN, without a query"))?;
    let not_found = || not_found("File not found");
    match state.store.get_even_expired(&path) {
        Some(_) => state.store.get(&path).map(|_| path).ok_or_else(not_found),
        // A file that is only drawn is stored from now on, so that it can have an ACL.
        None => {
            let drawn = MediaFile::from_path(&path).ok_or_else(not_found)?;
            state.store.add_generated(&drawn, &Lifecycle::default(), None)?;
            Ok(path)
        }
    }
}

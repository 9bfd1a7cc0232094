use std::ops::Range;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, HeaderValue,
    IF_NONE_MATCH, IF_RANGE, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};

use crate::handlers::auth;
use crate::handlers::blocking::blocking;
use crate::input::upload_policy;
use crate::media::media_file::MediaFile;
use crate::request::received::Received;
use crate::response::failure::Failure;
use crate::response::range::{self, Part};
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Body, Dropped, Reply};
use crate::response::s3::S3Error;
use crate::state::State;
use crate::storage::acl::Decision;
use crate::storage::content::Content;
use crate::storage::file::{File, FileData};
use crate::storage::grants::Grant;

/// A file to send.
struct SentFile {
    content_type: String,
    etag: String,
    bytes: Source,
}

enum Source {
    Stored(Content),
    Drawn(Bytes),
}

/// Responds with the file of a path.
pub(crate) async fn read(state: &State, path: &str, received: &Received, ignore_range: bool) -> Result<Reply, Refusal> {
    let drawn = match state.store.get_even_expired(path) {
        Some(_) => {
            let file = state.store.get(path).ok_or_else(|| no_file(path))?;
            check_access(state, &file, received)?;
            match &file.data {
                FileData::Uploaded(content, _) | FileData::Generated(content) => {
                    let content_type = file.content_type.clone();
                    let bytes = Source::Stored(content.clone());
                    return Ok(SentFile { content_type, etag: content.etag(), bytes }.reply(received, ignore_range));
                }
                FileData::Drawn(drawn) => drawn.clone(),
            }
        }
        None => MediaFile::from_path(path).ok_or_else(|| no_file(path))?,
    };
    let (content_type, etag) = (drawn.content_type().to_owned(), format!("\"{}\"", drawn.file_name()));
    let caption = state.store.captions.get(drawn.motif());
    Ok(match blocking(state, move || drawn.bytes(caption.as_deref(), None)).await {
        Ok(bytes) => SentFile { content_type, etag, bytes: Source::Drawn(bytes) }.reply(received, ignore_range),
        Err(error) => Failure::internal(error).reply(),
    })
}

/// Requires that a request may read a file: everyone may, or its owner, or a signed URL grants it.
fn check_access(state: &State, file: &File, received: &Received) -> Result<(), Refusal> {
    let refusal = match file.lifecycle.acl.default {
        Decision::Allow => return Ok(()),
        Decision::Forbid => Refusal::Detail(StatusCode::FORBIDDEN, "Access denied".to_owned()),
        Decision::Hide => no_file(&file.path),
    };
    let is_owner = state.settings.keys.check(received.headers()).is_ok() || auth::check_token(state, received).is_ok();
    match received.query("identity") {
        _ if is_owner => Ok(()),
        Some(signature) => auth::check_grant(state, signature, &Grant::Read(file.path.clone())),
        None => Err(refusal),
    }
}

fn no_file(path: &str) -> Refusal {
    let host = path.split('/').next().unwrap_or_default();
    if upload_policy::is_s3(host) { Refusal::S3(S3Error::no_object()) } else { Refusal::NoPath(format!("/{path}")) }
}

impl SentFile {
    /// Responds with the requested range of the file.
    fn reply(&self, received: &Received, ignore_range: bool) -> Reply {
        let size = match &self.bytes {
            Source::Stored(content) => content.size(),
            Source::Drawn(bytes) => bytes.len() as u64,
        };
        // A copy that the client has is still the same.
        let copies = received.header(IF_NONE_MATCH.as_str()).unwrap_or_default().split(',');
        let is_copy = |copy: &str| copy.strip_prefix("W/").unwrap_or(copy) == self.etag || copy == "*";
        if copies.map(str::trim).any(is_copy) {
            let mut reply = reply::empty();
            *reply.status_mut() = StatusCode::NOT_MODIFIED;
            return sandboxed(reply::with_header(reply, ETAG, &self.etag));
        }
        // The range of an older version of the file is ignored.
        let is_same = received.header(IF_RANGE.as_str()).is_none_or(|etag| etag == self.etag);
        let part = match received.header(RANGE.as_str()) {
            Some(header) if is_same && !ignore_range => range::parse(header, size),
            _ => Part::Whole,
        };
        let (status, range, content_range) = match part {
            Part::Whole => (StatusCode::OK, 0..size, None),
            Part::Range(range) => {
                let content_range = format!("bytes {}-{}/{size}", range.start, range.end - 1);
                (StatusCode::PARTIAL_CONTENT, range, Some(content_range))
            }
            Part::Unsatisfiable => {
                let reply = reply::detail(StatusCode::RANGE_NOT_SATISFIABLE, "Range Not Satisfiable");
                return reply::with_header(reply, CONTENT_RANGE, &format!("bytes */{size}"));
            }
        };
        let mut reply = Response::new(self.body(range.clone()));
        *reply.status_mut() = status;
        reply.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
        let accepted = (!ignore_range).then_some("bytes");
        let headers: [(HeaderName, Option<&str>); 4] = [
            (CONTENT_TYPE, Some(&self.content_type)),
            (ETAG, Some(&self.etag)),
            (ACCEPT_RANGES, accepted),
            (CONTENT_RANGE, content_range.as_deref()),
        ];
        let reply = headers
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .fold(reply, |reply, (name, value)| reply::with_header(reply, name, value));
        sandboxed(reply)
    }

    fn body(&self, range: Range<u64>) -> Body {
        match &self.bytes {
            Source::Drawn(bytes) => reply::full(bytes.slice(range.start as usize..range.end as usize)),
            // The response breaks off if the content cannot be read.
            Source::Stored(content) => {
                let frames = content.chunks(range).map(|chunk| chunk.map(Frame::data).map_err(|_| Dropped));
                StreamBody::new(stream::iter(frames)).boxed_unsync()
            }
        }
    }
}

/// Forbids a browser to run the scripts of a file, or to take it for another type. Uploads have the origin of the emulator's page.
pub(crate) fn sandboxed(reply: Reply) -> Reply {
    const POLICY: &str =
        "default-src 'none'; img-src 'self' data:; media-src 'self' data:; style-src 'unsafe-inline'; sandbox";
    let reply = reply::with_header(reply, CONTENT_SECURITY_POLICY, POLICY);
    reply::with_header(reply, X_CONTENT_TYPE_OPTIONS, "nosniff")
}

use hyper::Method;
use percent_encoding::percent_decode_str;

use crate::input::upload_policy;
use crate::request::operation::Operation;
use crate::urls::canonical;
use fal_documents::app_segments;

/// The target of a path. Its first segment is the name of a fal host.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/fal.run/{id}`
    Run { id: String },
    /// `/fal.run/{id}`, with an id that ends in `/stream`.
    Stream { id: String },
    /// `/fal.run/{id}`, with a WebSocket upgrade.
    Realtime { id: String },
    /// `/ws.fal.run/{id}`
    Calls { id: String },
    /// `/queue.fal.run/{id}`
    Submit { id: String },
    /// `/queue.fal.run/{app}/requests/{request_id}` and the paths below.
    Job { operation: Operation, app: String, request_id: String },
    /// `/rest.fal.ai/tokens/` and `/rest.fal.ai/tokens/realtime`
    Token { realtime: bool },
    /// Below `/rest.fal.ai/storage` and `/api.fal.ai/v1/storage`, and uploads whose file has no path yet.
    Storage { operation: Operation },
    /// The other paths below `/api.fal.ai/v1`, `/rest.fal.ai/billing/user_details`, and the documents of `/fal.ai`.
    Platform { operation: Operation },
    /// `/api.fal.ai/v1/workflows/{owner}/{name}`
    Workflow { owner: String, name: String },
    /// `/api.fal.ai/v1/models/requests/{request_id}/payloads`
    Payloads { request_id: String },
    /// `/v3.fal.media/files/{…}` and `/storage.googleapis.com/{…}`. `path` starts with the host, without a slash.
    File { path: String, operation: Operation },
    /// `POST /{bucket}.s3.{region}.amazonaws.com/`, or with the bucket in the path. `path` has no slash at its ends.
    PostObject { path: String },
    /// `…/multipart/{upload_id}/{number}` below a file.
    Part { path: String, upload_id: String, number: String },
    /// `…/multipart/{upload_id}/complete` below a file.
    Complete { path: String, upload_id: String },
    /// `/rest.fal.ai/storage/upload/multipart/{upload_id}/{number}`
    SignPart { upload_id: String, number: String },
    /// `/rest.fal.ai/storage/upload/multipart/{upload_id}/complete`
    CompleteByKey { upload_id: String },
    /// `/rest.fal.ai/.well-known/jwks.json`
    WebhookKeys,
    /// `…/requests/…` below more than the application. Documents list such paths, but fal rejects them.
    RequestBelowPath,
    /// Any other path.
    Unknown,
}

impl Route {
    /// Parses a path. Trailing slashes are ignored, and segments are percent-decoded. `websocket` means that the request asks
    /// for an upgrade.
    pub(crate) fn parse(method: &Method, path: &str, websocket: bool) -> Self {
        let decoded: Vec<String> = path
            .trim_matches('/')
            .split('/')
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect();
        let host = canonical(decoded.first().map_or("", String::as_str));
        let mut segments: Vec<&str> = decoded.iter().map(String::as_str).collect();
        if let Some(first) = segments.first_mut() {
            *first = &host;
        }
        let storage = |operation| Route::Storage { operation };
        match segments.as_slice() {
            ["fal.run", id @ ..] if !id.is_empty() && websocket => Route::Realtime { id: id.join("/") },
            ["ws.fal.run", id @ ..] if !id.is_empty() => Route::Calls { id: id.join("/") },
            ["fal.run", id @ ..] if !id.is_empty() => run(id),
            ["queue.fal.run", path @ ..] if !path.is_empty() => queue(path),
            ["rest.fal.ai", ".well-known", "jwks.json"] => Route::WebhookKeys,
            ["rest.fal.ai", "tokens"] => Route::Token { realtime: false },
            ["rest.fal.ai", "tokens", "realtime"] => Route::Token { realtime: true },
            ["rest.fal.ai", "storage", "auth", "token"] => storage(Operation::CdnToken),
            ["rest.fal.ai", "storage", "upload", "initiate"] => storage(Operation::InitiateUpload),
            ["rest.fal.ai", "storage", "upload", "initiate-multipart"] => storage(Operation::InitiateMultipart),
            ["rest.fal.ai", "storage", "upload", "multipart", upload_id, "complete"] => {
                Route::CompleteByKey { upload_id: (*upload_id).to_owned() }
            }
            ["rest.fal.ai", "storage", "upload", "multipart", upload_id, number] => {
                Route::SignPart { upload_id: (*upload_id).to_owned(), number: (*number).to_owned() }
            }
            ["api.fal.ai", "v1", "storage", "files", "sign"] => storage(Operation::SignFile),
            ["api.fal.ai", "v1", "storage", "files", "acl"] if method == Method::PUT => storage(Operation::SetFileAcl),
            ["api.fal.ai", "v1", "storage", "files", "acl"] => storage(Operation::FileAcl),
            ["api.fal.ai", "v1", path @ ..] => platform(path),
            ["fal.ai", "api", "openapi", "queue", "openapi.json"] => Route::Platform { operation: Operation::Document },
            ["rest.fal.ai", "billing", "user_details"] => Route::Platform { operation: Operation::UserDetails },
            ["v3.fal.media", "files", "upload"] => storage(Operation::Upload),
            ["v3.fal.media", "files", "upload", "multipart"] => storage(Operation::StartMultipart),
            ["v3.fal.media", "files", name @ ..] if !name.is_empty() => file(method, &segments),
            ["storage.googleapis.com", name @ ..] if !name.is_empty() => file(method, &segments),
            [host, ..] if *method == Method::POST && upload_policy::is_s3(host) => post_object(&segments.join("/")),
            [host, name @ ..] if !name.is_empty() && *method != Method::PUT && upload_policy::is_s3(host) => {
                Route::File { path: segments.join("/"), operation: Operation::Media }
            }
            _ => Route::Unknown,
        }
    }

    pub(crate) fn operation(&self) -> Operation {
        match self {
            Route::Run { .. } => Operation::Run,
            Route::Stream { .. } => Operation::Stream,
            Route::Realtime { .. } => Operation::Realtime,
            Route::Calls { .. } => Operation::WebSocket,
            Route::Submit { .. } => Operation::Submit,
            Route::Token { .. } => Operation::Token,
            Route::Part { .. } => Operation::PutPart,
            Route::Complete { .. } | Route::CompleteByKey { .. } => Operation::CompleteMultipart,
            Route::SignPart { .. } => Operation::SignPart,
            Route::Job { operation, .. }
            | Route::Storage { operation }
            | Route::Platform { operation }
            | Route::File { operation, .. } => *operation,
            Route::Workflow { .. } => Operation::Workflow,
            Route::Payloads { .. } => Operation::DeletePayloads,
            Route::PostObject { .. } => Operation::PostObject,
            Route::WebhookKeys => Operation::WebhookKeys,
            Route::RequestBelowPath | Route::Unknown => Operation::Other,
        }
    }

    /// Returns the allowed methods.
    pub(crate) fn methods(&self) -> &'static [Method] {
        match self.operation() {
            Operation::Run
            | Operation::Stream
            | Operation::Submit
            | Operation::Token
            | Operation::CdnToken
            | Operation::InitiateUpload
            | Operation::InitiateMultipart
            | Operation::Upload
            | Operation::StartMultipart
            | Operation::SignPart
            | Operation::CompleteMultipart
            | Operation::SignFile
            | Operation::EstimateCost
            | Operation::PostObject => &[Method::POST],
            Operation::Status
            | Operation::StatusStream
            | Operation::Result
            | Operation::WebhookKeys
            | Operation::Models
            | Operation::Workflows
            | Operation::Workflow
            | Operation::Document
            | Operation::Pricing
            | Operation::Usage
            | Operation::BillingEvents
            | Operation::RequestsByEndpoint
            | Operation::SearchRequests
            | Operation::AccountBilling
            | Operation::UserDetails
            | Operation::Meta
            | Operation::Realtime
            | Operation::WebSocket => &[Method::GET],
            Operation::Cancel | Operation::PutPart => &[Method::PUT],
            Operation::DeletePayloads => &[Method::DELETE],
            Operation::Media | Operation::PutFile => &[Method::GET, Method::HEAD, Method::PUT],
            Operation::FileAcl | Operation::SetFileAcl => &[Method::GET, Method::PUT],
            // Messages have no method of their own.
            Operation::RealtimeInput | Operation::WebSocketRun | Operation::Other => &[],
        }
    }

    /// Returns whether the body is a file, or a part of one.
    pub(crate) fn takes_file(&self) -> bool {
        matches!(self.operation(), Operation::Upload | Operation::PutFile | Operation::PutPart)
    }
}

/// Parses an id. A path `stream` below an application is a stream.
fn run(id: &[&str]) -> Route {
    let (path, id) = (id.get(app_segments(id[0])..).unwrap_or_default(), id.join("/"));
    if path.last() == Some(&"stream") { Route::Stream { id } } else { Route::Run { id } }
}

/// Parses a path of the platform API.
fn platform(path: &[&str]) -> Route {
    let operation = match path {
        ["models"] => Operation::Models,
        ["models", "pricing"] => Operation::Pricing,
        ["models", "pricing", "estimate"] => Operation::EstimateCost,
        ["models", "usage"] => Operation::Usage,
        ["models", "billing-events"] => Operation::BillingEvents,
        ["models", "requests", "by-endpoint"] => Operation::RequestsByEndpoint,
        ["models", "requests", "search"] => Operation::SearchRequests,
        ["models", "requests", request_id, "payloads"] => {
            return Route::Payloads { request_id: (*request_id).to_owned() };
        }
        ["workflows"] => Operation::Workflows,
        ["workflows", owner, name] => {
            return Route::Workflow { owner: (*owner).to_owned(), name: (*name).to_owned() };
        }
        ["account", "billing"] => Operation::AccountBilling,
        ["meta"] => Operation::Meta,
        _ => return Route::Unknown,
    };
    Route::Platform { operation }
}

/// Parses the path of a bucket.
fn post_object(path: &str) -> Route {
    match upload_policy::bucket(&format!("https://{path}")) {
        Ok(path) => Route::PostObject { path },
        Err(_) => Route::Unknown,
    }
}

/// Parses a path to a file, or below one.
fn file(method: &Method, segments: &[&str]) -> Route {
    match segments {
        [path @ .., "multipart", upload_id, "complete"] => {
            Route::Complete { path: path.join("/"), upload_id: (*upload_id).to_owned() }
        }
        [path @ .., "multipart", upload_id, number] => {
            Route::Part { path: path.join("/"), upload_id: (*upload_id).to_owned(), number: (*number).to_owned() }
        }
        path => {
            let operation = if method == Method::PUT { Operation::PutFile } else { Operation::Media };
            Route::File { path: path.join("/"), operation }
        }
    }
}

fn queue(path: &[&str]) -> Route {
    let app_segments = app_segments(path[0]);
    let requests = path.iter().position(|segment| *segment == "requests");
    let Some(requests) = requests.filter(|requests| *requests >= app_segments) else {
        return Route::Submit { id: path.join("/") };
    };
    if requests > app_segments {
        return Route::RequestBelowPath;
    }
    let (request_id, operation) = match &path[requests + 1..] {
        [request_id] | [request_id, "response"] => (request_id, Operation::Result),
        [request_id, "status"] => (request_id, Operation::Status),
        [request_id, "status", "stream"] => (request_id, Operation::StatusStream),
        [request_id, "cancel"] => (request_id, Operation::Cancel),
        _ => return Route::Unknown,
    };
    Route::Job { operation, app: path[..requests].join("/"), request_id: (*request_id).to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(path: &str) -> Route {
        Route::parse(&Method::GET, path, false)
    }

    fn job(operation: Operation, app: &str) -> Route {
        Route::Job { operation, app: app.into(), request_id: "r".into() }
    }

    #[test]
    fn first_segment_selects_the_host() {
        assert_eq!(route("/fal.run/a/b/c"), Route::Run { id: "a/b/c".into() });
        assert_eq!(route("/queue.fal.run/a/b/c/"), Route::Submit { id: "a/b/c".into() });
        assert_eq!(route("/fal.run/a/b/stream/"), Route::Stream { id: "a/b/stream".into() });
        assert_eq!(route("/fal.run/a/b/c/stream"), Route::Stream { id: "a/b/c/stream".into() });
        let realtime = Route::Realtime { id: "a/b/realtime".into() };
        assert_eq!(Route::parse(&Method::GET, "/fal.run/a/b/realtime", true), realtime);
        assert_eq!(route("/ws.fal.run/a/b"), Route::Calls { id: "a/b".into() });
        assert_eq!(route("/fal.run/a/stream"), Route::Run { id: "a/stream".into() });
        assert_eq!(route("/fal.run/workflows/a/stream"), Route::Run { id: "workflows/a/stream".into() });
        for path in [
            "",
            "/",
            "/fal.run",
            "/v3.fal.media/files",
            "/rest.fal.ai/storage",
            "/queue.fal.run/",
            "/elsewhere/a/b",
            "/a/b",
        ] {
            assert_eq!(route(path), Route::Unknown, "{path}");
        }
    }

    #[test]
    fn queue_requests_are_below_the_application() {
        let status = |app| job(Operation::Status, app);
        assert_eq!(route("/queue.fal.run/a/b/requests/r/status"), status("a/b"));
        assert_eq!(route("/queue.fal.run/a/b/requests/r/status/"), status("a/b"));
        assert_eq!(route("/queue.fal.run/%61/b/requests/r/status"), status("a/b"));
        assert_eq!(route("/queue.fal.run/workflows/a/b/requests/r/status"), status("workflows/a/b"));
        assert_eq!(route("/queue.fal.run/a/b/c/requests/r/status"), Route::RequestBelowPath);
        assert_eq!(route("/queue.fal.run/workflows/a/b/c/requests/r"), Route::RequestBelowPath);
    }

    #[test]
    fn path_suffix_selects_the_operation() {
        let at = |suffix: &str| route(&format!("/queue.fal.run/a/b/requests/r{suffix}"));
        assert_eq!(at(""), job(Operation::Result, "a/b"));
        assert_eq!(at("/response"), job(Operation::Result, "a/b"));
        assert_eq!(at("/cancel"), job(Operation::Cancel, "a/b"));
        assert_eq!(at("/status/stream"), job(Operation::StatusStream, "a/b"));
        assert_eq!(at("/other"), Route::Unknown);
    }

    #[test]
    fn file_paths_start_with_the_host() {
        let file = |path: &str, operation| Route::File { path: path.into(), operation };
        let path = "/v3.fal.media/files/x/y%20z.png";
        assert_eq!(route(path), file("v3.fal.media/files/x/y z.png", Operation::Media));
        assert_eq!(Route::parse(&Method::PUT, path, false), file("v3.fal.media/files/x/y z.png", Operation::PutFile));
        let gcs = "storage.googleapis.com/b/o";
        assert_eq!(Route::parse(&Method::PUT, &format!("/{gcs}"), false), file(gcs, Operation::PutFile));
        let (path, upload_id) = ("v3.fal.media/files/x".to_owned(), "u".to_owned());
        let part = Route::Part { path: path.clone(), upload_id: upload_id.clone(), number: "7".into() };
        assert_eq!(route("/v3.fal.media/files/x/multipart/u/7"), part);
        assert_eq!(route("/v3.fal.media/files/x/multipart/u/complete"), Route::Complete { path, upload_id });
        let start = Route::Storage { operation: Operation::StartMultipart };
        assert_eq!(route("/v3.fal.media/files/upload/multipart"), start);
    }
}

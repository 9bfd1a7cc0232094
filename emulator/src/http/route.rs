use hyper::Method;
use percent_encoding::percent_decode_str;

use crate::documents::app_segments;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// A direct run: `POST /fal.run/{id}`.
    Run,
    /// A request for the queue: `POST /queue.fal.run/{id}`.
    Submit,
    /// Where a request stands: `GET /queue.fal.run/{app}/requests/{request_id}/status`.
    Status,
    /// Where a request stands, as events: `GET …/status/stream`.
    StatusStream,
    /// What came of a request: `GET /queue.fal.run/{app}/requests/{request_id}`.
    Result,
    /// Taking a request back: `PUT …/cancel`.
    Cancel,
    /// A file that an output refers to: `GET /v3.fal.media/files/{name}`.
    Media,
    /// Anything else; fal has no such path.
    Other,
}

/// What a path leads to. The first segment is the fal host that is meant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/fal.run/{id}`
    Run { id: String },
    /// `/queue.fal.run/{id}`
    Submit { id: String },
    /// `/queue.fal.run/{app}/requests/{request_id}`, and what is below.
    Job { operation: Operation, app: String, request_id: String },
    /// `/v3.fal.media/files/{name}`
    Media { name: String },
    /// `…/requests/…` below more than the application: documents list it, fal refuses it.
    RequestBelowPath,
    /// Anything else.
    Unknown,
}

impl Route {
    /// Reads a path. Trailing slashes mean nothing, and segments may be percent-encoded.
    pub(crate) fn of(path: &str) -> Self {
        let decoded: Vec<String> = path
            .trim_matches('/')
            .split('/')
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect();
        let segments: Vec<&str> = decoded.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["fal.run", id @ ..] if !id.is_empty() => Route::Run { id: id.join("/") },
            ["queue.fal.run", path @ ..] if !path.is_empty() => queue(path),
            ["v3.fal.media", "files", name @ ..] if !name.is_empty() => Route::Media { name: name.join("/") },
            _ => Route::Unknown,
        }
    }

    pub(crate) fn operation(&self) -> Operation {
        match self {
            Route::Run { .. } => Operation::Run,
            Route::Submit { .. } => Operation::Submit,
            Route::Job { operation, .. } => *operation,
            Route::Media { .. } => Operation::Media,
            Route::RequestBelowPath | Route::Unknown => Operation::Other,
        }
    }

    /// The methods that are allowed.
    pub(crate) fn methods(&self) -> &'static [Method] {
        match self.operation() {
            Operation::Run | Operation::Submit => &[Method::POST],
            Operation::Status | Operation::StatusStream | Operation::Result => &[Method::GET],
            Operation::Cancel => &[Method::PUT],
            Operation::Media => &[Method::GET, Method::HEAD],
            Operation::Other => &[],
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

    fn job(operation: Operation, app: &str) -> Route {
        Route::Job { operation, app: app.into(), request_id: "r".into() }
    }

    #[test]
    fn the_first_segment_is_the_host() {
        assert_eq!(Route::of("/fal.run/a/b/c"), Route::Run { id: "a/b/c".into() });
        assert_eq!(Route::of("/queue.fal.run/a/b/c/"), Route::Submit { id: "a/b/c".into() });
        assert_eq!(Route::of("/v3.fal.media/files/x/y.png"), Route::Media { name: "x/y.png".into() });
        for path in ["", "/", "/fal.run", "/queue.fal.run/", "/elsewhere/a/b", "/a/b"] {
            assert_eq!(Route::of(path), Route::Unknown, "{path}");
        }
    }

    #[test]
    fn requests_belong_to_the_application() {
        let status = |app| job(Operation::Status, app);
        assert_eq!(Route::of("/queue.fal.run/a/b/requests/r/status"), status("a/b"));
        assert_eq!(Route::of("/queue.fal.run/a/b/requests/r/status/"), status("a/b"));
        assert_eq!(Route::of("/queue.fal.run/%61/b/requests/r/status"), status("a/b"));
        assert_eq!(Route::of("/queue.fal.run/workflows/a/b/requests/r/status"), status("workflows/a/b"));
        assert_eq!(Route::of("/queue.fal.run/a/b/c/requests/r/status"), Route::RequestBelowPath);
        assert_eq!(Route::of("/queue.fal.run/workflows/a/b/c/requests/r"), Route::RequestBelowPath);
    }

    #[test]
    fn each_operation_has_its_ending() {
        let at = |ending: &str| Route::of(&format!("/queue.fal.run/a/b/requests/r{ending}"));
        assert_eq!(at(""), job(Operation::Result, "a/b"));
        assert_eq!(at("/response"), job(Operation::Result, "a/b"));
        assert_eq!(at("/cancel"), job(Operation::Cancel, "a/b"));
        assert_eq!(at("/status/stream"), job(Operation::StatusStream, "a/b"));
        assert_eq!(at("/other"), Route::Unknown);
    }
}

//! Errors of S3, in its own format.

use bytes::Bytes;
use hyper::StatusCode;

use crate::response::reply::{self, Reply};

#[derive(Clone, Debug)]
pub(crate) struct S3Error {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// Further elements: a name and a number.
    pub(crate) details: Vec<(&'static str, u64)>,
}

impl S3Error {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        S3Error { status, code, message: message.into(), details: Vec::new() }
    }

    /// A bucket has no object of this key.
    pub(crate) fn no_object() -> Self {
        S3Error::new(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.")
    }

    pub(crate) fn reply(&self) -> Reply {
        let details: String = self.details.iter().map(|(name, number)| format!("<{name}>{number}</{name}>")).collect();
        let error = format!("<Code>{}</Code><Message>{}</Message>{details}", self.code, escape(&self.message));
        xml(self.status, &format!("<Error>{error}</Error>"))
    }
}

/// Responds with an XML document.
pub(crate) fn xml(status: StatusCode, root: &str) -> Reply {
    let document = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{root}");
    reply::bytes(status, "application/xml", Bytes::from(document))
}

/// Escapes a text for XML, which has no control characters.
pub(crate) fn escape(text: &str) -> String {
    let text = text.replace(|c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r'), "\u{fffd}");
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

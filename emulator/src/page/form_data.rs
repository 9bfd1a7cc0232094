//! The data of a submitted form.

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap};

use crate::page::multipart;
use crate::request::received;

/// The fields of a form, and the files in it.
#[derive(Debug, Default)]
pub(super) struct FormData {
    pub(super) texts: Vec<(String, String)>,
    pub(super) files: Vec<Upload>,
}

/// A file in a form.
#[derive(Debug, PartialEq)]
pub(super) struct Upload {
    pub(super) field: String,
    pub(super) name: String,
    pub(super) content_type: String,
    pub(super) bytes: Bytes,
}

impl FormData {
    /// Parses the body of a form.
    pub(super) fn parse(headers: &HeaderMap, body: &Bytes) -> Result<Self, &'static str> {
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if content_type.starts_with("multipart/form-data") {
            return multipart::parse(content_type, body);
        }
        Ok(FormData::urlencoded(body))
    }

    pub(super) fn urlencoded(body: &[u8]) -> Self {
        FormData { texts: received::parse_query(&String::from_utf8_lossy(body)), files: Vec::new() }
    }

    /// Returns a field, unless it is empty. Browsers send line breaks as CR and LF.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let value = self.texts.iter().find(|(key, _)| key == name).map(|(_, value)| value.replace("\r\n", "\n"));
        value.filter(|value| !value.is_empty())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.texts.iter().any(|(key, _)| key == name)
    }
}

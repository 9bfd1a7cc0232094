//! The style sheet and the script.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use hyper::http::request::Parts;
use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::response::reply::{self, Reply};

/// A file of the page that never changes while the emulator runs.
pub(super) struct Asset {
    content_type: &'static str,
    text: &'static str,
}

pub(super) const STYLE: Asset = Asset { content_type: "text/css; charset=utf-8", text: include_str!("style.css") };

pub(super) const SCRIPT: Asset =
    Asset { content_type: "text/javascript; charset=utf-8", text: include_str!("script.js") };

pub(super) const ICON: Asset = Asset {
    content_type: "image/svg+xml",
    text: "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\">\
           <rect width=\"16\" height=\"16\" rx=\"4\" fill=\"#5b4ae0\"/>\
           <path d=\"M5 12V8a3 3 0 0 1 3-3h3M3.500 8.500H9\" fill=\"none\" stroke=\"#fff\" stroke-width=\"1.800\" \
           stroke-linecap=\"round\"/></svg>",
};

impl Asset {
    pub(super) fn reply(&self, head: &Parts) -> Reply {
        let etag = format!("\"{}\"", hex(&Sha256::digest(self.text)[..8]));
        let is_known = head.headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
        let body = if is_known { Bytes::new() } else { Bytes::from_static(self.text.as_bytes()) };
        let mut reply = Reply::new(reply::full(body));
        *reply.status_mut() = if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
        // Another version of the emulator may use the same port.
        [(CONTENT_TYPE, self.content_type), (CACHE_CONTROL, "no-cache"), (ETAG, &etag)]
            .into_iter()
            .fold(reply, |reply, (name, value)| reply::with_header(reply, name, value))
    }
}

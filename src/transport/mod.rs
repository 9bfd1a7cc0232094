//! HTTP requests and responses: hosts, credentials, timeouts, retries, uploads, downloads and server-sent events.

mod attempts;
mod auth_scheme;
mod body;
mod buckets;
mod chunks;
mod context;
mod credentials;
mod descriptors;
mod durations;
mod headers;
mod hosts;
mod http_client;
mod media_request;
mod media_stream;
mod meter;
mod noticed_body;
mod parcel;
mod payload;
mod private_hosts;
mod progress;
mod proxies;
mod request;
mod retry;
mod runtime;
mod send;
mod sha256;
mod sse;
mod streams;
mod time_limit;
mod timeouts;
mod tls;
mod verdict;
#[cfg(feature = "realtime")]
mod websocket;

pub use auth_scheme::AuthScheme;
pub(crate) use body::whole;
pub(crate) use buckets::{Bucket, Buckets, is_object_of};
pub(crate) use chunks::Chunks;
pub(crate) use context::Context;
pub(crate) use credentials::Credentials;
pub(crate) use durations::Durations;
#[cfg(feature = "proxy")]
pub(crate) use headers::TARGET_URL;
pub(crate) use headers::{UPLOAD_POLICY, header_value, parse_header, parse_headers};
pub(crate) use hosts::{Hosts, check_encryption, join, parse_base_url, shown_host};
#[cfg(feature = "proxy")]
pub(crate) use hosts::{backup, is_loopback};
pub(crate) use http_client::http_client;
pub(crate) use media_request::{MAX_ERROR_BODY, is_available};
pub(crate) use media_stream::MediaStream;
pub(crate) use meter::Meter;
pub(crate) use parcel::{Parcel, deliver};
pub(crate) use payload::{FileVersion, Payload};
pub(crate) use progress::{OnProgress, OnUpload};
pub use progress::{TransferProgress, UploadProgress};
pub(crate) use proxies::{Proxies, Variable};
pub(crate) use request::{Operation, Request};
pub use retry::RetryPolicy;
pub(crate) use retry::{jittered, random};
pub(crate) use runtime::check_runtime;
#[cfg(feature = "realtime")]
pub(crate) use send::keyed_error;
#[cfg(feature = "proxy")]
pub(crate) use send::{AGENT, announce_no_body, keyed};
pub(crate) use send::{open, probe, send};
pub(crate) use sha256::Sha256;
pub(crate) use sse::EventStream;
pub(crate) use streams::{Place, Streams};
pub(crate) use time_limit::{deadline, until, within_total};
pub(crate) use timeouts::Timeouts;
pub(crate) use verdict::{Verdict, judged, verdict};
#[cfg(feature = "realtime")]
pub(crate) use websocket::{WebSocket, WebSocketOptions, open_websocket};

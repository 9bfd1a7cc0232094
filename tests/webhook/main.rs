//! Webhooks: verification, keys, parsing and the extractors. The deliveries are signed with local keys.

mod cancellation;
mod extractors;
mod failures;
mod keys;
mod messages;
mod properties;
mod receiver;
#[allow(dead_code)]
#[path = "../client/support/server.rs"]
mod server;
mod support;
#[path = "../client/support/unreachable.rs"]
mod unreachable;
mod verification;

//! Webhooks: verification, keys, parsing and the extractors. The deliveries are signed with local keys.

mod extractors;
mod keys;
mod messages;
mod properties;
mod receiver;
mod support;
mod verification;

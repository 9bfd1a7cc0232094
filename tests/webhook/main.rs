//! Webhooks: verification, keys, parsing and the extractors. The deliveries are signed with local keys.

mod keys;
mod messages;
mod properties;
mod support;
mod verification;

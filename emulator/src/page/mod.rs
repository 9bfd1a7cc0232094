//! The page for people, at `/`: endpoints, requests, files, faults and the account. Its paths begin with a segment without
//! a dot, which the names of fal's hosts have.
//!
//! Everything is rendered here and works without scripts. One script replaces parts of a page as they change.

mod account;
mod admission;
mod assets;
mod call;
mod code;
mod endpoint;
mod endpoints;
mod exchange;
mod faults;
mod field;
mod files;
mod form;
mod form_data;
mod http_log;
mod layout;
mod live;
mod media;
mod outcome;
mod overview;
mod request;
mod requests;
mod schema_view;
mod stage;
mod text;
pub(crate) mod visit;

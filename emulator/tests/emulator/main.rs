//! Tests of the emulator over HTTP.
#![allow(clippy::unwrap_used)]

mod fal;

mod account;
mod acl;
mod admission;
mod bombs;
mod bucket;
mod calls;
mod concurrency;
mod content_types;
mod control;
mod cors;
mod deletion;
mod disconnects;
mod end;
mod estimates;
mod faults;
mod forms;
mod helpers;
mod hosts;
mod inputs;
mod jobs;
mod keys;
mod limits;
mod media;
mod models;
mod multipart;
mod options;
mod output_storage;
mod outputs;
mod page;
mod paintings;
mod prices;
mod queue;
mod ranges;
mod rate_limit;
mod realtime;
#[cfg(feature = "record")]
mod record;
#[cfg(feature = "record")]
mod replay;
mod request_history;
mod requests;
mod run;
mod scripted_outputs;
mod search;
mod start;
mod start_timeout;
mod status_stream;
mod streams;
mod tokens;
mod upload_faults;
mod uploads;
mod usage;
mod webhooks;

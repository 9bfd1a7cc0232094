//! Tests of the emulator over HTTP.
#![allow(clippy::unwrap_used)]

mod fal;
#[cfg(feature = "tls")]
mod trust;

mod account;
mod acl;
mod admission;
mod audio;
mod bombs;
mod bucket;
mod calls;
mod concurrency;
mod content_types;
mod control;
mod cors;
mod deletion;
mod disconnects;
mod edits;
mod end;
mod estimates;
mod expiry;
mod faults;
mod forms;
mod helpers;
mod hostile;
mod hosts;
mod images;
mod inputs;
mod jobs;
mod keys;
mod latency;
mod limits;
mod media;
mod memory;
mod models;
mod multipart;
mod options;
mod output_storage;
mod outputs;
mod page;
mod paintings;
mod prices;
#[cfg(feature = "tls")]
mod proxy;
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
mod sections;
mod seed;
mod solids;
mod start;
mod start_timeout;
#[cfg(feature = "state")]
mod state;
mod status_stream;
mod streams;
#[cfg(feature = "tls")]
mod tls;
mod tokens;
mod upload_faults;
mod uploads;
mod usage;
mod videos;
mod webhooks;
mod workflows;

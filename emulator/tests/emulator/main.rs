//! Tests of the emulator over HTTP.
#![allow(clippy::unwrap_used)]

mod fal;

mod acl;
mod admission;
mod bombs;
mod calls;
mod content_types;
mod end;
mod faults;
mod forms;
mod hosts;
mod inputs;
mod jobs;
mod keys;
mod limits;
mod media;
mod multipart;
mod options;
mod output_storage;
mod outputs;
mod paintings;
mod prices;
mod queue;
mod ranges;
mod realtime;
mod request_history;
mod requests;
mod run;
mod scripted_outputs;
mod start;
mod start_timeout;
mod status_stream;
mod streams;
mod tokens;
mod upload_faults;
mod uploads;
mod webhooks;

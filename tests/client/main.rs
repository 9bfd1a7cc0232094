//! The client's integration tests. Tests that need a process or a feature of their own are separate binaries.

mod support;

mod attributes;
mod backup_hosts;
mod changing_files;
mod configuration;
mod declared_lengths;
mod downloads;
mod echoes;
mod errors;
mod faults;
mod flagship;
mod following;
mod giving_up;
mod hostile;
mod input_files;
mod media_types;
mod properties;
mod proxies;
mod queue;
mod request_urls;
mod run;
mod secrets;
mod timeouts;
mod transfers;
mod types;
mod upload_faults;
mod upload_tokens;
mod uploads;
mod wire;
mod words;

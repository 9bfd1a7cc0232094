//! The client's integration tests. Tests that need a process or a feature of their own are separate binaries.

mod support;

mod attributes;
mod backup_hosts;
mod configuration;
mod downloads;
mod errors;
mod faults;
mod flagship;
mod following;
mod giving_up;
mod hostile;
mod input_files;
mod no_output;
mod odd_values;
mod properties;
mod queue;
mod run;
mod secrets;
mod timeouts;
mod transfers;
mod types;
mod upload_faults;
mod upload_tokens;
mod uploads;
mod wire;

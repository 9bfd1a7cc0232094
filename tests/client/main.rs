//! The client's integration tests. Tests that need a process or a feature of their own are separate binaries.

mod support;

mod attributes;
mod backup_hosts;
mod billed_responses;
mod body_limits;
mod changing_files;
mod configuration;
mod declared_lengths;
mod downloads;
mod endless_heads;
mod errors;
mod faults;
mod flagship;
mod following;
mod giving_up;
mod hostile;
mod input_files;
mod media_types;
mod properties;
mod queue;
mod request_urls;
mod retry_table;
mod retryability;
mod run;
mod secrets;
mod timeouts;
mod transfers;
mod transient_responses;
mod types;
mod upload_faults;
mod upload_tokens;
mod uploads;
mod wire;

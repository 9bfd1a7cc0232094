//! A journal of fal.ai requests, on SQLite or PostgreSQL: jobs survive crashes, and are not billed twice.
//!
//! ```no_run
//! # async fn example(client: fal_client::Client) -> Result<(), fal_jobs::Error> {
//! use fal_jobs::Journal;
//!
//! let journal = Journal::open("sqlite://jobs.db").await?;
//! let flux = client.endpoint("fal-ai/flux/dev");
//! let done = journal.run(&flux, serde_json::json!({ "prompt": "a fox" })).key("hero-image").await?;
//! println!("{}", done.data["images"][0]["url"]);
//! # Ok(())
//! # }
//! ```
//!
//! The second run of this program returns the recorded result, without a request. If the first run was killed, the second one
//! follows the request that fal has accepted, and submits nothing.
//!
//! # Jobs
//!
//! A job is an input for an endpoint under a key. It has one of these [states](State):
//!
//! | state | meaning | the next call with its key |
//! | --- | --- | --- |
//! | [`Waiting`](State::Waiting) | recorded, and surely not accepted by fal | sends it |
//! | [`Intended`](State::Intended) | the intent is committed, and the submission is on its way | waits for the process that sends it; if that has died, the job is uncertain |
//! | [`Submitted`](State::Submitted) | accepted, and its request id is committed | follows the request |
//! | [`Completed`](State::Completed) | the result is committed | returns it |
//! | [`Failed`](State::Failed) | failed for good | returns the recorded [`Failure`], unless [`OnFailed`] says otherwise |
//! | [`Uncertain`](State::Uncertain) | may have been accepted | fails, unless [`OnUncertain`] says otherwise |
//!
//! | call | |
//! | --- | --- |
//! | [`Journal::run`] | runs a job to its end, and returns its result |
//! | [`Journal::submit`] | submits a job, without waiting for its result |
//! | [`Journal::batch`] | runs many jobs of an endpoint, within a [budget](Journal::budget) if set |
//! | [`Journal::enqueue`] | records a job for the [workers](Journal::worker) of any process |
//! | [`Journal::resume`], [`Journal::resume_all`] | continue jobs without their inputs |
//! | [`Journal::cancel`] | cancels a job |
//! | [`Journal::download`] | saves the files of a completed job's output |
//! | `Journal::webhook_handler` | completes jobs by fal's webhooks (cargo feature `webhook`) |
//! | [`Journal::find_requests`], [`Journal::adopt`], [`Journal::permit`] | decide about uncertain jobs |
//!
//! A call starts when it is awaited. Its `send` returns a future, for `JoinSet::spawn`, `join_all` and the like.
//!
//! # Keys
//!
//! A call with a [key](Run::key) names one job, for good. Later calls return its recorded result or error.
//!
//! A call without a key gets an automatic one of the endpoint and the SHA-256 of its input. The order of fields and the notation
//! of numbers do not count. The call continues an unfinished job of an equal input, so a program that was killed can be run
//! again. If the latest job of the input is completed, the call starts another one: see [`Reuse`]. A program that must never repeat
//! a completed job needs keys.
//!
//! # Files
//!
//! A local file of an input counts by the SHA-256 of its bytes, which are read as a stream. Its path, its name and its media type do
//! not count, and neither does the form: a path, bytes, a reader and a data URI of the same bytes are equal. A remote URL counts as
//! text. A reader of more than 10 MiB is an error ([`ErrorKind::Input`]): save it to a file.
//!
//! Files are uploaded only if the job is sent. The journal records the URL of an upload, and other jobs and processes use it again
//! for a day, or for a quarter of the expiry in the client's [`UploadPolicy`](fal_client::UploadPolicy). Before that, a process
//! requests its first byte, every five minutes at most. A missing file is uploaded again, and so is a file that a model could not
//! download. The files of an [enqueued](Journal::enqueue) job are uploaded when it is recorded.
//!
//! A file that changes before it is uploaded is an error, so the job never has other bytes than those of its key.
//!
//! [`Run::download_to`] and [`Batch::download_to`] save the files of outputs, and the journal records them: see [`Target`].
//!
//! # Failures
//!
//! | failure | the job | the error |
//! | --- | --- | --- |
//! | no connection, 429, a locked account, a rejected key | waits | [`ErrorKind::Request`] |
//! | a [budget](Run::budget) cannot reserve the estimate | waits | [`ErrorKind::Budget`] |
//! | fal rejected the submission, such as with status 422 | failed | [`ErrorKind::Failed`] |
//! | the connection was lost during the submission, or a gateway failed | uncertain | [`ErrorKind::Uncertain`] |
//! | the network or a gateway failed while the request was followed | stays submitted | [`ErrorKind::Request`] |
//! | the model or the platform failed the request | failed | [`ErrorKind::Failed`] |
//! | fal does not know the request any more | failed ([`FailureKind::Expired`]) | [`ErrorKind::Failed`] |
//!
//! Within a call, the client retries what is not billed twice, as its [retry policy](fal_client::RetryPolicy) says.
//!
//! # Concurrency
//!
//! Tasks, processes and machines can share a database. One of them works on a job at a time, while the others wait for it. If a
//! process dies, others continue its jobs when its [lease](JournalBuilder::lease) has expired. Dropping a call at any time is as
//! safe as a crash.
//!
//! # Tracing
//!
//! Events have the target `fal_jobs`, and never contain inputs, outputs or keys of the API.
//!
//! | event | level | fields |
//! | --- | --- | --- |
//! | `waiting for another call or process`: it works on the job. If it has died, its lease has to expire first | `info` | `key`, `lease` |
//! | `committing`: a change of a job's state is about to be committed | `debug` | `key`, `state`, `change` |
//! | `committed`: it is committed | `debug` | `key`, `state`, `attempt`, `request_id` |
//! | `sending`, `sent`: before and after the submission | `debug` | `key`, `attempt`; `is_accepted` |
//! | `following`, `followed`: before and after a request is followed | `debug` | `key`, `request_id`; `is_completed` |
//! | a webhook was rejected, or not recorded | `warn` | `error` |
//! | a database operation is retried, a lease was not renewed, or a worker waits for the database | `warn` | `error` |

#![cfg_attr(docsrs, feature(doc_cfg))]

mod amount;
mod batch;
mod claims;
mod error;
mod failure;
mod files;
mod filter;
mod fleet;
mod future;
mod journal;
mod key;
mod record;
mod redaction;
mod request;
mod saved_file;
mod state;
mod store;
mod watch;
#[cfg(feature = "webhook")]
mod webhook;

pub use batch::{Batch, IntoItem, Item, Items, NewItem, Progress, Snapshot};
pub use error::{Error, ErrorKind, InvalidItem};
pub use failure::{Failure, FailureKind};
pub use files::{OutputFile, Target};
pub use filter::Filter;
pub use fleet::{Enqueue, Worker, WorkerReport};
pub use journal::{
    Budget, BudgetUsage, Candidate, Completed, Counts, Journal, JournalBuilder, OnFailed, OnUncertain, Resume,
    ResumeAll, Reuse, Run, Submit,
};
pub use record::Record;
pub use redaction::Redaction;
pub use request::SubmitOptions;
pub use saved_file::SavedFile;
pub use state::State;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Compiles the examples of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/jobs.md")]
mod guide {}

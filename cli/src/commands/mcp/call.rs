//! The course of a call: from a tool's arguments to a job of the journal, and from the job to a result.

use std::sync::Arc;
use std::time::Duration;

use fal_client::{Client, JsonInput};
use fal_jobs::{ErrorKind, FailureKind, Journal, OnFailed, OnUncertain, Record, Target};
use futures_util::future::pending;
use rmcp::RoleServer;
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, CreateTaskResult, ProtocolVersion};
use rmcp::service::RequestContext;
use rmcp::task_manager::{TaskExit, TaskOptions};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

use super::confirm::{Decision, Expected};
use super::progress::Progress;
use super::server::{Endpoint, Server};
use super::{input, result};
use crate::layout::plain;
use crate::online;
use crate::online::budget::{self, Spending};

/// Time after which a job becomes a task, for clients with tasks. Most images take less.
const TASK_AFTER: Duration = Duration::from_secs(1);
/// Time for which a task can be polled: longer than most trainings.
const TASK_TTL_MS: u64 = 24 * 60 * 60 * 1000;
const TASK_POLL_MS: u64 = 1000;
/// Time limit for the expected cost in a confirmation.
const ESTIMATE_TIMEOUT: Duration = Duration::from_secs(5);
/// A submission that may have arrived is looked for in fal's list, and is never repeated.
const RESOLVE: OnUncertain = OnUncertain::Resolve { permit_after: None };
/// The label of jobs, by which `cargo fal history` lists them.
const LABEL: &str = "mcp";

/// A job that is being followed.
struct Followed {
    journal: Journal,
    client: Client,
    record: Record,
    _permit: OwnedSemaphorePermit,
}

/// The reason why a job is not followed any more, without an outcome.
enum Stop {
    Cancelled,
    /// The time of a call is over, or the client is gone.
    Left,
}

impl Server {
    /// Calls an endpoint.
    pub(super) async fn call(
        &self,
        endpoint: &Arc<Endpoint>,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> CallToolResponse {
        match self.start(endpoint, &request, &context).await {
            Ok(followed) => self.respond(followed, context).await,
            Err(response) => *response,
        }
    }

    /// Checks a call, lets the user confirm it, and submits it.
    async fn start(
        &self,
        endpoint: &Endpoint,
        request: &CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<Followed, Box<CallToolResponse>> {
        let refuse = |message: String| Box::new(CallToolResponse::from(result::error(message)));
        let arguments = request.arguments.clone().unwrap_or_default();
        let input = input::build(endpoint, arguments, self.folders()).map_err(refuse)?;
        let permit = self.permit(context).await.map_err(refuse)?;
        let client = self.client().map_err(refuse)?;
        let spending =
            self.spending(&client, &endpoint.tool.id).await.map_err(|error| refuse(result::message(&error)))?;
        if self.needs_confirmation(&endpoint.tool.id) {
            let expected = expected(&client, &endpoint.tool.id, &spending).await;
            match self.confirm(&endpoint.tool.id, &expected, request, context).await {
                Decision::Run => {}
                Decision::Ask(request) => return Err(Box::new(request.into())),
                Decision::Refuse(reason) => return Err(refuse(reason)),
            }
        }
        if context.ct.is_cancelled() {
            return Err(refuse("the call was cancelled. Nothing was sent".to_owned()));
        }
        match self.submit(&client, &endpoint.tool.id, input, &spending).await {
            Ok(record) => Ok(Followed { journal: spending.journal, client, record, _permit: permit }),
            Err(error) => Err(refuse(failed(error, &spending).await)),
        }
    }

    /// Records a job, and submits it. The job of an equal input that is not finished is continued instead.
    async fn submit(
        &self,
        client: &Client,
        id: &str,
        input: JsonInput,
        spending: &Spending,
    ) -> Result<Record, fal_jobs::Error> {
        let handle = client.endpoint(id);
        let submit = spending
            .journal
            .submit(&handle, input)
            .label(LABEL)
            .on_failed(OnFailed::RetryUnbilled)
            .on_uncertain(RESOLVE);
        let submit = spending.budget.iter().fold(submit, |submit, budget| submit.budget(budget));
        // Only the end of the connection interrupts a submission: its response has the request id.
        submit.await
    }

    /// Follows a job: until its end, or as a task if the client has tasks, or for a limited time.
    async fn respond(&self, followed: Followed, context: RequestContext<RoleServer>) -> CallToolResponse {
        let progress = Progress::of_request(&context);
        let with_links = has_links(&context);
        let has_tasks = context.client_capabilities().is_some_and(|client| client.supports_tasks());
        let wait = if has_tasks { TASK_AFTER } else { self.wait() };
        let cancelled = context.ct.clone();
        let followed =
            match self.follow(followed, &progress, async move { cancelled.cancelled().await }, Some(wait)).await {
                Ok(result) => return self.finish(result, with_links).await.into(),
                Err((Stop::Left, followed)) => followed,
                Err((Stop::Cancelled, followed)) => return cancel(&followed).await.into(),
            };
        if !has_tasks {
            return leave(&followed).await.into();
        }
        let options = TaskOptions::new()
            .with_ttl_ms(TASK_TTL_MS)
            .with_poll_interval_ms(TASK_POLL_MS)
            .with_status_message("running");
        let server = self.clone();
        let task = self.tasks().spawn(options, move |task| {
            Box::pin(async move {
                let cancelled = task.clone();
                let progress = Progress::Task(task);
                let cancelled = async move { cancelled.cancelled().await };
                match server.follow(followed, &progress, cancelled, None).await {
                    Ok(result) => Ok(server.finish(result, with_links).await),
                    Err((Stop::Left, followed)) => Ok(leave(&followed).await),
                    Err((Stop::Cancelled, followed)) => {
                        cancel(&followed).await;
                        Err(TaskExit::Cancelled)
                    }
                }
            })
        });
        CreateTaskResult::new(task).into()
    }

    /// Follows the job of a key, for clients without tasks.
    pub(super) async fn result_of_job(&self, key: &str, context: &RequestContext<RoleServer>) -> CallToolResult {
        let opened = async {
            let permit = self.permit(context).await?;
            let client = self.client()?;
            let journal = self.journal().await.map_err(|error| result::message(&error))?;
            let record = online::find(&journal, key).await.map_err(|error| result::message(&error))?;
            Ok::<_, String>(Followed { journal, client, record, _permit: permit })
        };
        let followed = match opened.await {
            Ok(followed) => followed,
            Err(message) => return result::error(message),
        };
        let progress = Progress::of_request(context);
        let stopped = context.ct.clone();
        // The call ends, not the job, which another call has started.
        match self.follow(followed, &progress, async move { stopped.cancelled().await }, Some(self.wait())).await {
            Ok(result) => self.finish(result, has_links(context)).await,
            Err((_, followed)) => leave(&followed).await,
        }
    }

    /// Cancels the job of a key.
    pub(super) async fn cancel_job(&self, key: &str) -> CallToolResult {
        let cancelled = async {
            let client = self.client()?;
            let journal = self.journal().await.map_err(|error| result::message(&error))?;
            let record = online::find(&journal, key).await.map_err(|error| result::message(&error))?;
            journal.cancel(&client, &record.key).await.map_err(|error| result::message(&error.into()))
        };
        match cancelled.await {
            Ok(record) => result::error(match record.failure().map(|failure| failure.kind) {
                Some(FailureKind::Cancelled) => {
                    return result::data(&serde_json::json!({ "job": key, "status": "cancelled" }));
                }
                _ if record.state.is_final() => format!("the job is {} already", record.state),
                _ => "fal was told to cancel the job, which runs. Call job_result for the outcome".to_owned(),
            }),
            Err(message) => result::error(message),
        }
    }

    /// Follows a job until it is final, and saves the files of its output.
    async fn follow(
        &self,
        followed: Followed,
        progress: &Progress,
        cancelled: impl Future<Output = ()>,
        wait: Option<Duration>,
    ) -> Result<Outcome, (Stop, Followed)> {
        // A model that logs more than a client reads loses lines, not time.
        let (sender, mut updates) = mpsc::channel(64);
        let job = followed
            .journal
            .resume(&followed.client, &followed.record.key)
            .logs(!matches!(progress, Progress::Silent))
            .on_update(move |update| drop(sender.try_send(update)))
            .on_uncertain(RESOLVE)
            .download_to(self.target());
        let mut job = job.into_future();
        let mut cancelled = std::pin::pin!(cancelled);
        let mut wait = std::pin::pin!(async move {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => pending().await,
            }
        });
        let mut closing = self.closed();
        let result = loop {
            tokio::select! {
                // The end of the connection ends the call, and is not its cancellation.
                biased;
                result = &mut job => break result,
                () = is_true(&mut closing) => return Err((Stop::Left, followed)),
                () = &mut cancelled => return Err((Stop::Cancelled, followed)),
                () = &mut wait => return Err((Stop::Left, followed)),
                Some(update) = updates.recv() => progress.update(&update).await,
            }
        };
        drop(job);
        Ok(Outcome { result, followed })
    }

    async fn finish(&self, outcome: Outcome, with_links: bool) -> CallToolResult {
        let Outcome { result, followed } = outcome;
        let (record, note) = match result {
            Ok(record) => (record, None),
            // The job is completed, and its output has the remote URLs.
            Err(error) if error.kind() == ErrorKind::File => match followed.journal.get(&followed.record.key).await {
                Ok(Some(record)) => {
                    let note = format!(
                        "Not all files could be saved: {}. The output has their URLs; job_result tries again.",
                        plain(&error.to_string())
                    );
                    (record, Some(note))
                }
                _ => return result::error(result::message(&error.into())),
            },
            Err(error) => return result::error(of_job(error, &followed.record.key)),
        };
        let (result, links) = result::completed(&record, self.folders().out(), note.as_deref(), with_links).await;
        self.add_resources(links);
        result
    }

    fn target(&self) -> Target {
        // A part of the hash keeps files of other outputs apart.
        Target::folder(self.folders().out())
            .names(|file, sha256| format!("{}-{}", sha256.get(..12).unwrap_or(sha256), file.file_name))
    }
}

/// A job that is final, or failed to become so.
struct Outcome {
    result: Result<Record, fal_jobs::Error>,
    followed: Followed,
}

/// Waits until a value is true.
async fn is_true(value: &mut watch::Receiver<bool>) {
    if value.wait_for(|value| *value).await.is_err() {
        pending::<()>().await;
    }
}

/// Gives a job up that goes on, so that another call can follow it.
async fn leave(followed: &Followed) -> CallToolResult {
    online::release(&followed.journal).await;
    result::running(&followed.record)
}

/// Cancels a job whose caller has cancelled its call.
async fn cancel(followed: &Followed) -> CallToolResult {
    let cancelled = followed.journal.cancel(&followed.client, &followed.record.key).await;
    online::release(&followed.journal).await;
    match cancelled {
        Ok(_) => result::error("the call was cancelled, and so was its job"),
        Err(error) => result::error(result::message(&error.into())),
    }
}

/// Fetches the cost for the confirmation. It can be unknown.
async fn expected(client: &Client, id: &str, spending: &Spending) -> Expected {
    let estimate = match &spending.estimate {
        Some(estimate) => Some(estimate.clone()),
        None => {
            let estimate = tokio::time::timeout(ESTIMATE_TIMEOUT, budget::estimate(client, id)).await;
            estimate.ok().and_then(Result::ok).map(|(_, estimate)| estimate)
        }
    };
    Expected { price: spending.price.clone(), estimate }
}

/// Formats the error of a submission.
async fn failed(error: fal_jobs::Error, spending: &Spending) -> String {
    match error.failure() {
        // fal's violations name the fields, so that the model can correct its arguments.
        Some(_) => of_failure(&error),
        None => result::message(&spending.error(error).await),
    }
}

/// Formats the error of a job that was followed.
fn of_job(error: fal_jobs::Error, key: &str) -> String {
    match error.failure() {
        Some(_) => of_failure(&error),
        None => {
            let goes_on = matches!(error.kind(), ErrorKind::Request | ErrorKind::Timeout | ErrorKind::Database);
            let message = result::message(&error.into());
            match goes_on {
                true => {
                    format!("{message}\nThe job continues at fal: call job_result with job \"{key}\" for its result")
                }
                false => message,
            }
        }
    }
}

fn of_failure(error: &fal_jobs::Error) -> String {
    let Some(failure) = error.failure() else { return plain(&error.to_string()) };
    let mut text = plain(&failure.message);
    if let Some(id) = &failure.request_id {
        text.push_str(&format!(" (request {})", plain(id)));
    }
    if failure.may_be_billed {
        text.push_str("\nThe failed job may be billed. The same input returns this error again: change the input");
    }
    text
}

/// Clients of older protocol versions reject links.
fn has_links(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2025_06_18)
}

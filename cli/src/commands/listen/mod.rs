//! `cargo fal listen`

mod jobs;

use std::collections::HashSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::Args;
use fal_client::{Client, RetryPolicy};
use fal_emulator::webhook::{self, Signer};
use indicatif::DecimalBytes;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use self::jobs::{Job, Source, is_passing};
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::layout::plain;
use crate::online::{Signals, block_on, client_builder};
use crate::terminal::Terminal;
use crate::webhooks::{Attempt, Delivery, Event, Keys, Target, signer};

/// The most requests that are followed, and the most deliveries, at a time. Others wait.
const MAX_FOLLOWED: usize = 256;
const MAX_POSTS: usize = 16;

/// The time for which the client retries a result. An output that is not JSON looks like a garbled one to it.
const PATIENCE: Duration = Duration::from_secs(1);

/// The delay after fal could not be reached.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Deliver signed webhooks of jobs to a local address
///
/// fal delivers webhooks to public hosts only. This command follows jobs of the real fal instead, and posts the webhook of each
/// completed one to your program: the same body, headers and kind of signature. No tunnel is needed.
///
/// Without ID, it follows the unfinished jobs of the journal and new ones, until Ctrl-C. With --endpoint and without ID, it also
/// follows the requests that any program of the account sends to the endpoint.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// URL of your program. A port means localhost
    #[arg(long, value_name = "URL")]
    forward: String,
    /// Key of a job in the journal, or request id. The command ends once their webhooks are delivered
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Endpoint of the request ids, or whose new requests are followed
    #[arg(long, value_name = "ENDPOINT")]
    endpoint: Option<String>,
    /// Kinds of webhooks to deliver, separated by commas. Default: all
    #[arg(long, value_name = "KINDS", value_enum, value_delimiter = ',', hide_possible_values = true)]
    events: Vec<Event>,
    /// End after the first webhook
    #[arg(long)]
    once: bool,
    /// Number of retries of a webhook that is not accepted, after 5 s, 10 s, 20 s and so on. fal retries up to 31 times
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(..=MAX_RETRIES))]
    retries: u8,
    /// Id of the user in the header of webhooks
    #[arg(long, value_name = "ID", default_value = "local")]
    user_id: String,
    /// Port on the loopback interface that serves the public key. 0 chooses a free port
    #[arg(long, value_name = "N", default_value_t = 8788)]
    port: u16,
    /// Deliver to a host outside of this computer and its network, too
    #[arg(long)]
    allow_remote: bool,
}

const MAX_RETRIES: i64 = webhook::MAX_RETRIES as i64;

const EXAMPLES: &str = "\
Examples:
  cargo fal listen --forward http://localhost:3000/hook
  cargo fal listen --forward 3000 --events error
  cargo fal listen --forward 3000 --endpoint fal-ai/flux/dev
  cargo fal listen --forward 3000 hero-image --once";

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    block_on(async {
        let mut signals = Signals::new()?;
        tokio::select! {
            ended = listen(arguments, context) => ended,
            _ = signals.next() => match arguments.ids.is_empty() && !arguments.once {
                true => Ok(ExitCode::SUCCESS),
                false => Err(Error::new(Exit::Interrupted, "interrupted before all webhooks were delivered")),
            },
        }
    })
}

/// The parts that all deliveries share.
struct Session {
    client: Client,
    target: Target,
    signer: Signer,
    user_id: String,
    retries: usize,
    events: Vec<Event>,
    /// The jobs were named, so that a missing one is an error.
    is_named: bool,
    terminal: Terminal,
    follows: Semaphore,
    posts: Semaphore,
}

async fn listen(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let terminal = &context.terminal;
    let client = client_builder().retry(RetryPolicy::default().patience(PATIENCE)).build()?;
    let target = Target::new(&arguments.forward, arguments.allow_remote).await?;
    let signer = signer(&context.settings)?;
    let source = Source::new(arguments, context).await?;
    let keys = Keys::serve(arguments.port, &signer).await.map_err(|error| {
        let error = Error::new(Exit::Failed, format!("cannot listen on 127.0.0.1:{}: {error}", arguments.port));
        error.help("end the other `cargo fal listen`, or choose another --port")
    })?;
    terminal.note(format_args!("Delivering webhooks to {}", target.shown()));
    terminal.note(format_args!("Public key: {}", keys.url()));
    terminal.note("\nTo verify them with fal-client, start your program with:\n");
    terminal.note(format_args!("export FAL_REST_HOST={}\n", keys.host()));
    terminal.note(source.description());
    let session = Arc::new(Session {
        client: client.clone(),
        target,
        signer,
        user_id: arguments.user_id.clone(),
        retries: usize::from(arguments.retries),
        events: arguments.events.clone(),
        is_named: source.is_named(),
        terminal: terminal.clone(),
        follows: Semaphore::new(MAX_FOLLOWED),
        posts: Semaphore::new(MAX_POSTS),
    });
    let mut found = source.jobs(client, terminal.clone());
    let (mut seen, mut deliveries, mut are_accepted) = (HashSet::new(), JoinSet::new(), true);
    loop {
        tokio::select! {
            Some(job) = found.recv() => {
                let (session, job) = (Arc::clone(&session), job?);
                if seen.insert(job.request_id.clone()) {
                    deliveries.spawn(async move { session.handle(&job).await });
                }
            }
            Some(ended) = deliveries.join_next() => {
                let ended = ended.map_err(|error| Error::new(Exit::Failed, error.to_string()))?;
                if let Some(is_accepted) = ended? {
                    are_accepted &= is_accepted;
                    if arguments.once {
                        break;
                    }
                }
            }
            else => break,
        }
    }
    Ok(if are_accepted { ExitCode::SUCCESS } else { Exit::Failed.into() })
}

impl Session {
    /// Delivers the webhook of a job once the job is completed. Returns true if it was accepted, and `None` without a delivery.
    async fn handle(&self, job: &Job) -> Result<Option<bool>, Error> {
        let delivery = {
            // The semaphores are never closed.
            let _permit = self.follows.acquire().await;
            self.follow(job).await?
        };
        let is_chosen = |delivery: &Delivery| self.events.is_empty() || self.events.contains(&delivery.event);
        let Some(delivery) = delivery.filter(is_chosen) else { return Ok(None) };
        let mut failed = 0;
        loop {
            let attempt = {
                let _permit = self.posts.acquire().await;
                delivery.post(&self.target, &self.signer, &self.user_id, failed).await
            };
            failed += 1;
            let is_last = attempt.is_accepted() || attempt.is_redirect() || failed > self.retries;
            let retry = (!is_last).then(|| webhook::delay(failed));
            self.print(job, &delivery, &attempt, retry)?;
            match retry {
                Some(delay) => sleep(delay).await,
                None => return Ok(Some(attempt.is_accepted())),
            }
        }
    }

    /// Waits until a request is completed, and creates its webhook. Returns `None` if fal does not know it.
    async fn follow(&self, job: &Job) -> Result<Option<Delivery>, Error> {
        loop {
            let error = match self.client.endpoint(job.endpoint.as_str()).wait(job.request_id.as_str()).await {
                Ok(response) => return Ok(Some(Delivery::new(&job.request_id, None, &response.body))),
                Err(error) => error,
            };
            let (status, body) = (error.status(), error.body().cloned().unwrap_or_default());
            if error.is_outcome() {
                let message = status.map(|status| format!("Invalid status code: {}", status.as_u16()));
                let message = message.unwrap_or_else(|| error.to_string());
                return Ok(Some(Delivery::new(&job.request_id, Some(&message), &body)));
            }
            if status.is_some_and(|status| status.is_success()) {
                // The output is not JSON.
                return Ok(Some(Delivery::new(&job.request_id, None, &body)));
            }
            if error.is_not_found() && !self.is_named {
                self.terminal.note(format_args!("no webhook for `{}`: {error}", job.request_id));
                return Ok(None);
            }
            if !is_passing(&error) {
                return Err(error.into());
            }
            self.terminal.note(format_args!("{error}; trying again in {} s", RETRY_AFTER.as_secs()));
            sleep(RETRY_AFTER).await;
        }
    }

    /// Prints an attempt in a line.
    fn print(&self, job: &Job, delivery: &Delivery, attempt: &Attempt, retry: Option<Duration>) -> Result<(), Error> {
        let time = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let milliseconds = attempt.duration.as_millis();
        if self.terminal.json {
            return self.terminal.print(json!({
                "time": time,
                "event": delivery.event.name(),
                "endpoint": job.endpoint,
                "request_id": job.request_id,
                "status": attempt.status.as_ref().ok().map(|status| status.as_u16()),
                "error": attempt.status.as_ref().err(),
                "is_accepted": attempt.is_accepted(),
                "milliseconds": milliseconds,
                "bytes": delivery.body.len(),
                "retry_after_seconds": retry.map(|delay| delay.as_secs()),
            }));
        }
        let status = match &attempt.status {
            Ok(status) => status.as_u16().to_string(),
            Err(reason) => plain(reason),
        };
        let size = DecimalBytes(delivery.body.len() as u64);
        let retry = retry.map(|delay| format!("  retry in {} s", delay.as_secs())).unwrap_or_default();
        self.terminal.print(format_args!(
            "{}  {:<13}  {status} in {milliseconds} ms  {size}  {}  {}{retry}",
            &time[11..19],
            delivery.event.name(),
            plain(&job.endpoint),
            plain(&job.request_id),
        ))
    }
}

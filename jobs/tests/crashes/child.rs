//! A child process with a batch, a worker or one job. It is this test program, with environment variables.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use fal_client::Client;
use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_emulator::Emulator;
use rustix::process::{Pid, Signal, getpid, kill_process};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tracing::Event;
use tracing::field::{Field, Visit};

use crate::support::Outcome;
use crate::support::events::Observer;
use crate::work::{ON_UNCERTAIN, input, journal, run_batch};

/// The time after which a test fails, because a process hangs.
const LIMIT: Duration = Duration::from_secs(300);

const DATABASE: &str = "FAL_JOBS_CRASHES_DATABASE";
const JOB: &str = "FAL_JOBS_CRASHES_JOB";
const BATCH: &str = "FAL_JOBS_CRASHES_BATCH";
const FOLDER: &str = "FAL_JOBS_CRASHES_FOLDER";
const KILL: &str = "FAL_JOBS_CRASHES_KILL";

/// The work of a child process.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work<'a> {
    /// A batch whose files are saved into a folder. It begins with the item `first`, and ends with those before.
    Batch { folder: &'a Path, items: usize, first: usize },
    /// A worker that runs until all jobs have an outcome.
    Worker,
    /// A call of `run` with this key, which begins when the standard input is closed.
    Job(&'a str),
}

/// The event of fal-jobs at which a child process kills or stops itself.
#[derive(Clone, Debug)]
pub(crate) struct KillAt {
    pub(crate) signal: Signal,
    /// Message and change of the event, such as `committed submit`. `*` means any event.
    pub(crate) event: String,
    /// Number of the event, from 1.
    pub(crate) number: i64,
}

/// Starts a child process.
pub(crate) fn start(
    database: &str,
    emulator: &Emulator,
    work: Work<'_>,
    kill: Option<&KillAt>,
) -> std::io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["child::child", "--exact", "--nocapture"])
        .envs(emulator.environment())
        .env("FAL_ALLOW_HTTP", "1")
        .env(DATABASE, database)
        .kill_on_drop(true)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    match work {
        Work::Batch { folder, items, first } => {
            command.env(BATCH, format!("{first}:{items}")).env(FOLDER, folder);
        }
        Work::Job(key) => {
            command.env(JOB, key);
        }
        Work::Worker => {}
    }
    if let Some(KillAt { signal, event, number }) = kill {
        command.env(KILL, format!("{}:{event}:{number}", signal.as_raw()));
    }
    command.spawn()
}

/// Waits for the end of a child process. Returns true if it ended by itself, and false if it was killed.
pub(crate) async fn ended(mut child: Child) -> Result<bool, Box<dyn std::error::Error>> {
    drop(child.stdin.take());
    let mut printed = String::new();
    if let Some(mut errors) = child.stderr.take() {
        within(errors.read_to_string(&mut printed)).await??;
    }
    let status = within(child.wait()).await??;
    if status.success() {
        return Ok(true);
    }
    if was_killed(status) { Ok(false) } else { Err(format!("the child failed: {status}\n{printed}").into()) }
}

/// Returns the id of a child that has not ended.
pub(crate) fn process(child: &Child) -> Result<Pid, Box<dyn std::error::Error>> {
    let id = child.id().ok_or("the child has ended")?;
    Ok(Pid::from_raw(id.try_into()?).ok_or("the child has no id")?)
}

fn was_killed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    status.signal() == Some(Signal::KILL.as_raw())
}

/// Awaits something that may hang.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> Result<T, Box<dyn std::error::Error>> {
    tokio::time::timeout(LIMIT, future).await.map_err(|_| format!("not finished within {LIMIT:?}").into())
}

/// The child process. Without the environment variables it does nothing.
#[tokio::test]
async fn child() -> Outcome {
    let Ok(database) = std::env::var(DATABASE) else { return Ok(()) };
    if let Ok(kill) = std::env::var(KILL) {
        let [signal, event, number] = kill.split(':').collect::<Vec<_>>()[..] else {
            return Err("an invalid kill".into());
        };
        let signal = if signal == Signal::STOP.as_raw().to_string() { Signal::STOP } else { Signal::KILL };
        let left = AtomicI64::new(number.parse()?);
        let meant = event.to_owned();
        tracing::subscriber::set_global_default(Observer(move |event: &Event<'_>| {
            kill_at(signal, &meant, &left, event);
        }))?;
    }
    let client = Client::from_env()?;
    let journal = journal(&database).await?;
    if let Ok(range) = std::env::var(BATCH) {
        let (first, items) = range.split_once(':').ok_or("invalid items")?;
        let (first, items): (usize, usize) = (first.parse()?, items.parse()?);
        let folder = std::env::var_os(FOLDER).ok_or("no folder")?;
        // A child that is to be killed may have lost its lease, so it may end with errors.
        run_batch(&journal, &client, folder.as_ref(), (first..items).chain(0..first)).await?;
    } else if let Ok(key) = std::env::var(JOB) {
        std::io::read_to_string(std::io::stdin())?;
        journal.run(&client.endpoint(redux::ENDPOINT), input(0)).key(key).await?;
    } else {
        let worker = journal.worker(&client).concurrency(4).interval(Duration::from_millis(50));
        worker.on_uncertain(ON_UNCERTAIN).until_empty().run().await?;
    }
    Ok(())
}

/// Kills or stops this process at an event. `left` counts down to it.
fn kill_at(signal: Signal, meant: &str, left: &AtomicI64, event: &Event<'_>) {
    let mut name = Name::default();
    event.record(&mut name);
    let is_meant = meant == "*" || meant == format!("{} {}", name.message, name.change).trim_end();
    if is_meant && left.fetch_sub(1, Ordering::SeqCst) == 1 {
        kill_process(getpid(), signal).expect("a signal to this process");
        if signal == Signal::STOP {
            // This thread may run on for a moment. So it waits until the parent closes the input.
            let _ = std::io::read_to_string(std::io::stdin());
        }
    }
}

/// Message of an event, and the change that is committed.
#[derive(Default)]
struct Name {
    message: String,
    change: String,
}

impl Visit for Name {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "change" {
            value.clone_into(&mut self.change);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}

//! What is answered on `fal.run` and `queue.fal.run`.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::HeaderName;
use serde_json::Value;
use tokio::task::spawn_blocking;

use super::refusal::Refusal;
use super::reply::{self, Reply};
use super::{Failure, Operation, Received, Service, status_stream};
use crate::documents::Endpoint;
use crate::input;
use crate::output::{self, Made, MediaFile, Source, Sources, Wanted};
use crate::queue::{Cancelled, Job, Phase};
use crate::random;
use crate::storage::{Kept, Storage};

const BILLABLE_UNITS: HeaderName = HeaderName::from_static("x-fal-billable-units");

impl Service {
    pub(super) async fn run(
        &self,
        id: &str,
        received: &Arc<Received>,
        outcome: Option<Failure>,
    ) -> Result<Reply, Refusal> {
        let endpoint = self.endpoint(id, received)?;
        let job = self.accept(endpoint, received, outcome, true);
        self.clock.sleep_until(job.ends_at()).await;
        Ok(reply::with_request_id(self.outcome(&job).await, &job.id))
    }

    pub(super) fn submit(
        &self,
        id: &str,
        received: &Arc<Received>,
        outcome: Option<Failure>,
    ) -> Result<Reply, Refusal> {
        let endpoint = self.endpoint(id, received)?;
        if let Some(most) = received.max_queue_length() {
            let waiting = self.queue.waiting(&endpoint.document.id) + u64::from(self.queued.ahead);
            if waiting > most {
                return Err(Refusal::QueueFull { waiting });
            }
        }
        let job = self.accept(endpoint, received, outcome, false);
        let reply = reply::json(StatusCode::OK, &job.status(&job.start(), &self.base_url, None));
        Ok(reply::with_request_id(reply, &job.id))
    }

    pub(super) async fn about_job(
        &self,
        operation: Operation,
        app: &str,
        request_id: &str,
        received: &Received,
    ) -> Result<Reply, Refusal> {
        let job = self.job(app, request_id, received)?;
        let reply = match operation {
            Operation::StatusStream => self.status_stream(job, received),
            Operation::Result => self.result(&job).await,
            Operation::Cancel => cancel(&job),
            _ => self.status(&job, received),
        };
        Ok(reply::with_request_id(reply, request_id))
    }

    /// The endpoint of an id.
    fn endpoint(&self, id: &str, received: &Received) -> Result<&Arc<Endpoint>, Refusal> {
        self.settings.keys.check(received.headers()).map_err(|problem| Refusal::Key(problem.detail(id)))?;
        self.catalog.endpoint(id).ok_or_else(|| match self.catalog.app_and_path(id) {
            Some((_, path)) => Refusal::NoPath(format!("/{path}")),
            None => Refusal::NoApplication(id.to_owned()),
        })
    }

    /// The job of an id.
    fn job(&self, app: &str, request_id: &str, received: &Received) -> Result<Arc<Job>, Refusal> {
        self.settings.keys.check(received.headers()).map_err(|problem| Refusal::Key(problem.detail(app)))?;
        let job = self.queue.get(request_id).filter(|job| job.endpoint.app == app && !job.is_direct);
        job.ok_or(Refusal::NoRequest)
    }

    /// Makes a job of a request.
    fn accept(
        &self,
        endpoint: &Arc<Endpoint>,
        received: &Arc<Received>,
        outcome: Option<Failure>,
        is_direct: bool,
    ) -> Arc<Job> {
        let id = random::uuid();
        received.has_made(&id);
        let script = if is_direct { &self.direct } else { &self.queued };
        let prospect = refusal(endpoint, received).or(outcome).map_or_else(|| self.sources(received), Err);
        let (endpoint, received, script) = (Arc::clone(endpoint), Arc::clone(received), Arc::clone(script));
        let job = Arc::new(Job::new(id, endpoint, received, prospect, script, &self.clock, is_direct));
        self.queue.add(Arc::clone(&job));
        job
    }

    /// The files that an input works on. One that is not there fails the request, as on fal, but only where it would be
    /// the emulator's own: others are not looked for.
    fn sources(&self, received: &Received) -> Result<Sources, Failure> {
        let input = received.input().unwrap_or(&Value::Null);
        let is_missing = |url: &str| self.storage.path_of(url).is_some() && self.source(url).is_none();
        let missing = input::missing_files(input, &is_missing);
        if missing.is_empty() { Ok(Sources::of(input, |url| self.source(url))) } else { Err(Failure::invalid(missing)) }
    }

    /// The file of a URL, if the emulator has it.
    fn source(&self, url: &str) -> Option<Source> {
        let path = self.storage.path_of(url)?;
        match self.storage.known(&path) {
            Some(_) => Some(match &self.storage.file(&path)?.kept {
                Kept::Uploaded(content, _) | Kept::Made(content) => Source::Kept(content.clone()),
                Kept::Drawn(file) => Source::Drawn(file.clone()),
            }),
            None => MediaFile::at(&path).map(Source::Drawn),
        }
    }

    fn status(&self, job: &Job, received: &Received) -> Reply {
        let moment = job.now();
        let logs = received.wants_logs().then_some(0..moment.logged);
        let status = match moment.phase {
            Phase::Completed => StatusCode::OK,
            _ => StatusCode::ACCEPTED,
        };
        reply::json(status, &job.status(&moment, &self.base_url, logs))
    }

    fn status_stream(&self, job: Arc<Job>, received: &Received) -> Reply {
        let clock = Arc::clone(&self.clock);
        reply::events(status_stream::body(
            job,
            self.base_url.clone(),
            received.wants_logs(),
            self.settings.keep_alive,
            clock,
        ))
    }

    async fn result(&self, job: &Arc<Job>) -> Reply {
        match job.now().phase {
            Phase::Completed => self.outcome(job).await,
            _ => reply::detail(StatusCode::BAD_REQUEST, "Request is still in progress"),
        }
    }

    /// What comes of a job that is completed.
    async fn outcome(&self, job: &Arc<Job>) -> Reply {
        if let Some(failure) = job.failure(&job.now()) {
            return failure.reply();
        }
        let input = job.received.input().unwrap_or(&Value::Null);
        let takes_time = input.get("sync_mode") == Some(&Value::Bool(true))
            || job.prospect.as_ref().is_ok_and(|sources| sources.has_canvas(input));
        let (job, base_url, storage) = (Arc::clone(job), self.base_url.clone(), Arc::clone(&self.storage));
        let made = match takes_time {
            true => blocking(move || output(&job, &base_url, &storage)).await,
            false => output(&job, &base_url, &storage),
        };
        match made {
            Ok((output, units)) => reply::with_header(reply::json(StatusCode::OK, &output), BILLABLE_UNITS, &units),
            Err(error) => Failure::internal(error).reply(),
        }
    }
}

/// The output of a job and how many units it costs. The files that it refers to are kept where there is more to them
/// than their names say.
fn output(job: &Job, base_url: &str, storage: &Storage) -> Result<(Value, String), String> {
    let input = job.received.input().unwrap_or(&Value::Null);
    let canvas = job.prospect.as_ref().ok().and_then(|sources| sources.canvas(input));
    let lifecycle = job.received.lifecycle();
    // The same input yields the same files, unless they are over with the request or come of another one's files.
    let own = (canvas.is_some() || lifecycle.is_some()).then_some(job.id.as_str());
    let wanted = Wanted::new(&job.endpoint.document, input, canvas, own);
    let Made { output, files } = output::make(&job.endpoint.document, &wanted, base_url)?;
    for file in files.iter().filter(|file| file.is_painting() || lifecycle.is_some()) {
        if storage.known(&file.path()).is_some() {
            continue;
        }
        let content = match file.is_painting() {
            true => {
                let mut blob = storage.blob();
                blob.append(&file.bytes(wanted.canvas.as_ref())?).map_err(|error| error.to_string())?;
                Some(blob)
            }
            false => None,
        };
        storage.keep_made(file, &lifecycle.clone().unwrap_or_default(), content);
    }
    Ok((output, wanted.count.unwrap_or(1).to_string()))
}

/// Why an input is refused: by the document's schema, or because that cannot be used.
fn refusal(endpoint: &Endpoint, received: &Received) -> Option<Failure> {
    let violations = match (endpoint.judge(), received.input()) {
        (Err(reason), _) => return Some(Failure::internal(reason.to_owned())),
        (Ok(_), Err(error)) => input::unreadable(received.body(), error),
        (Ok(judge), Ok(input)) => judge.violations(input),
    };
    if violations.is_empty() { None } else { Some(Failure::invalid(violations)) }
}

fn cancel(job: &Job) -> Reply {
    match job.cancel() {
        Cancelled::BeforeStart => reply::word(StatusCode::OK, "OK"),
        Cancelled::Running => reply::word(StatusCode::ACCEPTED, "CANCELLATION_REQUESTED"),
        Cancelled::TooLate => reply::word(StatusCode::BAD_REQUEST, "ALREADY_COMPLETED"),
    }
}

/// Pictures take time to draw, in which other requests go on.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(error.to_string()))
}

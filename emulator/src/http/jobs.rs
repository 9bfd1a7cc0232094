//! What is answered on `fal.run` and `queue.fal.run`.

use std::hash::{BuildHasher, Hasher, RandomState};
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
use crate::output::{self, MediaFile, Wanted};
use crate::queue::{Cancelled, Job, Phase};

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
        self.keys.check(received.headers(), id).map_err(Refusal::Key)?;
        self.catalog.endpoint(id).ok_or_else(|| match self.catalog.app_and_path(id) {
            Some((_, path)) => Refusal::NoPath(format!("/{path}")),
            None => Refusal::NoApplication(id.to_owned()),
        })
    }

    /// The job of an id.
    fn job(&self, app: &str, request_id: &str, received: &Received) -> Result<Arc<Job>, Refusal> {
        self.keys.check(received.headers(), app).map_err(Refusal::Key)?;
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
        let id = new_request_id();
        received.has_made(&id);
        let script = if is_direct { &self.direct } else { &self.queued };
        let failure = refusal(endpoint, received).or(outcome);
        let job = Job::new(
            id,
            Arc::clone(endpoint),
            Arc::clone(received),
            failure,
            Arc::clone(script),
            &self.clock,
            is_direct,
        );
        let job = Arc::new(job);
        self.queue.add(Arc::clone(&job));
        job
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
        reply::events(status_stream::body(job, self.base_url.clone(), received.wants_logs(), self.keep_alive, clock))
    }

    async fn result(&self, job: &Job) -> Reply {
        match job.now().phase {
            Phase::Completed => self.outcome(job).await,
            _ => reply::detail(StatusCode::BAD_REQUEST, "Request is still in progress"),
        }
    }

    /// What comes of a job that is completed.
    async fn outcome(&self, job: &Job) -> Reply {
        match job.failure(&job.now()) {
            Some(failure) => failure.reply(),
            None => self.output(&job.endpoint, &job.received).await,
        }
    }

    async fn output(&self, endpoint: &Arc<Endpoint>, received: &Received) -> Reply {
        let wanted = Wanted::new(&endpoint.document, received.input().unwrap_or(&Value::Null));
        let units = wanted.count.unwrap_or(1).to_string();
        let made = if wanted.inline {
            let (endpoint, base_url) = (Arc::clone(endpoint), self.base_url.clone());
            blocking(move || output::make(&endpoint.document, &wanted, &base_url)).await
        } else {
            output::make(&endpoint.document, &wanted, &self.base_url)
        };
        match made {
            Ok(output) => reply::with_header(reply::json(StatusCode::OK, &output), BILLABLE_UNITS, &units),
            Err(error) => Failure::internal(error).reply(),
        }
    }

    pub(super) async fn media(&self, name: &str) -> Result<Reply, Refusal> {
        let file = MediaFile::named(name).ok_or_else(|| Refusal::NoPath(format!("/files/{name}")))?;
        let content_type = file.content_type();
        Ok(match blocking(move || file.bytes()).await {
            Ok(bytes) => reply::bytes(StatusCode::OK, content_type, bytes),
            Err(error) => Failure::internal(error).reply(),
        })
    }
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
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, String> + Send + 'static) -> Result<T, String> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(error.to_string()))
}

/// A random UUID, version 4. The standard library's hashers start from random numbers.
fn new_request_id() -> String {
    let [high, low] = [(); 2].map(|()| RandomState::new().build_hasher().finish());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    )
}

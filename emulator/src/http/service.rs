use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::HeaderName;
use hyper::{Request, StatusCode};
use serde_json::Value;
use tokio::task::spawn_blocking;

use super::body;
use super::received::Received;
use super::refusal::Refusal;
use super::reply::{self, Dropped, Reply};
use super::route::Route;
use super::{Failure, Faults, Journal, Keys, Operation, ReceivedRequest, status_stream};
use crate::documents::{Catalog, Endpoint};
use crate::input;
use crate::output::{self, MediaFile, Wanted};
use crate::queue::{Cancelled, Job, Phase, Queue, Script};

const BILLABLE_UNITS: HeaderName = HeaderName::from_static("x-fal-billable-units");

pub(crate) type OnRequest = Arc<dyn Fn(&ReceivedRequest) + Send + Sync>;

/// What an emulator knows and does, whoever is connected.
pub(crate) struct Service {
    /// `http://127.0.0.1:PORT`
    pub(crate) base_url: String,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) keys: Keys,
    pub(crate) script: Arc<Script>,
    /// How often an idle status stream says that it is still there.
    pub(crate) keep_alive: Duration,
    /// Called with every request that was answered.
    pub(crate) on_request: Option<OnRequest>,
    pub(crate) queue: Queue,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
}

impl Service {
    /// Answers a request, or drops its connection where a fault says so.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Result<Reply, Dropped> {
        let (head, incoming) = request.into_parts();
        // Who went away before the end of the body gets no answer.
        let body = body::read(incoming).await.map_err(|_| Dropped)?;
        let is_too_large = body.is_none();
        let route = Route::of(head.uri.path());
        let received = Arc::new(Received::new(&route, head, body.unwrap_or_default()));
        self.journal.add(Arc::clone(&received));

        let answer = match is_too_large {
            true => Ok(Refusal::TooLarge.into_reply()),
            false => self.answer_with_fault(&route, &received).await,
        };
        if let Ok(reply) = &answer {
            received.was_answered(reply.status().as_u16());
        }
        if let Some(on_request) = &self.on_request {
            on_request(&ReceivedRequest(received));
        }
        answer
    }

    async fn answer_with_fault(&self, route: &Route, received: &Arc<Received>) -> Result<Reply, Dropped> {
        let fault = self.faults.take(route.operation());
        fault.wait().await;
        if let Some(instead) = fault.instead() {
            return instead;
        }
        let usual = self.answer_as_usual(route, received).await;
        fault.befall(usual.unwrap_or_else(Refusal::into_reply)).await
    }

    async fn answer_as_usual(&self, route: &Route, received: &Arc<Received>) -> Result<Reply, Refusal> {
        if !route.methods().contains(received.method()) && *route != Route::Unknown {
            return Err(Refusal::Method(route.methods()));
        }
        match route {
            Route::Run { id } => Ok(self.run(self.endpoint(id, received)?, received).await),
            Route::Submit { id } => Ok(self.submit(self.endpoint(id, received)?, received)),
            Route::Job { operation, app, request_id } => {
                let job = self.job(app, request_id, received)?;
                let reply = match operation {
                    Operation::StatusStream => self.status_stream(job, received),
                    Operation::Result => self.result(&job).await,
                    Operation::Cancel => cancel(&job),
                    _ => self.status(&job, received),
                };
                Ok(reply::with_request_id(reply, request_id))
            }
            Route::Media { name } => media(name).await,
            Route::RequestBelowPath | Route::Unknown => Err(Refusal::NoPath(received.path().to_owned())),
        }
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
        self.queue.get(request_id).filter(|job| job.endpoint.app == app).ok_or(Refusal::NoRequest)
    }

    async fn run(&self, endpoint: &Arc<Endpoint>, received: &Received) -> Reply {
        let request_id = new_request_id();
        received.has_made(&request_id);
        let reply = match refusal(endpoint, received) {
            Some(failure) => failure.reply(),
            None => {
                if self.script.by_time {
                    tokio::time::sleep(self.script.run_time).await;
                }
                self.output(endpoint, received).await
            }
        };
        reply::with_request_id(reply, &request_id)
    }

    fn submit(&self, endpoint: &Arc<Endpoint>, received: &Arc<Received>) -> Reply {
        let request_id = new_request_id();
        received.has_made(&request_id);
        let refused = refusal(endpoint, received);
        let job = Job::new(request_id, Arc::clone(endpoint), Arc::clone(received), refused, Arc::clone(&self.script));
        let job = Arc::new(job);
        self.queue.add(Arc::clone(&job));
        let reply = reply::json(StatusCode::OK, &job.status(&job.start(), &self.base_url, None));
        reply::with_request_id(reply, &job.id)
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
        reply::events(status_stream::body(job, self.base_url.clone(), received.wants_logs(), self.keep_alive))
    }

    async fn result(&self, job: &Job) -> Reply {
        let moment = job.now();
        if moment.phase != Phase::Completed {
            return reply::detail(StatusCode::BAD_REQUEST, "Request is still in progress");
        }
        match job.failure(&moment) {
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

async fn media(name: &str) -> Result<Reply, Refusal> {
    let file = MediaFile::named(name).ok_or_else(|| Refusal::NoPath(format!("/files/{name}")))?;
    let content_type = file.content_type();
    Ok(match blocking(move || file.bytes()).await {
        Ok(bytes) => reply::bytes(StatusCode::OK, content_type, bytes),
        Err(error) => Failure::internal(error).reply(),
    })
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

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;

use super::body;
use super::fault::Fault;
use super::received::Received;
use super::refusal::Refusal;
use super::reply::{Dropped, Reply};
use super::route::Route;
use super::wire::Break;
use super::{Faults, Journal, Keys, ReceivedRequest};
use crate::documents::Catalog;
use crate::queue::{Pace, Queue, Script};
use crate::time::Clock;

pub(crate) type OnRequest = Arc<dyn Fn(&ReceivedRequest) + Send + Sync>;

/// What an emulator knows and does, whoever is connected.
pub(crate) struct Service {
    /// `http://127.0.0.1:PORT`
    pub(crate) base_url: String,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) keys: Keys,
    pub(crate) clock: Arc<Clock>,
    /// What happens to a queued request, and to a direct run.
    pub(crate) queued: Arc<Script>,
    pub(crate) direct: Arc<Script>,
    /// How often an idle status stream says that it is still there.
    pub(crate) keep_alive: Duration,
    /// Called with every request that was answered.
    pub(crate) on_request: Option<OnRequest>,
    pub(crate) queue: Queue,
    pub(crate) faults: Faults,
    /// How many of the next connections are closed at once.
    pub(crate) dropped_connections: AtomicUsize,
    pub(crate) journal: Journal,
}

impl Service {
    pub(crate) fn new(base_url: String, catalog: Arc<Catalog>, keys: Keys, pace: &Pace) -> Self {
        Service {
            base_url,
            catalog,
            keys,
            clock: Arc::default(),
            queued: Arc::new(pace.queued()),
            direct: Arc::new(pace.direct()),
            keep_alive: Duration::from_secs(10),
            on_request: None,
            queue: Queue::default(),
            faults: Faults::default(),
            dropped_connections: AtomicUsize::new(0),
            journal: Journal::default(),
        }
    }

    /// Whether a connection that has come is to be closed at once.
    pub(crate) fn drops_connection(&self) -> bool {
        let one_less = |left: usize| left.checked_sub(1);
        self.dropped_connections.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
    }

    /// Answers a request, or drops its connection where a fault says so.
    pub(crate) async fn answer(&self, request: Request<Incoming>, breaks: &Break) -> Result<Reply, Dropped> {
        let (head, incoming) = request.into_parts();
        let route = Route::of(head.uri.path());
        let endpoint = self.endpoint_of(&route);
        let request = self.journal.begin(route.operation(), |at_once| Received::new(&route, endpoint, at_once, head));
        let received = &request.received;
        let fault = self.faults.take(&ReceivedRequest(Arc::clone(received)));
        if let Some(bytes) = fault.drops_request_after() {
            body::read_some(incoming, bytes).await;
            return Err(Dropped);
        }
        // Who went away before the end of the body gets no answer.
        let body = body::read(incoming).await.map_err(|_| Dropped)?;
        let is_too_large = body.is_none();
        received.has_body(body.unwrap_or_default());
        request.was_read();

        let answer = match is_too_large {
            true => Ok(Refusal::TooLarge.into_reply()),
            false => self.answer_with_fault(&route, received, &fault, breaks).await,
        };
        if let Ok(reply) = &answer {
            received.was_answered(reply.status().as_u16());
        }
        if let Some(on_request) = &self.on_request {
            on_request(&ReceivedRequest(Arc::clone(received)));
        }
        answer
    }

    async fn answer_with_fault(
        &self,
        route: &Route,
        received: &Arc<Received>,
        fault: &Fault,
        breaks: &Break,
    ) -> Result<Reply, Dropped> {
        fault.wait(&self.clock).await;
        if let Some(instead) = fault.instead(&self.clock) {
            return instead;
        }
        let usual = self.answer_as_usual(route, received, fault).await;
        fault.befall(usual.unwrap_or_else(Refusal::into_reply), &self.clock, breaks)
    }

    async fn answer_as_usual(&self, route: &Route, received: &Arc<Received>, fault: &Fault) -> Result<Reply, Refusal> {
        if !route.methods().contains(received.method()) && *route != Route::Unknown {
            return Err(Refusal::Method(route.methods()));
        }
        match route {
            Route::Run { id } => self.run(id, received, fault.outcome_of_job(&self.clock)).await,
            Route::Submit { id } => self.submit(id, received, fault.outcome_of_job(&self.clock)),
            Route::Job { operation, app, request_id } => self.about_job(*operation, app, request_id, received).await,
            Route::Media { name } => self.media(name).await,
            Route::RequestBelowPath | Route::Unknown => Err(Refusal::NoPath(received.path().to_owned())),
        }
    }

    /// The endpoint that a request is about.
    fn endpoint_of(&self, route: &Route) -> Option<String> {
        match route {
            Route::Run { id } | Route::Submit { id } => Some(id.clone()),
            Route::Job { app, request_id, .. } => {
                let job = self.queue.get(request_id).filter(|job| job.endpoint.app == *app);
                Some(job.map_or_else(|| app.clone(), |job| job.endpoint.document.id.clone()))
            }
            _ => None,
        }
    }
}

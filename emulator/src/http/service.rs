use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;

use super::body;
use super::fault::{Cut, Fault};
use super::received::Received;
use super::refusal::Refusal;
use super::reply::{Dropped, Reply};
use super::route::Route;
use super::wire::Break;
use super::{Faults, Journal, Keys, Operation, ReceivedRequest};
use crate::documents::Catalog;
use crate::queue::{Pace, Queue, Script};
use crate::storage::{Blob, Storage};
use crate::time::Clock;

pub(crate) type OnRequest = Arc<dyn Fn(&ReceivedRequest) + Send + Sync>;

/// How an emulator behaves.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) keys: Keys,
    pub(crate) pace: Pace,
    /// How often an idle status stream says that it is still there.
    pub(crate) keep_alive: Duration,
    /// How long a CDN token holds.
    pub(crate) token_lifetime: Duration,
    /// Called with every request that was answered.
    pub(crate) on_request: Option<OnRequest>,
}

/// What an emulator knows and does, whoever is connected.
pub(crate) struct Service {
    /// `http://127.0.0.1:PORT`
    pub(crate) base_url: String,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<Clock>,
    /// What happens to a queued request, and to a direct run.
    pub(super) queued: Arc<Script>,
    pub(super) direct: Arc<Script>,
    pub(crate) queue: Queue,
    pub(crate) storage: Arc<Storage>,
    pub(crate) faults: Faults,
    /// How many of the next connections are closed at once.
    pub(crate) dropped_connections: AtomicUsize,
    pub(crate) journal: Journal,
}

impl Service {
    pub(crate) fn new(base_url: String, catalog: Arc<Catalog>, settings: Settings) -> Self {
        let clock = Arc::<Clock>::default();
        Service {
            storage: Arc::new(Storage::new(base_url.clone(), Arc::clone(&clock), settings.token_lifetime)),
            base_url,
            catalog,
            clock,
            queued: Arc::new(settings.pace.queued()),
            direct: Arc::new(settings.pace.direct()),
            settings,
            queue: Queue::default(),
            faults: Faults::default(),
            dropped_connections: AtomicUsize::new(0),
            journal: Journal::default(),
        }
    }

    /// Whether a connection that has come is to be closed at once.
    pub(crate) fn drops_connection(&self) -> bool {
        let one_less = |left: usize| left.checked_sub(1);
        self.dropped_connections.fetch_update(Relaxed, Relaxed, one_less).is_ok()
    }

    /// Answers a request, or drops its connection where a fault says so.
    pub(crate) async fn answer(&self, request: Request<Incoming>, breaks: &Break) -> Result<Reply, Dropped> {
        let (head, incoming) = request.into_parts();
        let route = Route::of(&head.method, head.uri.path());
        let endpoint = self.endpoint_of(&route);
        let request = self.journal.begin(route.operation(), |at_once| Received::new(&route, endpoint, at_once, head));
        let received = &request.received;
        let fault = self.faults.take(&ReceivedRequest(Arc::clone(received)));
        if let Some((bytes, cut)) = fault.cuts_request() {
            let _rest = body::read_some(incoming, bytes).await;
            return match cut {
                Cut::Drop => Err(Dropped),
                Cut::Stall => pending().await,
            };
        }
        let read = self.read_body(&route, incoming, received).await?;
        request.was_read();

        let answer = match read {
            Ok(file) => self.answer_with_fault(&route, received, file, &fault, breaks).await,
            Err(refusal) => Ok(refusal.into_reply()),
        };
        if let Ok(reply) = &answer {
            received.was_answered(reply.status().as_u16());
        }
        if let Some(on_request) = &self.settings.on_request {
            on_request(&ReceivedRequest(Arc::clone(received)));
        }
        answer
    }

    /// Reads the body, and gives it where it is a file. Who went away before its end gets no answer.
    async fn read_body(
        &self,
        route: &Route,
        incoming: Incoming,
        received: &Received,
    ) -> Result<Result<Option<Blob>, Refusal>, Dropped> {
        if route.takes_file() {
            let read = body::read_file(incoming, self.storage.blob()).await.map_err(|_| Dropped)?;
            received.has_file(read.as_ref().map_or(0, Blob::size));
            return Ok(read.map(Some).map_err(Refusal::NoRoom));
        }
        let read = body::read(incoming).await.map_err(|_| Dropped)?;
        let refused = if read.is_some() { Ok(None) } else { Err(Refusal::TooLarge) };
        received.has_body(read.unwrap_or_default());
        Ok(refused)
    }

    async fn answer_with_fault(
        &self,
        route: &Route,
        received: &Arc<Received>,
        file: Option<Blob>,
        fault: &Fault,
        breaks: &Break,
    ) -> Result<Reply, Dropped> {
        fault.wait(&self.clock).await;
        if let Some(instead) = fault.instead(&self.clock) {
            return instead;
        }
        let usual = self.answer_as_usual(route, received, file, fault).await;
        fault.befall(usual.unwrap_or_else(Refusal::into_reply), &self.clock, breaks)
    }

    async fn answer_as_usual(
        &self,
        route: &Route,
        received: &Arc<Received>,
        file: Option<Blob>,
        fault: &Fault,
    ) -> Result<Reply, Refusal> {
        if !route.methods().contains(received.method()) && *route != Route::Unknown {
            return Err(Refusal::Method(route.methods()));
        }
        let blob = || file.unwrap_or_else(|| self.storage.blob());
        match route {
            Route::Run { id } => self.run(id, received, fault.outcome_of_job(&self.clock)).await,
            Route::Submit { id } => self.submit(id, received, fault.outcome_of_job(&self.clock)),
            Route::Job { operation, app, request_id } => self.about_job(*operation, app, request_id, received).await,
            Route::Storage { operation } => match operation {
                Operation::CdnToken => self.cdn_token(received),
                Operation::InitiateMultipart => self.initiate_multipart(received),
                Operation::Upload => self.upload(received, blob()),
                Operation::StartMultipart => self.start_multipart(received),
                Operation::SignFile => self.sign_file(received),
                Operation::FileAcl => self.file_acl(received),
                Operation::SetFileAcl => self.set_file_acl(received),
                _ => self.initiate_upload(received),
            },
            Route::File { path, operation: Operation::PutFile } => self.put_file(path, received, blob()),
            Route::File { path, .. } => self.media(path, received, fault.ignores_ranges()).await,
            Route::Part { path, upload_id, number } => self.put_part(path, upload_id, number, received, blob()),
            Route::Complete { path, upload_id } => self.complete_multipart(path, upload_id, received),
            Route::SignPart { upload_id, number } => self.sign_part(upload_id, number, received),
            Route::CompleteByKey { upload_id } => self.complete_by_key(upload_id, received),
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

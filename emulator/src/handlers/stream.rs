//! Streams of outputs: `fal.run/{id}/stream`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::time::Instant;

use crate::endpoints::endpoint::Endpoint;
use crate::handlers::call::Call;
use crate::handlers::{auth, jobs};
use crate::output::series::Series;
use crate::queue::job::Job;
use crate::request::received::Received;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Body, Reply};
use crate::state::State;
use crate::time::clock::Clock;

/// Finds the endpoint of an id that ends in `/stream`.
pub(super) fn endpoint<'s>(state: &'s State, id: &str, received: &Received) -> Result<&'s Arc<Endpoint>, Refusal> {
    auth::check_app_key_or_token(state, received, id)?;
    state.catalog.streamed(id).ok_or_else(|| jobs::no_endpoint(state, id))
}

/// Runs an endpoint directly, and responds with a stream of its outputs. A request that fails has no stream.
pub(super) async fn stream(state: &State, call: Call<'_>, id: &str) -> Result<Reply, Refusal> {
    let endpoint = endpoint(state, id, call.received)?;
    let job = jobs::accept(state, call.received, call.fault, endpoint, true)?;
    let reply = match jobs::series(state, &job).await {
        Ok(series) => {
            let events = Events::new(state, series, Arc::clone(&job));
            reply::with_header(reply::events(events.into_body()), jobs::BILLABLE_UNITS, &job.billable_units())
        }
        Err(failure) => jobs::failed(&job, &failure),
    };
    Ok(reply::with_request_id(reply, &job.id))
}

/// The events of a stream: the outputs of a series, spread over the time of the run, and comments that keep it alive.
struct Events {
    series: Series,
    /// The number of outputs that were sent.
    sent: usize,
    start: Instant,
    job: Arc<Job>,
    keep_alive: Duration,
    clock: Arc<Clock>,
}

impl Events {
    fn new(state: &State, series: Series, job: Arc<Job>) -> Self {
        let clock = Arc::clone(&state.clock);
        Events { series, sent: 0, start: clock.now(), job, keep_alive: state.settings.keep_alive, clock }
    }

    fn into_body(self) -> Body {
        let events = stream::unfold(self, |mut events| async {
            let event = events.next().await?;
            Some((Ok(Frame::data(event)), events))
        });
        StreamBody::new(events).boxed_unsync()
    }

    async fn next(&mut self) -> Option<Bytes> {
        let index = self.sent;
        if index == self.series.len() {
            return None;
        }
        let due = self.series.due(index, self.job.run_time());
        let is_due = async {
            self.clock.sleep_since(self.start, due).await;
            self.job.released().await;
        };
        tokio::select! {
            biased;
            () = is_due => {}
            () = self.clock.sleep(self.keep_alive) => return Some(Bytes::from_static(b": ping\n\n")),
        }
        self.sent += 1;
        let output = self.series.get(index);
        // Language models name their events.
        let name = if output.get("output").is_some_and(|text| text.is_string()) { "event: event\n" } else { "" };
        Some(format!("{name}data: {output}\n\n").into())
    }
}

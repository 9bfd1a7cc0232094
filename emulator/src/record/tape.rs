use std::sync::Arc;

use hyper::StatusCode;

use crate::record::player::Player;
use crate::record::recorder::Recorder;
use crate::request::fal_host;
use crate::request::received::Received;
use crate::response::refusal::Refusal;
use crate::response::reply::Reply;
use crate::storage::content::Blob;

/// The recording or the replay that handles all requests.
pub(crate) enum Tape {
    Record(Arc<Recorder>),
    Replay(Arc<Player>),
}

impl Tape {
    /// Decides from the head of a request whether its body is read.
    pub(crate) fn admit(&self, received: &Received) -> Result<(), Refusal> {
        let line = format!("{} {}", received.method(), received.path());
        let host = received.path().trim_start_matches('/').split('/').next().unwrap_or_default();
        let refusal = if received.is_websocket() || host == "ws.fal.run" {
            let reason = "WebSockets are not recorded; use the emulator without a record for realtime connections";
            Refusal::Detail(StatusCode::NOT_IMPLEMENTED, reason.to_owned())
        } else if !fal_host::is_served(host) {
            Refusal::NoPath(received.path().to_owned())
        } else {
            return Ok(());
        };
        match self {
            Tape::Record(recorder) => recorder.problem(format!("{line}: {}", refusal.reason())),
            Tape::Replay(player) => player.problem(format!("{line}: {}", refusal.reason())),
        }
        Err(refusal)
    }

    pub(crate) async fn respond(&self, received: &Received, file: Option<Blob>) -> Result<Reply, Refusal> {
        match self {
            Tape::Record(recorder) => recorder.forward(received, file).await,
            Tape::Replay(player) => player.respond(received, file).await,
        }
    }

    /// Returns what was not recorded, or has no record, a line each.
    pub(crate) fn problems(&self) -> Vec<String> {
        match self {
            Tape::Record(recorder) => recorder.problems(),
            Tape::Replay(player) => player.problems(),
        }
    }

    /// Returns the records that were not used in a replay.
    pub(crate) fn unused(&self) -> Vec<String> {
        match self {
            Tape::Record(_) => Vec::new(),
            Tape::Replay(player) => player.unused(),
        }
    }

    /// Returns whether the statuses of a job can be replayed.
    pub(crate) fn has_job(&self, request_id: &str) -> bool {
        match self {
            Tape::Record(_) => false,
            Tape::Replay(player) => player.timeline_of(request_id).is_some(),
        }
    }

    /// Advances a replayed job.
    pub(crate) fn advance(&self, request_id: &str) -> bool {
        match self {
            Tape::Record(_) => false,
            Tape::Replay(player) => player.advance(request_id),
        }
    }
}

//! Reports of a call's progress to its client.

use std::sync::atomic::{AtomicU64, Ordering};

use fal_client::{LogEntry, QueueUpdate};
use rmcp::RoleServer;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RequestContext};
use rmcp::task_manager::TaskContext;

use crate::tool::bounded;

/// The longest message, in characters. A model can log much.
const MAX_MESSAGE: usize = 2000;

/// The receiver of a call's progress.
pub(super) enum Progress {
    /// A client that polls a task.
    Task(TaskContext),
    /// A client that has given a token.
    Token {
        peer: Peer<RoleServer>,
        token: ProgressToken,
        sent: AtomicU64,
    },
    Silent,
}

impl Progress {
    pub(super) fn of_request(context: &RequestContext<RoleServer>) -> Self {
        match context.meta.get_progress_token() {
            Some(token) => Progress::Token { peer: context.peer.clone(), token, sent: AtomicU64::new(0) },
            None => Progress::Silent,
        }
    }

    pub(super) async fn update(&self, update: &QueueUpdate) {
        self.report(&message(update)).await;
    }

    pub(super) async fn report(&self, message: &str) {
        let message = bounded(message, MAX_MESSAGE);
        match self {
            Progress::Task(task) => task.set_status_message(message),
            Progress::Token { peer, token, sent } => {
                let progress = sent.fetch_add(1, Ordering::Relaxed) + 1;
                // The number of messages, because the length of a job is unknown. Precise up to 2^53.
                #[allow(clippy::cast_precision_loss)]
                let params = ProgressNotificationParam::new(token.clone(), progress as f64).with_message(message);
                // A client that has gone away ends the call by itself.
                let _ = peer.notify_progress(params).await;
            }
            Progress::Silent => {}
        }
    }
}

fn message(update: &QueueUpdate) -> String {
    let (state, logs): (String, &[LogEntry]) = match update {
        QueueUpdate::InQueue { position: Some(0), logs, .. } => ("next in the queue".to_owned(), logs),
        QueueUpdate::InQueue { position: Some(ahead), logs, .. } => (format!("in the queue, {ahead} ahead"), logs),
        QueueUpdate::InQueue { logs, .. } => ("in the queue".to_owned(), logs),
        QueueUpdate::InProgress { logs, .. } => ("running".to_owned(), logs),
        QueueUpdate::Completed { logs, .. } => ("completed".to_owned(), logs),
        _ => ("unfinished".to_owned(), &[]),
    };
    logs.iter().fold(state, |message, line| format!("{message}\n{}", line.message))
}

//! The stage of a job as the page shows it.

use hyper::StatusCode;
use maud::{Markup, html};

use crate::queue::job::{Job, Phase};

/// The stage of a job: its state in the queue, or its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Queued { ahead: u32 },
    Running,
    Succeeded,
    Failed(StatusCode),
    Cancelled,
}

impl Stage {
    /// The names by which requests are filtered.
    pub(super) const NAMES: [&str; 5] = ["queued", "running", "completed", "failed", "cancelled"];

    pub(super) fn of(job: &Job) -> Self {
        match job.now().phase {
            Phase::Queued { ahead } => Stage::Queued { ahead },
            Phase::Running => Stage::Running,
            Phase::Completed if job.was_cancelled() => Stage::Cancelled,
            Phase::Completed => match job.status_code().unwrap_or(StatusCode::OK) {
                status if status.is_success() => Stage::Succeeded,
                status => Stage::Failed(status),
            },
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Stage::Queued { .. } => "queued",
            Stage::Running => "running",
            Stage::Succeeded => "completed",
            Stage::Failed(_) => "failed",
            Stage::Cancelled => "cancelled",
        }
    }

    pub(super) fn is_over(self) -> bool {
        !matches!(self, Stage::Queued { .. } | Stage::Running)
    }

    /// Returns the stage in words.
    pub(super) fn words(self) -> String {
        match self {
            Stage::Queued { ahead: 0 } => "Queued, next".to_owned(),
            Stage::Queued { ahead } => format!("Queued, {ahead} ahead"),
            Stage::Running => "Running".to_owned(),
            Stage::Succeeded => "Completed".to_owned(),
            Stage::Failed(status) => format!("Failed, {}", status.as_u16()),
            Stage::Cancelled => "Cancelled".to_owned(),
        }
    }

    /// Shows the stage with a symbol, words and a colour.
    pub(super) fn badge(self) -> Markup {
        let symbol = match self {
            Stage::Queued { .. } => "○",
            Stage::Running => "◐",
            Stage::Succeeded => "✓",
            Stage::Failed(_) => "✕",
            Stage::Cancelled => "–",
        };
        html! { span.badge.(self.name()) { span aria-hidden="true" { (symbol) } " " (self.words()) } }
    }
}

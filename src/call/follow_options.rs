use std::time::Duration;

use super::cancel_signal::CancelSignal;

/// Options for following a request.
#[derive(Debug, Default)]
pub(super) struct FollowOptions<'a> {
    pub(super) logs: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) cancel_when: CancelSignal<'a>,
    pub(super) cancel_on_timeout: bool,
    pub(super) cancel_on_drop: bool,
}

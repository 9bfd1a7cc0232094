use std::time::Duration;

/// Options for following a request.
#[derive(Debug, Default)]
pub(super) struct FollowOptions {
    pub(super) logs: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) cancel_on_timeout: bool,
    pub(super) cancel_on_drop: bool,
}

use std::time::Duration;

/// How a request is followed.
#[derive(Debug, Default)]
pub(super) struct FollowOptions {
    pub(super) logs: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) cancel_on_timeout: bool,
    pub(super) cancel_on_drop: bool,
}

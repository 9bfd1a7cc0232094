use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::{HeaderName, StatusCode};

use super::allowed::Allowed;
use super::caller::Caller;

/// Decides whether a caller may use the proxy.
pub(super) type Authenticate = Arc<dyn Fn(Caller) -> BoxFuture<'static, Result<(), StatusCode>> + Send + Sync>;

/// The settings of a proxy.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) allowed: Allowed,
    pub(super) uploads: bool,
    pub(super) webhooks: bool,
    /// Maximum lifetime of tokens. `None` if the proxy issues none.
    pub(super) tokens: Option<Duration>,
    /// Further headers of requests that are forwarded.
    pub(super) headers: Vec<HeaderName>,
    /// Maximum bytes of a request body.
    pub(super) max_body_size: u64,
    pub(super) time_limit: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) max_in_flight: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            allowed: Allowed::default(),
            uploads: false,
            webhooks: false,
            tokens: None,
            headers: Vec::new(),
            max_body_size: 16 << 20,
            time_limit: Duration::from_secs(3600),
            idle_timeout: Duration::from_secs(300),
            max_in_flight: 256,
        }
    }
}

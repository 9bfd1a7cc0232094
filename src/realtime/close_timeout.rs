use std::time::Duration;

use tokio::time::timeout;

use crate::error::Error;

/// Time limit for closing a connection.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Limits the time for closing a connection. A host that does not read would block it.
pub(super) async fn within_close_timeout(closed: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    let timed_out = |_| Err(Error::timeout("closing the connection", CLOSE_TIMEOUT));
    timeout(CLOSE_TIMEOUT, closed).await.unwrap_or_else(timed_out)
}

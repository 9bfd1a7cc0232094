use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::failure::is_transient;

/// The longest pause between two attempts.
const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// The attempts of one database operation.
pub(super) struct Attempts {
    deadline: Instant,
    /// Time limit of one attempt. A connection can be lost without a sign.
    #[cfg(feature = "postgres")]
    limit: Duration,
    backoff: Duration,
}

impl Attempts {
    pub(super) fn new(retry_for: Duration) -> Self {
        Attempts {
            deadline: Instant::now() + retry_for,
            #[cfg(feature = "postgres")]
            limit: (retry_for / 3).max(Duration::from_secs(5)),
            backoff: Duration::from_millis(20),
        }
    }

    /// Limits the time of one attempt.
    #[cfg(feature = "postgres")]
    pub(super) async fn limit<T>(
        &self,
        attempt: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        match tokio::time::timeout(self.limit, attempt).await {
            Ok(result) => result,
            Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
        }
    }

    /// Returns true after a pause if the operation is to be retried.
    pub(super) async fn retry(&mut self, error: &sqlx::Error) -> bool {
        if !is_transient(error) || Instant::now() + self.backoff > self.deadline {
            return false;
        }
        tracing::warn!(target: "fal_jobs", %error, "a database operation is retried");
        sleep(self.backoff).await;
        self.backoff = (self.backoff * 2).min(MAX_BACKOFF);
        true
    }
}

/// Runs an expression with the pool of the database, and again after a failure that may pass. The expression is compiled for
/// each database, so it can use sqlx's types. Its error is [`sqlx::Error`].
///
/// An attempt that failed may have been committed: a write must allow for its own effect.
macro_rules! with_pool {
    ($store:expr, $pool:ident => $body:expr) => {{
        let mut attempts = $crate::store::retry::Attempts::new($store.retry_for);
        loop {
            let result: Result<_, sqlx::Error> = match &$store.pool {
                #[cfg(feature = "sqlite")]
                $crate::store::Pool::Sqlite($pool) => (async { $body }).await,
                #[cfg(feature = "postgres")]
                $crate::store::Pool::Postgres($pool) => attempts.limit(async { $body }).await,
            };
            match result {
                Ok(value) => break Ok(value),
                Err(error) => {
                    if !attempts.retry(&error).await {
                        break Err(error);
                    }
                }
            }
        }
    }};
}
pub(super) use with_pool;

use std::time::Duration;

use super::jobs::failed;
use super::{Store, with_pool};
use crate::error::Error;
use crate::record::Record;

impl Store {
    /// Claims a job for a process, if no other process holds it. Returns the claimed job.
    ///
    /// The process extends its lease with [`extend`](Self::extend). A claim whose lease has expired can be taken over.
    pub(crate) async fn claim(&self, key: &str, claim: &str) -> Result<Option<Record>, Error> {
        let sql = format!(
            "UPDATE jobs SET claim = $1, lease_until = {now} + $2, revision = revision + 1 \
             WHERE key = $3 AND (claim IS NULL OR claim = $1 OR lease_until < {now}) RETURNING {columns}",
            now = self.now(),
            columns = self.columns(),
        );
        let claimed = with_pool!(self, pool => sqlx::query_as(&sql)
            .bind(claim)
            .bind(millis(self.lease))
            .bind(key)
            .fetch_optional(pool)
            .await);
        claimed.map_err(|error| failed(error, "cannot claim the job").of(key))
    }

    /// Extends the leases of all claims of a process, except for dropped ones, which it gives up.
    pub(crate) async fn extend(&self, process: &str, dropped: &[String]) -> Result<(), Error> {
        for claim in dropped {
            let sql = "UPDATE jobs SET claim = NULL, lease_until = NULL, revision = revision + 1 \
                       WHERE claim = $1 AND state <> 'intended'";
            let given_up = with_pool!(self, pool => sqlx::query(sql).bind(claim).execute(pool).await.map(drop));
            given_up.map_err(|error| failed(error, "cannot release dropped jobs"))?;
            let sql = "UPDATE jobs SET lease_until = 0, claim = '', revision = revision + 1 WHERE claim = $1";
            let given_up = with_pool!(self, pool => sqlx::query(sql).bind(claim).execute(pool).await.map(drop));
            given_up.map_err(|error| failed(error, "cannot release dropped jobs"))?;
        }
        let sql = format!("UPDATE jobs SET lease_until = {} + $2 WHERE claim LIKE $1", self.now());
        let extended = with_pool!(self, pool => sqlx::query(&sql)
            .bind(format!("{process}.%"))
            .bind(millis(self.lease))
            .execute(pool)
            .await
            .map(drop));
        extended.map_err(|error| failed(error, "cannot extend the leases"))
    }

    /// Releases a job of a claim.
    pub(crate) async fn release(&self, key: &str, claim: &str) -> Result<(), Error> {
        let sql =
            "UPDATE jobs SET claim = NULL, lease_until = NULL, revision = revision + 1 WHERE key = $1 AND claim = $2";
        let released = with_pool!(self, pool => sqlx::query(sql).bind(key).bind(claim).execute(pool).await.map(drop));
        released.map_err(|error| failed(error, "cannot release the job").of(key))
    }
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2)
}

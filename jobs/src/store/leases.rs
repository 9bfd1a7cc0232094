use super::failure::failed;
use super::{Store, millis, with_pool};
use crate::error::Error;
use crate::record::Record;

/// A choice of jobs to claim.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) kind: Kind,
    /// Endpoints as a JSON array. `None` means any.
    pub(crate) endpoints: Option<String>,
    pub(crate) label: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Enqueued jobs that can be sent.
    Enqueued,
    /// Jobs that were sent, or may have been sent, by a process that does not work on them any more.
    Abandoned,
}

impl Store {
    /// Begins the lease of a process.
    pub(crate) async fn begin_lease(&self, process: &str) -> Result<(), Error> {
        let sql = format!(
            "INSERT INTO leases (process, until) VALUES ($1, {} + $2) ON CONFLICT (process) DO UPDATE SET until = excluded.until",
            self.now()
        );
        let lease = millis(self.lease);
        let begun = with_pool!(self, pool => sqlx::query(&sql).bind(process).bind(lease).execute(pool).await.map(drop));
        begun.map_err(|error| failed(error, "cannot begin a lease"))
    }

    /// Extends the lease of a process. Returns false if it has expired.
    pub(crate) async fn extend(&self, process: &str) -> Result<bool, Error> {
        let sql =
            format!("UPDATE leases SET until = {now} + $2 WHERE process = $1 AND until >= {now}", now = self.now());
        let lease = millis(self.lease);
        let extended = with_pool!(self, pool => sqlx::query(&sql)
            .bind(process)
            .bind(lease)
            .execute(pool)
            .await
            .map(|done| done.rows_affected() > 0));
        extended.map_err(|error| failed(error, "cannot extend the lease"))
    }

    /// Removes expired leases, and the claims of processes without a lease.
    pub(crate) async fn expire(&self) -> Result<(), Error> {
        let sql = format!("DELETE FROM leases WHERE until < {}", self.now());
        let expired = with_pool!(self, pool => sqlx::query(&sql).execute(pool).await.map(drop));
        expired.map_err(|error| failed(error, "cannot remove expired leases"))?;
        let sql = format!(
            "UPDATE jobs SET claim = NULL, revision = revision + 1 WHERE id IN (SELECT id FROM jobs WHERE claim IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM leases WHERE process = jobs.claim){})",
            self.skip_locked(),
        );
        let freed = with_pool!(self, pool => sqlx::query(&sql).execute(pool).await.map(drop));
        freed.map_err(|error| failed(error, "cannot take over jobs"))
    }

    /// Claims a job for a process, if no other process holds it. Returns the claimed job.
    pub(crate) async fn claim(&self, key: &str, process: &str) -> Result<Option<Record>, Error> {
        let sql = format!(
            "UPDATE jobs SET claim = $1, revision = revision + 1 WHERE key = $2 AND (claim IS NULL OR claim = $1) \
             RETURNING {}",
            self.columns(),
        );
        let claimed = with_pool!(self, pool => sqlx::query_as(&sql).bind(process).bind(key).fetch_optional(pool).await);
        claimed.map_err(|error| failed(error, "cannot claim the job").of(key))
    }

    /// Claims up to `limit` free jobs for a process, and returns them, oldest first.
    pub(crate) async fn claim_many(&self, process: &str, wanted: &Wanted, limit: usize) -> Result<Vec<Record>, Error> {
        let mut filter = match wanted.kind {
            Kind::Enqueued => "claim IS NULL AND enqueued AND state = 'waiting'".to_owned(),
            Kind::Abandoned => "claim IS NULL AND state IN ('intended', 'submitted')".to_owned(),
        };
        if wanted.endpoints.is_some() {
            filter += &format!(" AND endpoint {}", self.is_in("$3"));
        }
        if wanted.label.is_some() {
            filter += if wanted.endpoints.is_some() { " AND label = $4" } else { " AND label = $3" };
        }
        let sql = format!(
            "WITH free AS MATERIALIZED (SELECT id FROM jobs WHERE {filter} ORDER BY id LIMIT $2{skip_locked}) \
             UPDATE jobs SET claim = $1, revision = revision + 1 WHERE id IN (SELECT id FROM free) RETURNING {columns}",
            skip_locked = self.skip_locked(),
            columns = self.columns(),
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let claimed = with_pool!(self, pool => {
            let mut query = sqlx::query_as::<_, Record>(&sql).bind(process).bind(limit);
            if let Some(endpoints) = &wanted.endpoints {
                query = query.bind(endpoints);
            }
            if let Some(label) = &wanted.label {
                query = query.bind(label);
            }
            query.fetch_all(pool).await
        });
        let mut claimed = claimed.map_err(|error| failed(error, "cannot claim jobs"))?;
        claimed.sort_unstable_by_key(|record| record.id);
        Ok(claimed)
    }

    /// Gives up jobs of a process.
    pub(crate) async fn release(&self, process: &str, keys: &[String]) -> Result<(), Error> {
        let sql = format!(
            "UPDATE jobs SET claim = NULL, revision = revision + 1 WHERE claim = $1 AND key {}",
            self.is_in("$2")
        );
        let keys = serde_json::Value::from(keys).to_string();
        let released =
            with_pool!(self, pool => sqlx::query(&sql).bind(process).bind(&keys).execute(pool).await.map(drop));
        released.map_err(|error| failed(error, "cannot release jobs"))
    }
}

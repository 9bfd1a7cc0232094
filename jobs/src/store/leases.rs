use std::time::Duration;

use super::failure::failed;
use super::{Store, millis, with_pool};
use crate::error::Error;
use crate::record::Record;

/// A choice among the enqueued jobs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// Endpoints as a JSON array. `None` means any.
    pub(crate) endpoints: Option<String>,
    /// `None` means any, and jobs without a label.
    pub(crate) label: Option<String>,
    /// `Some` includes uncertain jobs, except for those with these keys, as a JSON array.
    pub(crate) uncertain_except: Option<String>,
    /// The time for which a submitted job with a webhook is left alone.
    pub(crate) webhook_patience: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Jobs that can be sent.
    ToSend,
    /// Jobs that were sent, or may have been sent, by a process that does not work on them any more.
    ToResume,
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
        // Reading one row only would not wait for the commit.
        let claimed = with_pool!(self, pool => sqlx::query_as(&sql).bind(process).bind(key).fetch_all(pool).await);
        let mut claimed: Vec<Record> = claimed.map_err(|error| failed(error, "cannot claim the job").of(key))?;
        Ok(claimed.pop())
    }

    /// Claims up to `limit` free jobs for a process, and returns them, oldest first.
    pub(crate) async fn claim_many(
        &self,
        process: &str,
        kind: Kind,
        wanted: &Wanted,
        limit: usize,
    ) -> Result<Vec<Record>, Error> {
        let state = match kind {
            Kind::ToSend => "state = 'waiting'".to_owned(),
            Kind::ToResume => format!(
                "state IN ('intended', 'submitted', 'uncertain') \
                 AND (NOT webhook OR state <> 'submitted' OR submitted_at < {} - {})",
                self.now(),
                millis(wanted.webhook_patience),
            ),
        };
        let sql = format!(
            "WITH free AS MATERIALIZED (SELECT id FROM jobs WHERE claim IS NULL AND enqueued AND {state}{wanted} \
             ORDER BY id LIMIT $2{skip_locked}) UPDATE jobs SET claim = $1, revision = revision + 1 \
             WHERE id IN (SELECT id FROM free) RETURNING {columns}",
            wanted = self.wanted(wanted, ["$3", "$4", "$5"]),
            skip_locked = self.skip_locked(),
            columns = self.columns(),
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let claimed = with_pool!(self, pool => sqlx::query_as::<_, Record>(&sql)
            .bind(process)
            .bind(limit)
            .bind(&wanted.endpoints)
            .bind(&wanted.label)
            .bind(&wanted.uncertain_except)
            .fetch_all(pool)
            .await);
        let mut claimed = claimed.map_err(|error| failed(error, "cannot claim jobs"))?;
        claimed.sort_unstable_by_key(|record| record.id);
        Ok(claimed)
    }

    /// Returns true if there are enqueued jobs without an outcome, claimed or not.
    pub(crate) async fn has_open(&self, wanted: &Wanted) -> Result<bool, Error> {
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM jobs WHERE enqueued AND state IN ('waiting', 'intended', 'submitted', 'uncertain'){})",
            self.wanted(wanted, ["$1", "$2", "$3"]),
        );
        let found = with_pool!(self, pool => sqlx::query_scalar(&sql)
            .bind(&wanted.endpoints)
            .bind(&wanted.label)
            .bind(&wanted.uncertain_except)
            .fetch_one(pool)
            .await);
        found.map_err(|error| failed(error, "cannot look for jobs"))
    }

    /// Returns the SQL conditions of a choice, whose values are three parameters.
    fn wanted(&self, wanted: &Wanted, [endpoints, label, uncertain]: [&str; 3]) -> String {
        // Each parameter always occurs, because PostgreSQL refuses others.
        let endpoints = match wanted.endpoints {
            Some(_) => format!("endpoint {}", self.is_in(endpoints)),
            None => format!("CAST({endpoints} AS TEXT) IS NULL"),
        };
        let label = match wanted.label {
            Some(_) => format!("label = {label}"),
            None => format!("CAST({label} AS TEXT) IS NULL"),
        };
        let uncertain = match wanted.uncertain_except {
            Some(_) => format!("(state <> 'uncertain' OR NOT key {})", self.is_in(uncertain)),
            None => format!("state <> 'uncertain' AND CAST({uncertain} AS TEXT) IS NULL"),
        };
        format!(" AND {endpoints} AND {label} AND {uncertain}")
    }

    /// Returns the keys of the jobs that a process has claimed.
    pub(crate) async fn claimed(&self, process: &str) -> Result<Vec<String>, Error> {
        let sql = "SELECT key FROM jobs WHERE claim = $1";
        let keys = with_pool!(self, pool => sqlx::query_scalar(sql).bind(process).fetch_all(pool).await);
        keys.map_err(|error| failed(error, "cannot read the claims"))
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

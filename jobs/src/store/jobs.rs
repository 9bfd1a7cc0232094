use std::collections::HashSet;

use tracing::debug;

use super::budgets::{CHANGE_BUDGET, changes};
use super::failure::failed;
use super::{Store, with_pool};
use crate::error::{Error, ErrorKind};
use crate::record::{FORMAT, NewRecord, Record};
use crate::redaction::Redaction;
use crate::state::{Event, State};

impl Store {
    /// Records a job, unless its key is there, and claims it for a process in the same commit. Returns the job with that key, and
    /// true if it is new.
    ///
    /// After a lost connection, it may be false although this call has recorded the job.
    pub(crate) async fn insert(&self, new: &NewRecord, process: Option<&str>) -> Result<(Record, bool), Error> {
        new.check()?;
        let sql = format!(
            "INSERT INTO jobs (key, endpoint, label, format, input, input_hash, request, state, attempt, reserved, budget, \
             outer_budget, estimate, unit_price, webhook, enqueued, options, claim, revision, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, $9, $10, $11, $12, $13, $14, $15, $16, 0, {}) \
             ON CONFLICT (key) DO NOTHING RETURNING {}",
            self.now(),
            self.columns(),
        );
        let inserted = with_pool!(self, pool => sqlx::query_as(&sql)
            .bind(&new.key)
            .bind(&new.endpoint)
            .bind(&new.label)
            .bind(FORMAT)
            .bind(&new.input)
            .bind(&new.input_hash)
            .bind(&new.request)
            .bind(State::Waiting.as_str())
            .bind(&new.billing.budget)
            .bind(&new.billing.outer)
            .bind(new.billing.estimate)
            .bind(&new.billing.unit_price)
            .bind(new.webhook)
            .bind(new.enqueued)
            .bind(&new.options)
            .bind(process)
            // Reading one row only would not wait for the commit.
            .fetch_all(pool)
            .await);
        let mut inserted: Vec<Record> =
            inserted.map_err(|error| failed(error, "cannot record the job").of(&new.key))?;
        if let Some(record) = inserted.pop() {
            return Ok((record, true));
        }
        let record = self.get(&new.key).await?.ok_or_else(|| missing(&new.key))?;
        if record.endpoint != new.endpoint || record.input_hash != new.input_hash {
            return Ok((record, false));
        }
        Ok((self.bill(&new.key, |record| record.join(&new.billing)).await?, false))
    }

    /// Changes the budgets of a job. Returns the job.
    pub(crate) async fn bill(&self, key: &str, change: impl Fn(&mut Record)) -> Result<Record, Error> {
        loop {
            let before = self.get(key).await?.ok_or_else(|| missing(key))?;
            let mut record = before.clone();
            change(&mut record);
            if record == before || self.replace(&before, &mut record, None).await? {
                return Ok(record);
            }
            // Another process has changed the job meanwhile.
        }
    }

    /// Returns the job with a key.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Record>, Error> {
        let sql = format!("SELECT {} FROM jobs WHERE key = $1", self.columns());
        let found = with_pool!(self, pool => sqlx::query_as(&sql).bind(key).fetch_optional(pool).await);
        found.map_err(|error| failed(error, "cannot read the job").of(key))
    }

    /// Returns the job with a request id.
    #[cfg(feature = "webhook")]
    pub(crate) async fn of_request(&self, request_id: &str) -> Result<Option<Record>, Error> {
        let sql = format!("SELECT {} FROM jobs WHERE request_id = $1 ORDER BY id DESC LIMIT 1", self.columns());
        let found = with_pool!(self, pool => sqlx::query_as(&sql).bind(request_id).fetch_optional(pool).await);
        found.map_err(|error| failed(error, "cannot look for the job of a request"))
    }

    /// Returns which of some jobs are not submitted any more, by their keys.
    pub(crate) async fn not_submitted(&self, keys: &[String]) -> Result<Vec<String>, Error> {
        let sql = format!("SELECT key FROM jobs WHERE key {} AND state <> 'submitted'", self.is_in("$1"));
        let keys = serde_json::Value::from(keys).to_string();
        let found = with_pool!(self, pool => sqlx::query_scalar(&sql).bind(&keys).fetch_all(pool).await);
        found.map_err(|error| failed(error, "cannot read the states of jobs"))
    }

    /// Returns the latest job of an input with an automatic key, given the first automatic key.
    pub(crate) async fn latest(&self, first: &str, input_hash: &str) -> Result<Option<Record>, Error> {
        let sql = format!(
            "SELECT {} FROM jobs WHERE input_hash = $1 AND (key = $2 OR substr(key, 1, {}) = $3) ORDER BY id DESC LIMIT 1",
            self.columns(),
            first.chars().count() + 1,
        );
        let found = with_pool!(self, pool => sqlx::query_as(&sql)
            .bind(input_hash)
            .bind(first)
            .bind(format!("{first}#"))
            .fetch_optional(pool)
            .await);
        found.map_err(|error| failed(error, "cannot read the job").of(first))
    }

    /// Returns those of some request ids that other jobs have, or had in an earlier attempt with an equal input.
    pub(crate) async fn taken(&self, ids: &[String], record: &Record) -> Result<HashSet<String>, Error> {
        let ids = serde_json::json!(ids).to_string();
        let sql = format!(
            "SELECT request_id, earlier FROM jobs WHERE key <> $1 AND (request_id {} OR (input_hash = $3 AND earlier IS NOT NULL))",
            self.is_in("$2"),
        );
        let rows = with_pool!(self, pool => sqlx::query_as::<_, (Option<String>, Option<String>)>(&sql)
            .bind(&record.key)
            .bind(&ids)
            .bind(&record.input_hash)
            .fetch_all(pool)
            .await);
        let rows =
            rows.map_err(|error| failed(error, "cannot look for the request ids of other jobs").of(&record.key))?;
        let earlier = |text: &str| serde_json::from_str::<Vec<String>>(text).unwrap_or_default();
        Ok(rows
            .into_iter()
            .flat_map(|(id, ids)| id.into_iter().chain(ids.as_deref().map(earlier).unwrap_or_default()))
            .collect())
    }

    /// Applies a change to a job, and returns the changed job. The change is committed when this returns.
    ///
    /// # Errors
    ///
    /// The state does not allow the change ([`ErrorKind::State`]), or the database fails. In the second case the change
    /// may have been committed.
    pub(crate) async fn apply(&self, key: &str, event: &Event) -> Result<Record, Error> {
        let change = event.name();
        debug!(target: "fal_jobs", key, change, "committing");
        loop {
            let mut record = self.get(key).await?.ok_or_else(|| missing(key))?;
            let before = record.clone();
            record.apply(event, record.read_at)?;
            if let Some(redaction) = self.redaction.as_ref().filter(|_| record.state.is_final()) {
                redaction.apply(&mut record);
            }
            if record == before || self.replace(&before, &mut record, None).await? {
                let (state, attempt, request_id) = (record.state.as_str(), record.attempt, &record.request_id);
                debug!(target: "fal_jobs", key, state, attempt, request_id, change, "committed");
                return Ok(record);
            }
            // Another process has changed the job meanwhile.
        }
    }

    /// Commits the intent to send a job, if the process holds it and has a lease. Returns the changed job.
    pub(crate) async fn intend(
        &self,
        key: &str,
        process: &str,
        request: String,
        webhook: bool,
    ) -> Result<Option<Record>, Error> {
        let mut attempt = None;
        loop {
            let mut record = self.get(key).await?.ok_or_else(|| missing(key))?;
            if record.claim.as_deref() != Some(process) {
                return Ok(None);
            }
            if record.is_abandoned {
                // The lease has expired after an intent whose commit was unknown.
                if record.state == State::Intended && attempt == Some(record.attempt) {
                    self.apply(key, &Event::Withdraw { attempt: record.attempt }).await?;
                }
                return Ok(None);
            }
            let attempt = *attempt.get_or_insert(record.attempt + 1);
            let before = record.clone();
            let event = Event::Intend { claim: process.to_owned(), attempt, request: request.clone(), webhook };
            record.apply(&event, record.read_at)?;
            // Nothing changes if the commit of this intent was unknown.
            if record == before || self.replace(&before, &mut record, Some(process)).await? {
                return Ok(Some(record));
            }
        }
    }

    /// Removes data from a job. Returns false if it is not final, or lacks the data already.
    pub(crate) async fn redact(&self, key: &str, redaction: &Redaction) -> Result<bool, Error> {
        loop {
            // It may have been pruned meanwhile.
            let Some(before) = self.get(key).await?.filter(|record| record.state.is_final()) else { return Ok(false) };
            let mut record = before.clone();
            redaction.apply(&mut record);
            if record == before {
                return Ok(false);
            }
            if self.replace(&before, &mut record, None).await? {
                return Ok(true);
            }
        }
    }

    /// Writes a job that was read before, and changes its budgets in the same transaction. Returns false if the job has changed since
    /// then, or if `process` has no lease.
    async fn replace(&self, before: &Record, record: &mut Record, process: Option<&str>) -> Result<bool, Error> {
        let mut sql = "UPDATE jobs SET state = $1, attempt = $2, request = $3, request_id = $4, output = $5, units = $6, cost = $7, \
                   reserved = $8, error = $9, files = $10, earlier = $11, intended_at = $12, submitted_at = $13, \
                   finished_at = $14, claim = $15, input = COALESCE($16, input), redacted = $17, webhook = $18, \
                   budget = $19, outer_budget = $20, estimate = $21, unit_price = $22, cost_is_estimated = $23, \
                   revision = revision + 1 WHERE key = $24 AND revision = $25"
            .to_owned();
        if process.is_some() {
            sql += &format!(" AND {}", self.is_alive("$26"));
        }
        // An input is large and hardly ever changes.
        let input = (record.input != before.input).then_some(&record.input);
        let changes = changes(before, record);
        let replaced = with_pool!(self, pool => {
            let mut query = sqlx::query(&sql)
            .bind(record.state.as_str())
            .bind(record.attempt)
            .bind(&record.request)
            .bind(&record.request_id)
            .bind(&record.output)
            .bind(&record.units)
            .bind(record.cost)
            .bind(record.reserved)
            .bind(&record.error)
            .bind(&record.files)
            .bind(&record.earlier)
            .bind(record.intended_at)
            .bind(record.submitted_at)
            .bind(record.finished_at)
            .bind(&record.claim)
            .bind(input)
            .bind(record.redacted)
            .bind(record.webhook)
            .bind(&record.billing.budget)
            .bind(&record.billing.outer)
            .bind(record.billing.estimate)
            .bind(&record.billing.unit_price)
            .bind(record.cost_is_estimated)
            .bind(&record.key)
            .bind(record.revision);
            if let Some(process) = process {
                query = query.bind(process);
            }
            if changes.is_empty() {
                return Ok(Ok(query.execute(pool).await?.rows_affected() > 0));
            }
            // It has no effect unless it is committed.
            let mut transaction = pool.begin().await?;
            if query.execute(&mut *transaction).await?.rows_affected() == 0 {
                return Ok(Ok(false));
            }
            for change in &changes {
                let kind = if change.is_reservation { "reserve" } else { "settle" };
                debug!(target: "fal_jobs", key = &record.key, change = kind, "changing the budget");
                let changed = sqlx::query(CHANGE_BUDGET)
                    .bind(change.spent)
                    .bind(change.reserved)
                    .bind(&change.budget)
                    .bind(change.is_reservation)
                    .execute(&mut *transaction)
                    .await?;
                if changed.rows_affected() == 0 && change.is_reservation {
                    return Ok(Err(change));
                }
            }
            transaction.commit().await?;
            Ok(Ok(true))
        });
        let replaced = replaced.map_err(|error| failed(error, "cannot change the job").of(&record.key))?;
        let replaced = match replaced {
            Ok(replaced) => replaced,
            Err(refused) => return Err(self.refusal(refused).await.of(&record.key)),
        };
        record.revision += 1;
        Ok(replaced)
    }
}

pub(super) fn missing(key: &str) -> Error {
    Error::new(ErrorKind::NotFound, "the journal does not have it").of(key)
}

use super::{Store, with_pool};
use crate::error::{Error, ErrorKind};
use crate::record::{FORMAT, NewRecord, Record};
use crate::state::{Event, State};

impl Store {
    /// Records a job, unless its key is there. Returns the job with that key, and true if it is new.
    pub(crate) async fn insert(&self, new: &NewRecord) -> Result<(Record, bool), Error> {
        let sql = format!(
            "INSERT INTO jobs (key, endpoint, label, format, input, input_hash, request, state, attempt, reserved, budget, \
             webhook, revision, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, $9, $10, 0, {}) \
             ON CONFLICT (key) DO NOTHING",
            self.now()
        );
        let inserted = with_pool!(self, pool => sqlx::query(&sql)
            .bind(&new.key)
            .bind(&new.endpoint)
            .bind(&new.label)
            .bind(FORMAT)
            .bind(&new.input)
            .bind(&new.input_hash)
            .bind(&new.request)
            .bind(State::Waiting.as_str())
            .bind(&new.budget)
            .bind(new.webhook)
            .execute(pool)
            .await
            .map(|done| done.rows_affected() > 0));
        let inserted = inserted.map_err(|error| failed(error, "cannot record the job").of(&new.key))?;
        Ok((self.get(&new.key).await?.ok_or_else(|| missing(&new.key))?, inserted))
    }

    /// Returns the job with a key.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Record>, Error> {
        let sql = format!("SELECT {} FROM jobs WHERE key = $1", self.columns());
        let found = with_pool!(self, pool => sqlx::query_as(&sql).bind(key).fetch_optional(pool).await);
        found.map_err(|error| failed(error, "cannot read the job").of(key))
    }

    /// Applies a change to a job, and returns the changed job. The change is committed when this returns.
    ///
    /// # Errors
    ///
    /// The state does not allow the change ([`ErrorKind::State`]), or the database fails. In the second case the change
    /// may have been committed.
    pub(crate) async fn apply(&self, key: &str, event: &Event) -> Result<Record, Error> {
        loop {
            let mut record = self.get(key).await?.ok_or_else(|| missing(key))?;
            let before = record.clone();
            record.apply(event, now())?;
            if record == before || self.replace(&mut record).await? {
                return Ok(record);
            }
            // Another process has changed the job meanwhile.
        }
    }

    /// Writes a job that was read before. Returns false if it has changed since then.
    async fn replace(&self, record: &mut Record) -> Result<bool, Error> {
        let sql = "UPDATE jobs SET state = $1, attempt = $2, request = $3, request_id = $4, output = $5, units = $6, cost = $7, \
                   reserved = $8, error = $9, files = $10, intended_at = $11, submitted_at = $12, finished_at = $13, \
                   webhook = $14, revision = revision + 1 WHERE key = $15 AND revision = $16";
        let replaced = with_pool!(self, pool => sqlx::query(sql)
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
            .bind(record.intended_at)
            .bind(record.submitted_at)
            .bind(record.finished_at)
            .bind(record.webhook)
            .bind(&record.key)
            .bind(record.revision)
            .execute(pool)
            .await
            .map(|done| done.rows_affected() > 0));
        let replaced = replaced.map_err(|error| failed(error, "cannot change the job").of(&record.key))?;
        record.revision += 1;
        Ok(replaced)
    }
}

/// Returns this machine's time in milliseconds since 1970.
fn now() -> i64 {
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}

pub(super) fn failed(error: sqlx::Error, message: &str) -> Error {
    Error::new(ErrorKind::Database, message).caused_by(error)
}

pub(super) fn missing(key: &str) -> Error {
    Error::new(ErrorKind::NotFound, "the journal does not have it").of(key)
}

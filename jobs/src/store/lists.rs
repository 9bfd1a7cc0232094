//! Jobs that match a filter.

use sqlx::Row;

use super::failure::failed;
use super::{Store, millis, with_pool};
use crate::error::Error;
use crate::filter::Filter;
use crate::record::Record;
use crate::state::State;

/// The number of jobs that one statement removes.
const REMOVED_AT_A_TIME: u32 = 1_000;

/// One job of a list. A job that this version cannot read is an error, which does not hide the other jobs.
pub(crate) struct Listed {
    pub(crate) id: i64,
    pub(crate) record: Result<Record, Error>,
}

impl Store {
    /// Returns up to `limit` jobs after an id, in the order of the filter. An `after` of 0 begins the list.
    pub(crate) async fn page(&self, filter: &Filter, after: i64, limit: u32) -> Result<Vec<Listed>, Error> {
        let (conditions, values) = self.conditions(filter);
        let (begin, order) = match (filter.newest_first, after) {
            (false, after) => (format!("id > {after}"), "id"),
            (true, 0) => ("id > 0".to_owned(), "id DESC"),
            (true, after) => (format!("id < {after}"), "id DESC"),
        };
        let columns = self.columns();
        let sql = format!("SELECT {columns} FROM jobs WHERE {begin} AND {conditions} ORDER BY {order} LIMIT {limit}");
        let page = with_pool!(self, pool => {
            let query = values.iter().fold(sqlx::query(&sql), |query, value| query.bind(*value));
            let rows = query.fetch_all(pool).await?;
            rows.iter().map(listed).collect()
        });
        page.map_err(|error| failed(error, "cannot list the jobs"))
    }

    /// Returns the number of jobs by state.
    pub(crate) async fn count(&self, filter: &Filter) -> Result<Vec<(State, u64)>, Error> {
        let (conditions, values) = self.conditions(filter);
        let sql = format!("SELECT state, COUNT(*) FROM jobs WHERE {conditions} GROUP BY state");
        let counts = with_pool!(self, pool => {
            let query = values.iter().fold(sqlx::query_as::<_, (String, i64)>(&sql), |query, value| query.bind(*value));
            query.fetch_all(pool).await
        });
        let counts = counts.map_err(|error| failed(error, "cannot count the jobs"))?;
        // A newer version may have other states.
        let known = |(name, count): (String, i64)| Some((State::from_name(&name)?, u64::try_from(count).unwrap_or(0)));
        Ok(counts.into_iter().filter_map(known).collect())
    }

    /// Removes some of the final jobs that match. Returns their number: zero if none is left.
    pub(crate) async fn remove(&self, filter: &Filter) -> Result<u64, Error> {
        let (conditions, values) = self.conditions(filter);
        let sql = format!(
            "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state IN ('completed', 'failed') AND {conditions} \
             ORDER BY id LIMIT {REMOVED_AT_A_TIME})"
        );
        let removed = with_pool!(self, pool => {
            let query = values.iter().fold(sqlx::query(&sql), |query, value| query.bind(*value));
            query.execute(pool).await.map(|done| done.rows_affected())
        });
        removed.map_err(|error| failed(error, "cannot remove the jobs"))
    }

    /// Returns the SQL condition of a filter, and the values of its parameters.
    fn conditions<'f>(&self, filter: &'f Filter) -> (String, Vec<&'f str>) {
        let mut conditions = vec!["1 = 1".to_owned()];
        let mut values = Vec::new();
        if !filter.states.is_empty() {
            let names: Vec<String> = filter.states.iter().map(|state| format!("'{state}'")).collect();
            conditions.push(format!("state IN ({})", names.join(", ")));
        }
        for (column, value) in [("key", &filter.key), ("endpoint", &filter.endpoint), ("label", &filter.label)] {
            if let Some(value) = value {
                values.push(value.as_str());
                conditions.push(format!("{column} = ${}", values.len()));
            }
        }
        if let Some(prefix) = &filter.key_prefix {
            values.push(prefix);
            // `LIKE` of SQLite ignores case.
            conditions.push(format!("substr(key, 1, {}) = ${}", prefix.chars().count(), values.len()));
        }
        if let Some(part) = filter.key_part.as_ref().filter(|part| !part.is_empty()) {
            values.push(part);
            // `LIKE` of SQLite ignores case, and has wildcards.
            conditions.push(format!("replace(key, ${}, '') <> key", values.len()));
        }
        if let Some(request_id) = filter.request_id.as_ref().filter(|id| !id.is_empty()) {
            values.push(request_id);
            let id = values.len();
            conditions.push(format!("(request_id = ${id} OR replace(earlier, ${id}, '') <> earlier)"));
        }
        let since = "COALESCE(finished_at, created_at)";
        if let Some(age) = filter.older_than {
            conditions.push(format!("{since} < {} - {}", self.now(), millis(age)));
        }
        if let Some(age) = filter.newer_than {
            conditions.push(format!("{since} >= {} - {}", self.now(), millis(age)));
        }
        (conditions.join(" AND "), values)
    }
}

fn listed<'r, R: Row>(row: &'r R) -> Result<Listed, sqlx::Error>
where
    Record: sqlx::FromRow<'r, R>,
    &'static str: sqlx::ColumnIndex<R>,
    i64: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    String: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    use sqlx::FromRow;

    let key: String = row.try_get("key")?;
    let record = Record::from_row(row).map_err(|error| failed(error, "cannot read the job").of(&key));
    Ok(Listed { id: row.try_get("id")?, record })
}

use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};

use super::failure::Newer;
use crate::record::{Billing, FORMAT, Record};
use crate::state::State;

/// The columns of a record. Not `*`: PostgreSQL rejects a prepared `*` once a newer version has added a column.
pub(super) const COLUMNS: &str = "format, state, key, endpoint, label, attempt, request_id, input, output, units, created_at, intended_at, \
    submitted_at, finished_at, id, input_hash, request, options, budget, outer_budget, estimate, unit_price, cost, cost_is_estimated, reserved, \
    error, files, webhook, enqueued, claim, revision, earlier, redacted";

impl<'r, R: Row> FromRow<'r, R> for Record
where
    &'static str: ColumnIndex<R>,
    bool: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    String: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        let format: i64 = row.try_get("format")?;
        if format > FORMAT {
            return Err(sqlx::Error::Decode(Newer::Format(format).into()));
        }
        let state: String = row.try_get("state")?;
        let Some(state) = State::from_name(&state) else {
            return Err(sqlx::Error::Decode(Newer::State(state).into()));
        };
        Ok(Record {
            key: row.try_get("key")?,
            endpoint: row.try_get("endpoint")?,
            label: row.try_get("label")?,
            state,
            attempt: row.try_get("attempt")?,
            request_id: row.try_get("request_id")?,
            input: row.try_get("input")?,
            output: row.try_get("output")?,
            units: row.try_get("units")?,
            created_at: row.try_get("created_at")?,
            intended_at: row.try_get("intended_at")?,
            submitted_at: row.try_get("submitted_at")?,
            finished_at: row.try_get("finished_at")?,
            id: row.try_get("id")?,
            format,
            input_hash: row.try_get("input_hash")?,
            request: row.try_get("request")?,
            options: row.try_get("options")?,
            billing: Billing {
                budget: row.try_get("budget")?,
                outer: row.try_get("outer_budget")?,
                estimate: row.try_get("estimate")?,
                unit_price: row.try_get("unit_price")?,
            },
            cost: row.try_get("cost")?,
            cost_is_estimated: row.try_get("cost_is_estimated")?,
            reserved: row.try_get("reserved")?,
            error: row.try_get("error")?,
            files: row.try_get("files")?,
            webhook: row.try_get("webhook")?,
            enqueued: row.try_get("enqueued")?,
            claim: row.try_get("claim")?,
            revision: row.try_get("revision")?,
            earlier: row.try_get("earlier")?,
            redacted: row.try_get("redacted")?,
            read_at: row.try_get("read_at")?,
            is_abandoned: row.try_get("is_abandoned")?,
        })
    }
}

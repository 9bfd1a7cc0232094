//! A journal's behaviour, on SQLite and on PostgreSQL.

mod batch;
mod budgets;
mod connections;
mod databases;
mod downloads;
mod failures;
mod fleet;
mod inputs;
mod lists;
mod resume;
mod runs;
mod support;
mod uncertain;
mod webhooks;

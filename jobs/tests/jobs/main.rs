//! A journal's behaviour, on SQLite and on PostgreSQL.

mod batch;
mod budgets;
mod connections;
mod databases;
mod downloads;
mod fleet;
mod inputs;
mod lists;
mod runs;
mod support;
mod webhooks;

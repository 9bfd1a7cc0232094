//! A journal's behaviour, on SQLite and on PostgreSQL.

mod batch;
mod budgets;
mod connections;
mod databases;
mod failures;
mod fleet;
mod lists;
mod resume;
mod runs;
mod support;
mod uncertain;

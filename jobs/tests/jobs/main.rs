//! A journal's behaviour, on SQLite and on PostgreSQL.

mod batch;
mod budgets;
mod connections;
mod databases;
mod fleet;
mod lists;
mod runs;
mod support;

//! A journal's behaviour, on SQLite and on PostgreSQL.

mod batch;
mod budgets;
mod fleet;
mod runs;
mod support;

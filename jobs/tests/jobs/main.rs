//! A journal's behaviour, on SQLite and on PostgreSQL.

mod budgets;
mod runs;
mod support;

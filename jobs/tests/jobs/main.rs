//! A journal's behaviour, on SQLite and on PostgreSQL.

mod fleet;
mod runs;
mod support;

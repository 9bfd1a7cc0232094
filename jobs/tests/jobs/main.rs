//! A journal's behaviour, on SQLite and on PostgreSQL.

mod runs;
mod support;

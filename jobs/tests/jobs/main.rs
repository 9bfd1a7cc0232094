//! A journal's behaviour, on SQLite and on PostgreSQL.

mod downloads;
mod inputs;
mod runs;
mod support;

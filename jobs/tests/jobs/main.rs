//! A journal's behaviour, on SQLite and on PostgreSQL.

mod connections;
mod databases;
mod fleet;
mod lists;
mod runs;
mod support;

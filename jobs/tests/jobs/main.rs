//! A journal's behaviour, on SQLite and on PostgreSQL.

mod downloads;
mod fleet;
mod inputs;
mod runs;
mod support;
mod webhooks;

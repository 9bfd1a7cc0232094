//! Errors of sqlx, in the words of this crate.

use std::fmt;

use crate::error::{Error, ErrorKind};
use crate::record::FORMAT;

/// A row that a newer version of this crate has written.
#[derive(Debug)]
pub(super) enum Newer {
    Format(i64),
    State(String),
}

impl fmt::Display for Newer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Newer::Format(format) => write!(f, "its format is {format}, and this version reads formats up to {FORMAT}"),
            Newer::State(state) => write!(f, "its state is `{}`", state.escape_debug()),
        }
    }
}

impl std::error::Error for Newer {}

/// Returns the error of a failed operation.
pub(super) fn failed(error: sqlx::Error, message: &str) -> Error {
    if let sqlx::Error::Decode(source) = &error
        && let Some(newer) = source.downcast_ref::<Newer>()
    {
        let message = format!("{message}: a newer version of fal-jobs has written it: {newer}: update fal-jobs");
        return Error::new(ErrorKind::NewerVersion, message);
    }
    // Only request ids are unique: an insertion allows for an existing key.
    if error.as_database_error().is_some_and(|error| error.is_unique_violation()) {
        return Error::new(ErrorKind::State, format!("{message}: another job has the request")).caused_by(error);
    }
    match reason(&error) {
        Some(reason) => Error::new(ErrorKind::Database, format!("{message}: {reason}")).caused_by(error),
        None => Error::new(ErrorKind::Database, message).caused_by(error),
    }
}

/// Returns true if the failure may pass by itself: a lost connection, a server that restarts, a lock of another process.
pub(super) fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(_) => match code(error) {
            Some(Code::Sqlite(code)) => matches!(code, 5 | 6),
            // Lost connections, conflicts of transactions, too many connections, locks, a server that stops or starts.
            Some(Code::Postgres(state)) => {
                state.starts_with("08")
                    || state.starts_with("57P")
                    || matches!(state.as_str(), "40001" | "40P01" | "53300" | "55P03" | "25P03")
            }
            None => false,
        },
        _ => false,
    }
}

enum Code {
    /// A primary result code.
    Sqlite(u32),
    /// A SQLSTATE.
    Postgres(String),
}

fn code(error: &sqlx::Error) -> Option<Code> {
    let code = error.as_database_error()?.code()?;
    // A SQLSTATE has five characters, an extended result code of SQLite at most four digits.
    match code.len() {
        5 => Some(Code::Postgres(code.into_owned())),
        _ => code.parse().ok().map(|code: u32| Code::Sqlite(code & 0xff)),
    }
}

/// Returns the reason of a failure with the remedy, where the database's own message lacks one.
fn reason(error: &sqlx::Error) -> Option<&'static str> {
    match error {
        sqlx::Error::PoolTimedOut => {
            return Some("no connection: the server is unreachable, or all connections are in use");
        }
        sqlx::Error::PoolClosed => return Some("the journal is closed"),
        _ => {}
    }
    match code(error)? {
        Code::Sqlite(code) => Some(match code {
            5 | 6 => "another process holds the lock of the database",
            8 => "the database is read-only: make the file and its folder writable",
            10 => "the disk failed, or a file cannot grow",
            11 => "the file is damaged: restore it from a backup",
            13 => "the disk is full: free space and try again",
            14 => "the file cannot be opened: check that its folder exists and is writable",
            26 => "the file is not a SQLite database",
            _ => return None,
        }),
        Code::Postgres(state) => Some(match state.as_str() {
            "25006" => "the database is read-only: connect to the primary server as a user who can write",
            "42501" => {
                "the database user lacks a privilege: grant it SELECT, INSERT, UPDATE and DELETE on the journal's tables"
            }
            "53100" => "the disk of the server is full: free space and try again",
            "53300" => "the server has no connection left: use fewer connections",
            "3F000" => "the schema of the search path does not exist: create it",
            "3D000" => "the database does not exist: create it",
            "28000" | "28P01" => "the server rejects the user or password",
            _ => return None,
        }),
    }
}

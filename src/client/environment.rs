//! The settings in environment variables.

use crate::error::{Error, ErrorKind};
use crate::transport::{Credentials, Variable};

/// Reads an environment variable. Only one that does not exist is unset.
pub(super) fn variable(name: &str) -> Result<Option<String>, Error> {
    let value = std::env::var_os(name).map(|value| value.into_string());
    value.transpose().map_err(|_| invalid_variable(name, "is not valid UTF-8"))
}

/// Returns a setting, or `None` if the variable is unset or empty.
pub(super) fn not_blank(name: &str, value: Result<Option<String>, Error>) -> Result<Option<String>, Error> {
    match value?.filter(|value| !value.is_empty()) {
        Some(value) if value.trim().is_empty() => Err(invalid_variable(name, "is blank")),
        value => Ok(value),
    }
}

/// Parses a setting that is on or off.
pub(super) fn switch(name: &str, value: Result<String, Error>) -> Result<bool, Error> {
    match value?.trim() {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(invalid_variable(name, "is neither `1` nor `0`")),
    }
}

fn invalid_variable(name: &str, why: &str) -> Error {
    let kind = if name.starts_with("FAL_KEY") { ErrorKind::Credentials } else { ErrorKind::Configuration };
    Error::new(kind, format!("the environment variable {name} {why}: correct it, or unset it"))
}

/// Reads the API key from the environment.
pub(super) fn key(variable: Variable<'_>) -> Result<Option<Credentials>, Error> {
    let set = |name: &str| Ok::<_, Error>(variable(name)?.filter(|value| !value.is_empty()));
    match set("FAL_KEY")? {
        Some(key) if key.trim().is_empty() => return Err(missing_key("FAL_KEY is blank: set it")),
        Some(key) => return Credentials::key(&key).map(Some),
        None => {}
    }
    let part = |name: &str| Ok::<_, Error>(set(name)?.filter(|value| !value.trim().is_empty()));
    match (part("FAL_KEY_ID")?, part("FAL_KEY_SECRET")?) {
        (Some(id), Some(secret)) => Credentials::key(&format!("{}:{}", id.trim(), secret.trim())).map(Some),
        (None, None) => Ok(None),
        _ => {
            let message = "incomplete API key: only one of FAL_KEY_ID and FAL_KEY_SECRET is set; set both, or FAL_KEY";
            Err(Error::new(ErrorKind::Credentials, message))
        }
    }
}

/// Creates the error of a client without an API key.
pub(super) fn missing_key(what_to_do: &str) -> Error {
    let message = format!(
        "missing API key: {what_to_do} and use `Client::from_env`, pass it to `Client::builder().key(…)`, or use \
         `.anonymous()` for public applications"
    );
    Error::new(ErrorKind::Credentials, message)
}

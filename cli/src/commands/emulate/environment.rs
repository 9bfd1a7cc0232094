//! The environment variables that lead clients to the emulator.

use std::borrow::Cow;
use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use fal_emulator::Emulator;
use tempfile::NamedTempFile;
use tokio::process::Command;

use crate::error::{Error, Exit};

/// The variable with the URL of the emulator, for programs that know of it.
const URL: &str = "FAL_EMULATOR_URL";

/// The variables that name certificates.
const CERTIFICATES: [&str; 6] =
    ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "DENO_CERT", "NODE_EXTRA_CA_CERTS"];

/// The way on which a client reaches the emulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Via {
    /// As the proxy of fal's real hosts. Any client, without a change
    Proxy,
    /// As the base URL of each host. fal-client for Rust
    Hosts,
}

/// The variables of a program.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    pub(crate) set: Vec<(&'static str, String)>,
    /// The variables that would lead requests elsewhere.
    remove: Vec<&'static str>,
}

impl Environment {
    /// Writes certificates to the folder, which has to live as long as the programs.
    pub(crate) fn new(via: Via, emulator: &Emulator, folder: &Path) -> Result<Self, Error> {
        let proxy = emulator.proxy_environment(folder).map_err(|error| Error::io("write", folder, &error))?;
        let url = (URL, emulator.base_url().to_owned());
        let (set, remove) = match via {
            Via::Proxy => (proxy.set, proxy.remove),
            Via::Hosts => {
                let is_needed = |name: &str| emulator.base_url().starts_with("https:") && CERTIFICATES.contains(&name);
                let certificates = proxy.set.into_iter().filter(|(name, _)| is_needed(name));
                (emulator.environment().into_iter().chain(certificates).collect(), Vec::new())
            }
        };
        let set = [url].into_iter().chain(set.into_iter().map(|(name, value)| (name, whole(name, value)))).collect();
        Ok(Environment { set, remove })
    }

    /// Returns the commands of a shell, with a line each.
    pub(crate) fn exports(&self) -> Vec<String> {
        let is_set = |name: &&&str| env::var_os(name).is_some();
        let removed = self.remove.iter().filter(is_set).map(|name| match cfg!(windows) {
            true => format!("Remove-Item Env:{name}"),
            false => format!("unset {name}"),
        });
        removed.chain(self.set.iter().map(|(name, value)| export(name, value))).collect()
    }

    /// Sets the variables of a command.
    pub(crate) fn apply(&self, command: &mut Command) {
        for name in &self.remove {
            command.env_remove(name);
        }
        command.envs(self.set.iter().map(|(name, value)| (*name, value)));
    }
}

/// Returns the whole value of a variable. Options of Node.js are added to those of the user.
fn whole(name: &str, value: String) -> String {
    match env::var(name).ok().filter(|current| name == "NODE_OPTIONS" && !current.is_empty()) {
        Some(current) => format!("{current} {value}"),
        None => value,
    }
}

/// Returns the command of a shell that sets a variable.
fn export(name: &str, value: &str) -> String {
    match cfg!(windows) {
        true => format!("$env:{name} = '{}'", value.replace('\'', "''")),
        false => format!("export {name}={}", quoted(value)),
    }
}

/// Quotes a value for a shell, if it has to be.
fn quoted(value: &str) -> Cow<'_, str> {
    match is_plain(value) {
        true => value.into(),
        false => format!("'{}'", value.replace('\'', r"'\''")).into(),
    }
}

/// Returns true if a value means the same to a shell with and without quotes.
fn is_plain(value: &str) -> bool {
    value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.,:/@+%=".contains(c))
}

/// Returns true if a value means the same to a shell that reads a file. It expands no patterns there, which `NO_PROXY` may have.
fn is_plain_in_file(value: &str) -> bool {
    is_plain(&value.replace(['*', '[', ']'], ""))
}

/// A file of variables, which is removed at the end. It exists while the emulator listens.
#[derive(Debug)]
pub(crate) struct EnvironmentFile {
    path: PathBuf,
    contents: String,
}

impl EnvironmentFile {
    /// Removes the file of an emulator that was killed, because a file says that the emulator listens.
    ///
    /// # Errors
    ///
    /// The file is of something else.
    pub(crate) fn prepare(path: &Path) -> Result<(), Error> {
        let contents = match fs::read(path) {
            Ok(contents) => contents,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::io("read", path, &error)),
        };
        if !contents.is_empty() && !contents.starts_with(format!("{URL}=").as_bytes()) {
            let message = format!("--env-file: `{}` exists, and is not a file of this command", path.display());
            return Err(Error::new(Exit::Usage, message).help("choose another file"));
        }
        fs::remove_file(path).map_err(|error| Error::io("replace", path, &error))
    }

    /// Writes the variables, as lines `NAME=value` without quotes. Readers see the whole file or none.
    ///
    /// # Errors
    ///
    /// A shell would read a value without quotes as something else, or the file cannot be written.
    pub(crate) fn write(path: &Path, environment: &Environment) -> Result<Self, Error> {
        let mut contents = String::new();
        for (name, value) in &environment.set {
            // On Windows, paths have other characters, and files of variables are not read by a shell.
            if value.contains(['\n', '\r']) || (cfg!(unix) && !is_plain_in_file(value)) {
                let message = format!("--env-file: the value of {name} has characters that need quotes");
                return Err(Error::new(Exit::Usage, message).help(
                    "programs read the file in different ways: choose a \
                     value of letters, digits and `-_.,:/@+%=`",
                ));
            }
            contents.push_str(&format!("{name}={value}\n"));
        }
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let written = NamedTempFile::new_in(folder).and_then(|mut file| {
            file.write_all(contents.as_bytes())?;
            file.persist(path).map_err(|error| error.error)
        });
        written.map_err(|error| Error::io("write", path, &error))?;
        Ok(EnvironmentFile { path: path.to_owned(), contents })
    }
}

impl Drop for EnvironmentFile {
    fn drop(&mut self) {
        // Another emulator may have replaced it.
        if fs::read_to_string(&self.path).is_ok_and(|contents| contents == self.contents) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_where_a_shell_needs_it() {
        assert_eq!(quoted("http://127.0.0.1:8787/fal.run"), "http://127.0.0.1:8787/fal.run");
        assert_eq!(quoted("id:it's"), r"'id:it'\''s'");
        assert_eq!(quoted("$(date)"), "'$(date)'");
    }

    fn environment(name: &'static str, value: &str) -> Environment {
        Environment { set: vec![(name, value.to_owned())], remove: Vec::new() }
    }

    #[test]
    fn files_of_others_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        fs::write(&path, "SECRET=1\n").unwrap();
        assert!(EnvironmentFile::prepare(&path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "SECRET=1\n");
    }

    #[test]
    fn file_is_removed_unless_another_emulator_has_replaced_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fal.env");
        EnvironmentFile::prepare(&path).unwrap();
        let first = EnvironmentFile::write(&path, &environment(URL, "http://127.0.0.1:1")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "FAL_EMULATOR_URL=http://127.0.0.1:1\n");
        EnvironmentFile::prepare(&path).unwrap();
        assert!(!path.exists());
        let second = EnvironmentFile::write(&path, &environment(URL, "http://127.0.0.1:2")).unwrap();
        drop(first);
        assert!(path.exists());
        drop(second);
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn values_that_need_quotes_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fal.env");
        for value in ["it's", "a b", "$(date)", "a\nB=1"] {
            assert!(EnvironmentFile::write(&path, &environment("FAL_KEY", value)).is_err(), "{value}");
        }
        assert!(!path.exists());
    }
}

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fal_jobs::{ErrorKind, Journal, JournalBuilder};

use crate::error::{Error, Exit};
use crate::settings::Settings;

/// The folder of a project's journal.
const FOLDER: &str = ".fal";

/// The name of a default journal.
const FILE: &str = "journal.db";

/// The time after which another command continues the job of one that was killed. A user waits for it.
const LEASE: Duration = Duration::from_secs(5);

/// Starts a journal with the settings of the tool.
pub(super) fn journal_builder() -> JournalBuilder {
    Journal::builder().lease(LEASE)
}

/// Opens the journal, and creates it if it is missing.
///
/// # Errors
///
/// The database cannot be opened.
pub(crate) async fn journal(settings: &Settings) -> Result<Journal, Error> {
    open(journal_builder(), settings).await
}

/// Opens the journal of the settings with a builder.
pub(super) async fn open(builder: JournalBuilder, settings: &Settings) -> Result<Journal, Error> {
    builder.open(journal_url(settings)?).await.map_err(|error| match error.kind() {
        ErrorKind::Configuration => Error::of_job(&error).help("correct `journal` in fal.toml"),
        _ => error.into(),
    })
}

/// Returns the URL of the journal: the setting `journal`, or else a SQLite file in the [`data_folder`].
fn journal_url(settings: &Settings) -> Result<String, Error> {
    if let Some(url) = &settings.journal {
        return Ok(url.clone());
    }
    Ok(url_of(&data_folder(settings)?.join(FILE)))
}

/// Returns the folder of the tool's data, which it creates: `.fal` of the project, or else one in the user's data folder.
pub(crate) fn data_folder(settings: &Settings) -> Result<PathBuf, Error> {
    let folder = folder(settings)?;
    fs::create_dir_all(&folder).map_err(|error| Error::io("create the folder", &folder, &error))?;
    if settings.project.is_some() {
        ignore_in_git(&folder)?;
    }
    Ok(folder)
}

/// Returns the URL of a SQLite file. Some characters have a meaning in URLs.
fn url_of(file: &Path) -> String {
    let path = file.display().to_string();
    format!("sqlite://{}", path.replace('%', "%25").replace('?', "%3F").replace('#', "%23"))
}

/// Returns the URL of the journal, or `None` if its SQLite file does not exist.
pub(crate) fn existing_journal(settings: &Settings) -> Result<Option<String>, Error> {
    match &settings.journal {
        Some(url) => {
            let file = url.strip_prefix("sqlite://").filter(|rest| !rest.contains(['?', '%']));
            Ok(Some(url.clone()).filter(|_| file.is_none_or(|file| Path::new(file).exists())))
        }
        None => {
            let file = folder(settings)?.join(FILE);
            Ok(file.exists().then(|| url_of(&file)))
        }
    }
}

/// Returns the folder of the tool's data.
fn folder(settings: &Settings) -> Result<PathBuf, Error> {
    match &settings.project {
        Some(project) => Ok(project.join(FOLDER)),
        None => Ok(user_folder()?.join("fal")),
    }
}

/// Excludes the folder from the project's repository, because prompts and results are not source code.
fn ignore_in_git(folder: &Path) -> Result<(), Error> {
    let file = folder.join(".gitignore");
    if file.exists() {
        return Ok(());
    }
    fs::write(&file, "*\n").map_err(|error| Error::io("write", &file, &error))
}

/// Returns the folder for data of the user's programs.
fn user_folder() -> Result<PathBuf, Error> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("XDG_DATA_HOME")
        .or_else(|| variable("LOCALAPPDATA"))
        .or_else(|| std::env::home_dir().map(|home| home.join(".local/share")))
        .ok_or_else(|| {
            Error::new(Exit::Usage, "the user has no home folder for the journal")
                .help("set `journal` in fal.toml, such as `journal = \"sqlite://jobs.db\"`")
        })
}

use std::fs;
use std::path::{Path, PathBuf};

use fal_jobs::Journal;

use crate::error::{Error, Exit};
use crate::settings::Settings;

/// The folder of a project's journal.
const FOLDER: &str = ".fal";

/// The database of a default journal.
const FILE: &str = "journal.db";

/// Opens the journal, and creates it if it is missing.
///
/// # Errors
///
/// The database cannot be opened.
pub(crate) async fn journal(settings: &Settings) -> Result<Journal, Error> {
    let url = journal_url(settings)?;
    Ok(Journal::open(url).await?)
}

/// Returns the URL of the journal: the setting `journal`, or else a SQLite file in `.fal` of the project, or else in the
/// user's data folder. Creates the folder of a default file.
pub(crate) fn journal_url(settings: &Settings) -> Result<String, Error> {
    if let Some(url) = &settings.journal {
        return Ok(url.clone());
    }
    let folder = folder(settings)?;
    fs::create_dir_all(&folder).map_err(|error| Error::io("create the folder", &folder, &error))?;
    if settings.project.is_some() {
        ignore_in_git(&folder)?;
    }
    Ok(format!("sqlite://{}", folder.join(FILE).display()))
}

/// Opens the journal, if there is one.
///
/// # Errors
///
/// The database cannot be opened.
pub(crate) async fn existing_journal(settings: &Settings) -> Result<Option<Journal>, Error> {
    match settings.journal.is_some() || folder(settings).is_ok_and(|folder| folder.join(FILE).is_file()) {
        true => journal(settings).await.map(Some),
        false => Ok(None),
    }
}

/// Returns the folder of a default journal.
fn folder(settings: &Settings) -> Result<PathBuf, Error> {
    match &settings.project {
        Some(project) => Ok(project.join(FOLDER)),
        None => Ok(data_folder()?.join("fal")),
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
fn data_folder() -> Result<PathBuf, Error> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("XDG_DATA_HOME")
        .or_else(|| variable("LOCALAPPDATA"))
        .or_else(|| std::env::home_dir().map(|home| home.join(".local/share")))
        .ok_or_else(|| {
            Error::new(Exit::Usage, "the user has no home folder for the journal")
                .help("set `journal` in fal.toml, such as `journal = \"sqlite://jobs.db\"`")
        })
}

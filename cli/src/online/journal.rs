use std::fs;
use std::path::{Path, PathBuf};

use fal_jobs::Journal;

use crate::error::{Error, Exit};
use crate::settings::Settings;

/// The folder of a project's journal.
const FOLDER: &str = ".fal";

/// Opens the journal, and creates it if it is missing.
///
/// # Errors
///
/// The database cannot be opened.
pub(crate) async fn journal(settings: &Settings) -> Result<Journal, Error> {
    let url = journal_url(settings)?;
    Ok(Journal::open(url).await?)
}

/// Returns the URL of the journal: the setting `journal`, or else a SQLite file in the [`data_folder`].
pub(crate) fn journal_url(settings: &Settings) -> Result<String, Error> {
    if let Some(url) = &settings.journal {
        return Ok(url.clone());
    }
    let folder = data_folder(settings)?;
    Ok(format!("sqlite://{}", folder.join("journal.db").display()))
}

/// Returns the folder of the tool's data, which it creates: `.fal` of the project, or else one in the user's data folder.
pub(crate) fn data_folder(settings: &Settings) -> Result<PathBuf, Error> {
    let folder = match &settings.project {
        Some(project) => project.join(FOLDER),
        None => user_folder()?.join("fal"),
    };
    fs::create_dir_all(&folder).map_err(|error| Error::io("create the folder", &folder, &error))?;
    if settings.project.is_some() {
        ignore_in_git(&folder)?;
    }
    Ok(folder)
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

//! The local files that tools may use.

use std::fs;
use std::path::{Component, Path, PathBuf};

use fal_documents::text::quoted;
use url::Url;

use crate::error::{Error, Exit};

/// The folders whose files may be uploaded. A client acts on the words of a model, so everything else is refused.
#[derive(Debug)]
pub(super) struct Folders {
    /// The folders, without symbolic links. The last one has the results.
    folders: Vec<PathBuf>,
}

impl Folders {
    /// Finds the folders, and creates that of the results.
    ///
    /// # Errors
    ///
    /// A folder does not exist, or that of the results cannot be created.
    pub(super) fn new(allowed: &[PathBuf], out: &Path) -> Result<Self, Error> {
        fs::create_dir_all(out).map_err(|error| {
            Error::io("create the folder", out, &error).help("choose another folder for results with `--out`")
        })?;
        let mut folders = Vec::new();
        for folder in allowed.iter().map(PathBuf::as_path).chain([out]) {
            let real = fs::canonicalize(folder).map_err(|error| Error::io("read the folder", folder, &error))?;
            if !real.is_dir() {
                let message = format!("`{}` is not a folder", folder.display());
                return Err(Error::new(Exit::Usage, message).help("`--allow-folder` and `--out` are folders"));
            }
            folders.push(real);
        }
        Ok(Folders { folders })
    }

    /// Returns the folder of the results.
    pub(super) fn out(&self) -> &Path {
        self.folders.last().map_or(Path::new(""), PathBuf::as_path)
    }

    /// Returns the real path of a file that a client names: by a path, or by a `file` URI.
    ///
    /// # Errors
    ///
    /// No allowed folder has such a file. The error does not say whether another folder has it.
    pub(super) fn file(&self, name: &str) -> Result<PathBuf, String> {
        let path = match Url::parse(name) {
            Ok(url) if url.scheme() == "file" => url.to_file_path().unwrap_or_default(),
            _ => PathBuf::from(name.strip_prefix('@').unwrap_or(name)),
        };
        // An absolute path replaces the folder that it is joined to.
        let candidates = [Path::new("")].into_iter().chain(self.folders.iter().map(PathBuf::as_path));
        let file = candidates.filter_map(|folder| self.allowed(&folder.join(&path))).next();
        file.ok_or_else(|| {
            let folders: Vec<String> = self.folders.iter().map(|folder| format!("`{}`", folder.display())).collect();
            format!(
                "no file {} in the allowed folders. Allowed are files in {}, without those whose names begin with a dot. \
                 The user can allow other folders with `--allow-folder`",
                quoted(name),
                folders.join(" and ")
            )
        })
    }

    /// Resolves symbolic links, and returns the path if it is that of a file in an allowed folder.
    fn allowed(&self, path: &Path) -> Option<PathBuf> {
        let real = fs::canonicalize(path).ok()?;
        let is_in = |folder: &PathBuf| real.strip_prefix(folder).is_ok_and(|inner| !has_hidden(inner));
        // A pipe or a device would block.
        (self.folders.iter().any(is_in) && fs::metadata(&real).ok()?.is_file()).then_some(real)
    }
}

/// Returns true for files such as `.env` and `.git/config`, which have secrets.
fn has_hidden(path: &Path) -> bool {
    path.components().any(|part| match part {
        Component::Normal(name) => name.to_string_lossy().starts_with('.'),
        _ => true,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_visible_files_in_allowed_folders_are_used() {
        let outer = tempfile::tempdir().unwrap();
        let path = |name: &str| outer.path().join(name);
        for folder in ["pictures/deep", "pictures/.git", "pictures-private", "out"] {
            fs::create_dir_all(path(folder)).unwrap();
        }
        for file in ["a.png", "pictures/a b.png", "pictures/deep/b.png", "pictures/.env", "pictures/.git/config"] {
            fs::write(path(file), "x").unwrap();
        }
        fs::write(path("pictures-private/c.png"), "x").unwrap();
        fs::write(path("out/d.png"), "x").unwrap();
        let folders = Folders::new(&[path("pictures")], &path("out")).unwrap();
        let absolute = |name: &str| path(name).display().to_string();
        for name in [
            absolute("pictures/a b.png"),
            absolute("pictures/deep/../a b.png"),
            "a b.png".to_owned(),
            "@deep/b.png".to_owned(),
            "d.png".to_owned(),
            Url::from_file_path(path("pictures/a b.png")).unwrap().to_string(),
        ] {
            assert!(folders.file(&name).is_ok(), "{name}");
        }
        let mut refused = vec![
            absolute("a.png"),
            absolute("pictures/../a.png"),
            absolute("pictures-private/c.png"),
            absolute("pictures/.env"),
            absolute("pictures/.git/config"),
            absolute("pictures"),
            absolute("pictures/missing.png"),
            "../a.png".to_owned(),
            "/etc/passwd".to_owned(),
            "file:///etc/passwd".to_owned(),
            "file://host/etc/passwd".to_owned(),
            "~/.ssh/id_rsa".to_owned(),
            String::new(),
            "\0".to_owned(),
            "a".repeat(100_000),
        ];
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(path("a.png"), path("pictures/link.png")).unwrap();
            std::os::unix::fs::symlink(path("pictures-private"), path("pictures/private")).unwrap();
            refused.extend([absolute("pictures/link.png"), absolute("pictures/private/c.png"), "/dev/zero".to_owned()]);
        }
        for name in refused {
            let error = folders.file(&name).unwrap_err();
            assert!(error.contains("--allow-folder") && error.len() < 2000, "{name}: {error}");
        }
    }
}

//! The files of new documents.

use std::fs;

use super::Folder;
use crate::error::{Error, Exit};

impl Folder {
    /// Returns the path in the folder for the document of an endpoint: its id, with `.json`.
    ///
    /// # Errors
    ///
    /// The path would not be read as a document, is another one's, or differs from another one only in case.
    pub(super) fn place(&self, id: &str) -> Result<String, Error> {
        let path = format!("{id}.json");
        let refused =
            |reason: String| Err(Error::new(Exit::Failed, format!("no place for the document of `{id}`: {reason}")));
        if !fal_documents::is_id(id) {
            return refused("it is not the id of an endpoint".to_owned());
        }
        if path.ends_with(".patch.json") {
            let file = self.path.join(&path);
            return refused(format!("`{}` would be a patch; save the document under another name", file.display()));
        }
        for (lower, prefix) in prefixes(&path) {
            if let Some(other) = self.names.get(&lower).filter(|other| *other != prefix) {
                return refused(format!(
                    "`{prefix}` and `{other}` differ only in case, which some file systems ignore"
                ));
            }
            let file = self.path.join(prefix);
            // Links to folders are not read.
            let is_link = prefix != path && fs::symlink_metadata(&file).is_ok_and(|metadata| metadata.is_symlink());
            if is_link {
                return refused(format!(
                    "`{}` is a link, and the generator does not follow links to folders",
                    file.display()
                ));
            }
        }
        if self.files.contains_key(&path) && !self.invalid.contains_key(&path) {
            return refused(format!("`{}` has another document; rename that file", self.path.join(&path).display()));
        }
        Ok(path)
    }
}

/// Returns each prefix of a path, in lower case and as it is.
pub(super) fn prefixes(path: &str) -> impl Iterator<Item = (String, &str)> {
    let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
    ends.map(|end| (path[..end].to_lowercase(), &path[..end]))
}

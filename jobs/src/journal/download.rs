use fal_client::Client;

use super::Journal;
use crate::error::Error;
use crate::files::{self, Target};
use crate::record::Record;
use crate::saved_file::SavedFile;

impl Journal {
    /// Saves the files of a completed job's output into a folder, or to the writers of a [`Target`], and records them. Returns
    /// them in the order of the output.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_jobs::Journal;
    ///
    /// let journal = Journal::open("sqlite://jobs.db").await?;
    /// for file in journal.download(&client, "fox-1", "foxes").await? {
    ///     println!("{}: {} bytes in {:?}", file.path, file.size, file.file_name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// It can be repeated: files that are there already are kept, and the others are received.
    ///
    /// # Errors
    ///
    /// - The journal does not have the job ([`ErrorKind::NotFound`]), the job is not completed ([`ErrorKind::State`]), or its output was
    ///   removed ([`ErrorKind::Output`]).
    /// - A file cannot be received or written ([`ErrorKind::File`]), for example because fal has deleted it after the account's
    ///   retention time. The others are saved and recorded.
    ///
    /// [`ErrorKind::NotFound`]: crate::ErrorKind::NotFound
    /// [`ErrorKind::State`]: crate::ErrorKind::State
    /// [`ErrorKind::Output`]: crate::ErrorKind::Output
    /// [`ErrorKind::File`]: crate::ErrorKind::File
    pub async fn download(
        &self,
        client: &Client,
        key: impl AsRef<str>,
        target: impl Into<Target>,
    ) -> Result<Vec<SavedFile>, Error> {
        let (key, target) = (key.as_ref(), target.into());
        let record = self.existing(key).await?;
        files::save_media(self.store(), client, &record, &target).await
    }

    /// Saves the files of a completed job's output, and returns the job with the saved files.
    pub(crate) async fn save_media(&self, client: &Client, record: &Record, target: &Target) -> Result<Record, Error> {
        files::save_media(self.store(), client, record, target).await?;
        self.existing(&record.key).await
    }
}

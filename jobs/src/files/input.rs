//! The files of an input: hashed for the key, and uploaded only if the job is sent.

use std::sync::{Arc, Mutex, PoisonError};

use fal_client::{Client, EndpointInput, FileInput, OpenFile, TransferProgress};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::uploads::Uploads;
use crate::error::{Error, ErrorKind};
use crate::key::{canonical, hash};

/// A callback for the progress of uploads, with the field of a file.
pub(crate) type OnUpload = Box<dyn FnMut(&str, TransferProgress) + Send>;

/// Files that are hashed, or uploaded, concurrently.
const PARALLEL_FILES: usize = 4;

/// An input that was checked, and whose files are hashed.
pub(crate) struct Prepared<I> {
    client: Client,
    /// The input, with a placeholder for each local file.
    input: I,
    files: Vec<LocalFile>,
    /// The input as canonical JSON. A local file counts by its bytes, and neither by its name nor by its media type.
    pub(crate) canonical: String,
    /// The SHA-256 of the canonical JSON.
    pub(crate) hash: String,
}

/// A file that is not a remote URL.
struct LocalFile {
    field: String,
    /// The file: a data URI, the caller's file, or the URL of its upload.
    file: FileInput,
    /// Takes the file's place in the input. The name tells files of equal bytes apart, and is not serialized.
    placeholder: FileInput,
    /// The file, if it is still to be uploaded.
    open: Option<OpenFile>,
}

impl<I: EndpointInput> Prepared<I> {
    /// Checks an input, and hashes its files as streams.
    pub(crate) async fn new(client: &Client, mut input: I) -> Result<Self, Error> {
        let invalid = |error| Error::new(ErrorKind::Input, "invalid input").caused_by(error);
        client.check_input(&input).await.map_err(invalid)?;
        let mut files: Vec<(String, FileInput)> = Vec::new();
        input.visit_files(&mut |field, file| {
            if is_local(file) && files.iter().all(|(_, known)| known != file) {
                files.push((field.to_owned(), file.clone()));
            }
        });
        let opened = files.into_iter().enumerate().map(|(index, (field, file))| async move {
            let open = client.storage().open(file.clone()).await.map_err(|error| unreadable(&field, error))?;
            let placeholder = FileInput::url(format!("sha256:{}", open.sha256())).name(index.to_string());
            let open = Some(open).filter(|_| file.as_url().is_none());
            Ok::<_, Error>(LocalFile { field, file, placeholder, open })
        });
        let files: Vec<LocalFile> = stream::iter(opened).buffered(PARALLEL_FILES).try_collect().await?;
        input.visit_files(&mut |_, file| {
            if let Some(local) = files.iter().find(|local| local.file == *file) {
                *file = local.placeholder.clone();
            }
        });
        let canonical = canonical(&serialized(&input)?)
            .map_err(|error| Error::new(ErrorKind::Input, "cannot read the serialized input").caused_by(error))?;
        let hash = hash(&canonical);
        Ok(Prepared { client: client.clone(), input, files, canonical, hash })
    }

    /// Returns the input as it is sent, if no file has to be uploaded.
    pub(crate) fn without_uploads(&mut self) -> Result<Option<String>, Error> {
        let is_complete = self.files.iter().all(|file| file.open.is_none());
        is_complete.then(|| self.serialize()).transpose()
    }

    /// Uploads the files, unless the journal has a URL for them, and returns the input as it is sent.
    pub(crate) async fn request(&mut self, uploads: &Uploads, on_upload: Option<OnUpload>) -> Result<String, Error> {
        let on_upload = on_upload.map(|call| Arc::new(Mutex::new(call)));
        let client = &self.client;
        let opened = self.files.iter_mut().enumerate();
        let opened: Vec<_> =
            opened.filter_map(|(index, file)| Some((index, file.field.clone(), file.open.take()?))).collect();
        let opened = opened.into_iter().map(|(index, field, open)| {
            let (Some(on_upload), of) = (on_upload.clone(), field.clone()) else { return (index, field, open) };
            let open = open.on_progress(move |progress| {
                let mut call = on_upload.lock().unwrap_or_else(PoisonError::into_inner);
                call(&of, progress);
            });
            (index, field, open)
        });
        let urls = opened.map(|(index, field, open)| async move {
            Ok::<_, Error>((index, uploads.url(client, open, &field).await?))
        });
        let urls: Vec<(usize, String)> = stream::iter(urls).buffer_unordered(PARALLEL_FILES).try_collect().await?;
        for (index, url) in urls {
            self.files[index].file = FileInput::url(url);
        }
        self.serialize()
    }

    fn serialize(&mut self) -> Result<String, Error> {
        let files = &self.files;
        self.input.visit_files(&mut |_, file| {
            if let Some(local) = files.iter().find(|local| local.placeholder == *file) {
                *file = local.file.clone();
            }
        });
        serialized(&self.input)
    }
}

fn serialized(input: &impl EndpointInput) -> Result<String, Error> {
    serde_json::to_string(input)
        .map_err(|error| Error::new(ErrorKind::Input, "cannot serialize the input").caused_by(error))
}

/// Returns true for files whose bytes are here: everything but remote URLs.
fn is_local(file: &FileInput) -> bool {
    file.as_url().is_none_or(|url| url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")))
}

fn unreadable(field: &str, error: fal_client::Error) -> Error {
    let message = format!("cannot read the file of the field `{field}`; nothing was sent");
    Error::new(ErrorKind::Input, message).caused_by(error)
}

//! Saves the files of an output.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::Path;

use fal_client::{Client, Media, MediaFile};
use futures_util::stream::{self, StreamExt};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tracing::debug;

use super::part::Part;
use super::target::{OutputFile, Place, Target};
use crate::error::{Error, ErrorKind};
use crate::key::hexadecimal;
use crate::record::Record;
use crate::saved_file::SavedFile;
use crate::state::{Event, State};
use crate::store::Store;

/// Bytes of a local file that are read in one piece.
const BUFFER: usize = 256 << 10;

/// Maximum length of a file's extension.
const MAX_EXTENSION: usize = 16;

/// Saves the files of a completed job's output, and records them. Returns them in the order of the output.
///
/// # Errors
///
/// The job is not completed ([`ErrorKind::State`]), its output was removed ([`ErrorKind::Output`]), or a file cannot be saved
/// ([`ErrorKind::File`]). In the last case the other files are saved and recorded, and another call continues with the rest.
pub(crate) async fn save_media(
    store: &Store,
    client: &Client,
    record: &Record,
    target: &Target,
) -> Result<Vec<SavedFile>, Error> {
    if record.state != State::Completed {
        let message = format!("the job is {}: only the files of completed jobs can be saved", record.state);
        return Err(Error::new(ErrorKind::State, message).of(&record.key));
    }
    let output = record.output.as_ref().ok_or_else(|| output_removed(record))?;
    let media = media(output).map_err(|error| {
        Error::new(ErrorKind::State, "the recorded output is not JSON").caused_by(error).of(&record.key)
    })?;
    if record.files.is_none() {
        // Another call continues from here on.
        store.apply(&record.key, &Event::Save { files: Vec::new() }).await?;
    }
    let paths: Vec<String> = media.iter().map(|file| file.path.clone()).collect();

    let known: HashMap<String, SavedFile> = record.files().into_iter().map(|file| (file.path.clone(), file)).collect();
    let known = &known;
    let saving = media.into_iter().map(|file| async move {
        let path = file.path.clone();
        // The semaphore is never closed.
        let _permit = target.permits.acquire().await.ok();
        match save(client, record, file, known.get(&path), target).await {
            Ok(saved) => {
                debug!(target: "fal_jobs", key = &record.key, path, "saved");
                Ok(saved)
            }
            Err(error) => Err((path, error)),
        }
    });
    let mut saving = stream::iter(saving).buffer_unordered(target.parallel_files);
    let (mut saved, mut failed) = (known.clone(), HashMap::new());
    let mut unrecorded = Vec::new();
    while let Some(done) = saving.next().await {
        match done {
            Ok(file) if known.get(&file.path) == Some(&file) => {}
            Ok(file) => {
                saved.insert(file.path.clone(), file.clone());
                unrecorded.push(file);
            }
            Err((path, error)) => drop(failed.insert(path, error)),
        }
        // Each record rewrites the whole column, so that the files of a large output are recorded in growing groups.
        if unrecorded.len() * 4 > saved.len() {
            keep(store, record, &mut unrecorded).await?;
        }
    }
    drop(saving);
    keep(store, record, &mut unrecorded).await?;
    if let Some(path) = paths.iter().find(|path| failed.contains_key(*path)) {
        let (count, total) = (failed.len(), paths.len());
        let Some(first) = failed.remove(path) else { return Ok(Vec::new()) };
        let message = format!("{count} of {total} files of the output cannot be saved; the first is `{path}`");
        return Err(Error::new(ErrorKind::File, message).caused_by(first).of(&record.key));
    }
    Ok(paths.iter().filter_map(|path| saved.remove(path)).collect())
}

/// Returns the error of a completed job without an output.
pub(crate) fn output_removed(record: &Record) -> Error {
    Error::new(ErrorKind::Output, "the output was removed from the journal").of(&record.key)
}

/// Returns true if a call has begun to save the files of a job's output, and has not finished.
pub(crate) fn lacks_files(record: &Record) -> bool {
    let media = record.output.as_deref().and_then(|output| media(output).ok()).unwrap_or_default();
    record.files.is_some() && record.files().len() < media.len()
}

fn media(output: &str) -> Result<Vec<MediaFile>, serde_json::Error> {
    serde_json::from_str(output).map(|output: Value| output.media())
}

/// Records files that were saved.
async fn keep(store: &Store, record: &Record, files: &mut Vec<SavedFile>) -> Result<(), Error> {
    if files.is_empty() {
        return Ok(());
    }
    store.apply(&record.key, &Event::Save { files: std::mem::take(files) }).await.map(drop)
}

async fn save(
    client: &Client,
    record: &Record,
    file: MediaFile,
    known: Option<&SavedFile>,
    target: &Target,
) -> Result<SavedFile, Failure> {
    let url = shortened(&file.url);
    let known = known.filter(|known| known.url == url);
    match &target.place {
        Place::Folder { path: folder, name: by } => {
            if let Some(known) = known
                && is_there(folder, known).await
            {
                return Ok(known.clone());
            }
            let unwritable = |error| Failure::folder(folder, error);
            let mut incoming = client.open_media(&file).await?;
            tokio::fs::create_dir_all(folder).await.map_err(unwritable)?;
            let mut part = Part::create(folder, &file.url).await.map_err(unwritable)?;
            let mut bytes = Bytes::default();
            while let Some(piece) = incoming.next().await? {
                bytes.update(&piece);
                part.writer().write_all(&piece).await.map_err(unwritable)?;
            }
            let output = OutputFile { key: record.key.clone(), media: file.clone(), file_name: incoming.file_name() };
            let mut saved = bytes.saved(file, url, None, incoming.content_type());
            let name = match by {
                Some(by) => by(&output, &saved.sha256),
                None => format!("{}{}", saved.sha256, extension(&output.file_name)),
            };
            if !is_plain(&name) {
                return Err(unwritable(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "the name is not a plain file name",
                )));
            }
            part.save_as(&name).await.map_err(unwritable)?;
            saved.file_name = Some(name);
            Ok(saved)
        }
        Place::Writers(open) => {
            if let Some(known) = known.filter(|known| known.file_name.is_none()) {
                return Ok(known.clone());
            }
            let mut incoming = client.open_media(&file).await?;
            let output = OutputFile { key: record.key.clone(), media: file.clone(), file_name: incoming.file_name() };
            let mut writer = open(output).await.map_err(Failure::writer)?;
            let mut bytes = Bytes::default();
            while let Some(piece) = incoming.next().await? {
                bytes.update(&piece);
                writer.write_all(&piece).await.map_err(Failure::writer)?;
            }
            writer.shutdown().await.map_err(Failure::writer)?;
            Ok(bytes.saved(file, url, None, incoming.content_type()))
        }
    }
}

/// Returns true if a folder has a file with its bytes.
async fn is_there(folder: &Path, known: &SavedFile) -> bool {
    let Some(name) = known.file_name.as_ref().filter(|name| is_plain(name)) else { return false };
    let read = async {
        let mut file = File::open(folder.join(name)).await?;
        if !file.metadata().await?.is_file() || file.metadata().await?.len() != known.size {
            return Ok(false);
        }
        let (mut buffer, mut bytes) = (vec![0; BUFFER], Bytes::default());
        loop {
            match file.read(&mut buffer).await? {
                0 => return Ok::<_, io::Error>(hexadecimal(bytes.hash) == known.sha256),
                read => bytes.update(&buffer[..read]),
            }
        }
    };
    read.await.unwrap_or(false)
}

/// The bytes that were received so far.
#[derive(Default)]
struct Bytes {
    hash: Sha256,
    size: u64,
}

impl Bytes {
    fn update(&mut self, piece: &[u8]) {
        self.hash.update(piece);
        self.size += piece.len() as u64;
    }

    fn saved(self, file: MediaFile, url: String, file_name: Option<String>, found: Option<&str>) -> SavedFile {
        SavedFile {
            path: file.path,
            url,
            file_name,
            sha256: hexadecimal(self.hash),
            size: self.size,
            content_type: found.map(str::to_owned).or(file.content_type),
        }
    }
}

/// Returns true if a name leads to a file of a folder itself.
fn is_plain(name: &str) -> bool {
    Path::new(name).file_name().is_some_and(|file| file == name) && !name.contains(['/', '\\', ':'])
}

/// Returns the extension of a name with its dot, or nothing if it is not a plain one.
fn extension(name: &str) -> String {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let is_plain = extension.len() <= MAX_EXTENSION && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match is_plain && !extension.is_empty() {
        true => format!(".{}", extension.to_ascii_lowercase()),
        false => String::new(),
    }
}

/// Removes the bytes of a data URI.
fn shortened(url: &str) -> String {
    let is_data = url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
    match url.split_once(',').filter(|_| is_data) {
        Some((head, _)) => format!("{head},"),
        None => url.to_owned(),
    }
}

/// The reason why a file was not saved.
#[derive(Debug)]
struct Failure {
    message: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl Failure {
    fn folder(folder: &Path, error: io::Error) -> Self {
        Failure { message: format!("cannot write to the folder {}", folder.display()), source: error.into() }
    }

    fn writer(error: io::Error) -> Self {
        Failure { message: "cannot write to the file's writer".to_owned(), source: error.into() }
    }
}

impl From<fal_client::Error> for Failure {
    fn from(error: fal_client::Error) -> Self {
        let message = match error.status().map(|status| status.as_u16()) {
            Some(403 | 404 | 410) => {
                "the file is not at its URL any more: fal deletes the files of outputs after the account's retention time, \
                 so save them earlier, and run the job under another key to make it again"
            }
            _ => "cannot download the file: download the files of the job again",
        };
        Failure { message: message.to_owned(), source: error.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.message, self.source)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::error::DocumentError;
use crate::hex::hex;
use crate::record::records::{Record, RecordedBody, RecordedFile, VERSION};

/// The subfolder of bodies that have a file of their own.
const FILES: &str = "files";
/// The most bytes of a record, and of all records.
const MAX_RECORD_BYTES: u64 = 256 << 20;
const MAX_BYTES: u64 = 1 << 30;
/// The most records of a folder.
const MAX_RECORDS: usize = 100_000;
/// The most bytes of a body that has a file of its own.
pub(super) const MAX_FILE_BYTES: u64 = 4 << 30;

/// A folder of records.
///
/// A file is written under a temporary name first. So a crash leaves no half file under a name that is read.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

/// A record with the name of its file.
pub(crate) type NamedRecord = (String, Record);

/// A file that is being written.
pub(super) struct Draft {
    file: NamedTempFile,
    hash: Sha256,
    size: u64,
}

impl Folder {
    /// Returns an empty folder, which is created if it does not exist.
    pub(crate) fn create(path: &Path) -> Result<Self, DocumentError> {
        let error = |reason: String| DocumentError::new(path.display().to_string(), reason);
        fs::create_dir_all(path.join(FILES)).map_err(|source| error(format!("cannot create the folder: {source}")))?;
        let folder = Folder(path.to_owned());
        let names = folder.names().map_err(|source| error(format!("cannot read the folder: {source}")))?;
        match names.first() {
            Some(name) => Err(error(format!("the folder has records, such as {name}; remove it, or choose another"))),
            None => Ok(folder),
        }
    }

    /// Returns the records of a folder, sorted by name. Files that do not end in `.json`, and hidden ones, are not read.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<NamedRecord>), Vec<DocumentError>> {
        let folder = Folder(path.to_owned());
        let at_folder = |reason: String| vec![DocumentError::new(path.display().to_string(), reason)];
        let names = folder.names().map_err(|source| at_folder(format!("cannot read the folder: {source}")))?;
        if names.is_empty() {
            return Err(at_folder("the folder has no records; make them with `record`".to_owned()));
        }
        if names.len() > MAX_RECORDS {
            return Err(at_folder(format!("the folder has more than {MAX_RECORDS} records")));
        }
        let (mut records, mut errors, mut left) = (Vec::new(), Vec::new(), MAX_BYTES);
        for name in names {
            match folder.read(&name, &mut left) {
                Ok(record) => records.push((name, record)),
                Err(reason) => errors.push(DocumentError::new(path.join(&name).display().to_string(), reason)),
            }
        }
        if errors.is_empty() { Ok((folder, records)) } else { Err(errors) }
    }

    /// Returns the names of the records, sorted.
    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".json") && !name.starts_with('.') {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn read(&self, name: &str, left: &mut u64) -> Result<Record, String> {
        let path = self.0.join(name);
        let metadata = fs::metadata(&path).map_err(|source| source.to_string())?;
        if !metadata.is_file() {
            return Err("this is not a file".to_owned());
        }
        if metadata.len() > MAX_RECORD_BYTES {
            return Err(format!("the record has more than {} MiB", MAX_RECORD_BYTES >> 20));
        }
        let mut text = Vec::new();
        let file = File::open(&path).map_err(|source| source.to_string())?;
        file.take(MAX_RECORD_BYTES).read_to_end(&mut text).map_err(|source| source.to_string())?;
        *left = left
            .checked_sub(text.len() as u64)
            .ok_or_else(|| format!("the records have more than {} MiB", MAX_BYTES >> 20))?;
        let record: Record = serde_json::from_slice(&text).map_err(|error| at_line(&error))?;
        self.check(&record)?;
        Ok(record)
    }

    /// Checks what the types do not.
    fn check(&self, record: &Record) -> Result<(), String> {
        if record.version != VERSION {
            return Err(format!("unsupported version {}: expected {VERSION}", record.version));
        }
        let responses: Vec<_> = match record {
            Record { request: Some(request), response: Some(response), job: None, .. } => {
                check_url(&request.url)?;
                if hyper::Method::from_bytes(request.method.as_bytes()).is_err() {
                    return Err(format!("invalid method `{}`", request.method));
                }
                match &request.body {
                    Some(RecordedBody::File(file)) => check_name(&file.name)?,
                    Some(RecordedBody::Events(_)) => return Err("a request has no events".to_owned()),
                    _ => {}
                }
                vec![response]
            }
            Record { request: None, response: None, job: Some(job), .. } => {
                check_url(&job.url)?;
                if job.statuses.is_empty() && job.events.is_empty() {
                    return Err("the job has no statuses".to_owned());
                }
                job.statuses.iter().collect()
            }
            _ => return Err("expected either `request` and `response`, or `job`".to_owned()),
        };
        for response in responses {
            if !(200..=599).contains(&response.status) {
                return Err(format!("invalid status {}: expected 200 to 599", response.status));
            }
            if let Some(RecordedBody::File(file)) = &response.body {
                check_name(&file.name)?;
                self.open_file(file).map_err(|source| format!("cannot read its file {}: {source}", file.name))?;
            }
        }
        Ok(())
    }

    /// Opens the file of a body, and returns its size.
    pub(super) fn open_file(&self, file: &RecordedFile) -> io::Result<(File, u64)> {
        let path = self.0.join(&file.name);
        // A link may lead out of the folder.
        let metadata = fs::symlink_metadata(&path)?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
        }
        Ok((File::open(&path)?, metadata.len()))
    }

    /// Writes a record.
    pub(super) fn write(&self, name: &str, record: &Record) -> io::Result<()> {
        let mut file = NamedTempFile::with_prefix_in(".writing-", &self.0)?;
        let mut text = serde_json::to_vec_pretty(record)?;
        text.push(b'\n');
        file.write_all(&text)?;
        file.persist(self.0.join(name)).map_err(|error| error.error)?;
        Ok(())
    }

    /// Begins a file for a body.
    pub(super) fn draft(&self) -> io::Result<Draft> {
        let file = NamedTempFile::with_prefix_in(".writing-", self.0.join(FILES))?;
        Ok(Draft { file, hash: Sha256::new(), size: 0 })
    }

    /// Keeps a body under a name that its content determines.
    pub(super) fn keep(&self, draft: Draft, content_type: &str) -> io::Result<RecordedFile> {
        let sha256 = hex(&draft.hash.finalize());
        let name = format!("{FILES}/{}.{}", &sha256[..16], extension(content_type));
        draft.file.persist(self.0.join(&name)).map_err(|error| error.error)?;
        Ok(RecordedFile { name, sha256, size: draft.size })
    }
}

impl Draft {
    pub(super) fn is_empty(&self) -> bool {
        self.size == 0
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.size += bytes.len() as u64;
        if self.size > MAX_FILE_BYTES {
            let reason = format!("the body has more than {} GiB", MAX_FILE_BYTES >> 30);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
        }
        self.hash.update(bytes);
        self.file.write_all(bytes)
    }
}

/// Returns the error of a JSON file, beginning with its line.
fn at_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    match error.line() {
        0 => reason.to_owned(),
        line => format!("line {line}, column {}: {reason}", error.column()),
    }
}

fn check_url(url: &str) -> Result<(), String> {
    let host = url.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next());
    match host {
        Some(host) if !host.is_empty() => Ok(()),
        _ => Err(format!("invalid URL `{}`: expected `https://HOST/…`", crate::request::difference::cut(url))),
    }
}

/// Requires the name of a file in the subfolder.
fn check_name(name: &str) -> Result<(), String> {
    let is_valid = name.strip_prefix(FILES).and_then(|rest| rest.strip_prefix('/')).is_some_and(|name| {
        let is_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !name.is_empty() && !name.starts_with('.') && name.chars().all(is_char)
    });
    match is_valid {
        true => Ok(()),
        false => Err(format!("invalid file name `{}`: expected `{FILES}/NAME`", crate::request::difference::cut(name))),
    }
}

/// Returns the extension of a content type, for people who open the file.
fn extension(content_type: &str) -> &'static str {
    match content_type.split(';').next().unwrap_or_default().trim() {
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/webp" => "webp",
        "image/gif" => "gif",
        "image/svg+xml" => "svg",
        "video/mp4" => "mp4",
        "video/webm" => "webm",
        "audio/mpeg" => "mp3",
        "audio/wav" | "audio/x-wav" => "wav",
        "model/gltf-binary" => "glb",
        "application/zip" => "zip",
        "text/plain" => "txt",
        "application/json" => "json",
        _ => "bin",
    }
}

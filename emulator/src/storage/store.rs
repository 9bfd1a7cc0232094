use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use percent_encoding::percent_decode_str;
use tokio::time::Instant;

use crate::media::captions::Captions;
use crate::media::media_file::{FOLDER as MEDIA_FOLDER, MediaFile};
use crate::random;
use crate::response::exceeded::Exceeded;
use crate::saved::change::Kind;
use crate::saved::sink::Sink;
use crate::storage::acl::Acl;
use crate::storage::content::{Blob, Content};
use crate::storage::file::{Appears, File, FileData};
use crate::storage::grants::{Denied, Grant, Grants};
use crate::storage::host::Host;
use crate::storage::lifecycle::Lifecycle;
use crate::storage::metadata::Metadata;
use crate::storage::multipart::{Completed, ListedPart, Multipart};
use crate::storage::saved_file::SavedFile;
use crate::storage::spool::Spool;
use crate::storage::stored_file::StoredFile;
use crate::sync::lock;
use crate::time::clock::{Clock, MAX_ADVANCE};
use crate::urls::{Urls, canonical};

/// The lifetime of a signed upload URL. An upload that is initiated with it is forgotten after that time.
const UPLOAD_URL_LIFETIME: Duration = Duration::from_secs(3600);
/// The time after which a multipart upload is forgotten, with its parts.
const MULTIPART_LIFETIME: Duration = Duration::from_secs(2 * 86_400);
/// The most initiated uploads, and the most multipart uploads, that have not expired.
const MAX_UPLOADS: usize = 10_000;
/// The most files.
const MAX_FILES: usize = 100_000;
/// The most files that jobs generated. The oldest are removed. A result that refers to one generates it again.
const MAX_GENERATED: usize = 50_000;
/// The most bytes of files that jobs generated.
const MAX_GENERATED_BYTES: u64 = 4 << 30;

/// The files of an emulator, its pending uploads, and its tokens and signatures.
#[derive(Debug)]
pub(crate) struct Store {
    /// The form of the URLs of [`StoredFile`].
    urls: Urls,
    clock: Arc<Clock>,
    token_lifetime: Duration,
    spool: Arc<Spool>,
    grants: Grants,
    entries: Mutex<Entries>,
    /// The captions of generated files.
    pub(crate) captions: Captions,
    sink: Sink,
}

#[derive(Debug, Default)]
struct Entries {
    /// The files by path.
    files: HashMap<String, Arc<File>>,
    /// The number of the last file.
    last_number: u64,
    /// The paths of the files that jobs generated, by their numbers: oldest first.
    generated: BTreeMap<u64, String>,
    generated_bytes: u64,
    /// The time at which the next upload expires.
    next_expiry: Option<Instant>,
    /// The metadata of the files that may be uploaded, by path, each with its expiry.
    expected: HashMap<String, (Metadata, Instant)>,
    /// The multipart uploads by id, each with its expiry.
    multipart: HashMap<String, (Multipart, Instant)>,
}

/// A multipart upload that was started.
pub(crate) struct StartedUpload {
    pub(crate) upload_id: String,
    pub(crate) path: String,
}

impl Store {
    pub(crate) fn new(base_url: Arc<str>, clock: Arc<Clock>, token_lifetime: Duration, sink: Sink) -> Self {
        Store {
            urls: Urls::Base(base_url),
            clock,
            token_lifetime: token_lifetime.min(MAX_ADVANCE),
            spool: Arc::default(),
            grants: Grants::default(),
            entries: Mutex::default(),
            captions: Captions::new(sink.clone()),
            sink,
        }
    }

    /// Returns an empty blob.
    pub(crate) fn blob(&self) -> Blob {
        Blob::new(&self.spool)
    }

    /// Issues a CDN token, and returns it with its expiry.
    pub(crate) fn token(&self) -> Result<(String, SystemTime), Exceeded> {
        let expires_at = self.clock.date() + self.token_lifetime;
        Ok((self.grant(Grant::Upload, self.token_lifetime)?, expires_at))
    }

    fn grant(&self, grant: Grant, time: Duration) -> Result<String, Exceeded> {
        let now = self.clock.now();
        self.grants.issue(grant, now, now + time)
    }

    /// Requires that a secret grants a permission.
    pub(crate) fn check(&self, secret: &str, grant: &Grant) -> Result<(), Denied> {
        self.grants.check(secret, grant, self.clock.now())
    }

    /// Expects an upload, and returns the path of the file and the signature for the upload.
    pub(crate) fn expect_file(&self, host: Host, metadata: Metadata) -> Result<(String, String), Exceeded> {
        let path = new_path(host, &metadata.name);
        let now = self.clock.now();
        let mut entries = lock(&self.entries);
        make_room(&mut entries.expected, now, "initiated uploads")?;
        let signature = self.grant(Grant::Put(path.clone()), UPLOAD_URL_LIFETIME)?;
        entries.expected.insert(path.clone(), (metadata, now + UPLOAD_URL_LIFETIME));
        Ok((path, signature))
    }

    /// Returns the metadata of the upload that is expected at a path.
    pub(crate) fn expected(&self, path: &str) -> Option<Metadata> {
        let now = self.clock.now();
        let entries = lock(&self.entries);
        entries.expected.get(path).filter(|(_, expires)| *expires > now).map(|(metadata, _)| metadata.clone())
    }

    /// Adds a file at a new path.
    pub(crate) fn add(&self, metadata: Metadata, blob: Blob) -> Result<StoredFile, Exceeded> {
        self.put(new_path(Host::Cdn, &metadata.name), metadata, blob)
    }

    /// Adds the file of a path, or replaces it.
    pub(crate) fn put(&self, path: String, metadata: Metadata, blob: Blob) -> Result<StoredFile, Exceeded> {
        let content = Content::new(vec![Arc::new(blob)]);
        let file = self.insert(path, metadata, FileData::Uploaded(content.clone(), None), Appears::Immediately)?;
        Ok(self.stored(&file, &content, None))
    }

    /// Starts a multipart upload.
    pub(crate) fn start_multipart(&self, host: Host, metadata: Metadata) -> Result<StartedUpload, Exceeded> {
        let path = new_path(host, &metadata.name);
        let started = StartedUpload { upload_id: random::name(), path: path.clone() };
        let now = self.clock.now();
        let mut entries = lock(&self.entries);
        make_room(&mut entries.multipart, now, "multipart uploads")?;
        let upload = (Multipart::new(path, metadata), now + MULTIPART_LIFETIME);
        entries.multipart.insert(started.upload_id.clone(), upload);
        Ok(started)
    }

    /// Returns the path of a multipart upload's file, or `None` for an unknown upload.
    pub(crate) fn multipart_path(&self, upload_id: &str) -> Option<String> {
        lock(&self.entries).multipart.get(upload_id).map(|(upload, _)| upload.path.clone())
    }

    /// Returns whether a part of this number can be added, or `None` for an unknown upload.
    pub(crate) fn takes_part(&self, path: &str, upload_id: &str, number: &str) -> Option<Result<(), String>> {
        let entries = lock(&self.entries);
        let (upload, _) = entries.multipart.get(upload_id).filter(|(upload, _)| upload.path == path)?;
        Some(upload.takes(number).map(drop))
    }

    /// Issues a signature for the parts of an upload.
    pub(crate) fn sign_parts(&self, upload_id: &str) -> Result<String, Exceeded> {
        self.grant(Grant::Parts(upload_id.to_owned()), UPLOAD_URL_LIFETIME)
    }

    /// Adds a part, and returns its ETag. Returns `None` for an unknown upload, and an error if the part is rejected.
    pub(crate) fn put_part(
        &self,
        path: &str,
        upload_id: &str,
        number: &str,
        blob: Blob,
    ) -> Option<Result<String, String>> {
        let mut entries = lock(&self.entries);
        let (upload, _) = entries.multipart.get_mut(upload_id).filter(|(upload, _)| upload.path == path)?;
        Some(upload.put(number, blob))
    }

    /// Completes a multipart upload. Returns `None` for an unknown upload, and an error if the
    /// parts do not match.
    pub(crate) fn complete(&self, path: &str, upload_id: &str, listed: Vec<ListedPart>) -> Option<Result<(), String>> {
        let mut entries = lock(&self.entries);
        let (upload, _) = entries.multipart.get_mut(upload_id).filter(|(upload, _)| upload.path == path)?;
        let parts = listed.len();
        let completed = match upload.complete(listed) {
            Ok(completed) => completed,
            Err(reason) => return Some(Err(reason)),
        };
        let metadata = upload.metadata.clone();
        drop(entries);
        if let Completed::Now(content) = completed
            && let Err(full) =
                self.insert(path.to_owned(), metadata, FileData::Uploaded(content, Some(parts)), Appears::Immediately)
        {
            return Some(Err(full.to_string()));
        }
        Some(Ok(()))
    }

    /// Adds a generated file. Without content it is drawn whenever it is read.
    pub(crate) fn add_generated(
        &self,
        file: &MediaFile,
        lifecycle: &Lifecycle,
        content: Option<Blob>,
    ) -> Result<(), Exceeded> {
        let metadata = Metadata::of(file, lifecycle.clone());
        self.insert(file.path(), metadata, generated(file, content), Appears::Immediately).map(drop)
    }

    /// Adds a generated file to a client's bucket, in which it appears after a time. Without content it is drawn whenever it
    /// is read.
    pub(crate) fn add_to_bucket(
        &self,
        path: String,
        file: &MediaFile,
        content: Option<Blob>,
        after: Duration,
    ) -> Result<(), Exceeded> {
        // The longest time means never, and so does one beyond the clock's range.
        let appears = self.clock.now().checked_add(after).filter(|_| after < MAX_ADVANCE);
        let metadata = Metadata::of(file, Lifecycle::default());
        let data = generated(file, content);
        self.insert(path, metadata, data, appears.map_or(Appears::Never, Appears::At)).map(drop)
    }

    fn insert(
        &self,
        path: String,
        metadata: Metadata,
        data: FileData,
        appears: Appears,
    ) -> Result<Arc<File>, Exceeded> {
        let (now, date) = (self.clock.now(), self.clock.date());
        let Metadata { name, content_type, lifecycle } = metadata;
        let expires = lifecycle.expires_after.and_then(|time| now.checked_add(time).zip(date.checked_add(time)));
        let mut entries = lock(&self.entries);
        if entries.next_expiry.is_some_and(|next| now >= next) {
            self.forget_all(entries.remove_expired(now));
        }
        entries.remove(&path);
        if entries.files.len() >= MAX_FILES {
            return Err(TOO_MANY_FILES);
        }
        entries.last_number += 1;
        let number = entries.last_number;
        let file = Arc::new(File { number, path, name, content_type, data, lifecycle, expires, appears });
        self.save(&file, true);
        self.forget_all(entries.add(&file));
        Ok(file)
    }

    /// Puts a file into the state file.
    fn save(&self, file: &File, with_content: bool) {
        self.sink.put(Kind::File, &file.path, || SavedFile::new(file, self.clock.now(), self.clock.date()));
        if let (true, Some(content)) = (with_content, file.data.content()) {
            self.sink.put_content(&file.path, || content.chunks(0..content.size()));
        }
    }

    /// Removes a file from the state file.
    fn forget(&self, path: &str) {
        self.sink.delete(Kind::File, path);
        self.sink.delete_content(path);
    }

    fn forget_all(&self, paths: Vec<String>) {
        paths.iter().for_each(|path| self.forget(path));
    }

    /// Adds a file of the state file. Without a blob, its content is drawn whenever it is read. Returns `false` if the record is
    /// invalid.
    #[cfg(feature = "state")]
    pub(crate) fn restore_file(&self, path: String, saved: &SavedFile, blob: Option<Blob>) -> bool {
        let content = blob.map(|blob| Content::new(vec![Arc::new(blob)]));
        let Some(file) = saved.restore(path, content, &self.clock) else { return false };
        let mut entries = lock(&self.entries);
        entries.last_number = entries.last_number.max(file.number);
        self.forget_all(entries.add(&Arc::new(file)));
        true
    }

    /// Returns the file of a path, even if it has expired.
    pub(crate) fn get_even_expired(&self, path: &str) -> Option<Arc<File>> {
        lock(&self.entries).files.get(path).cloned()
    }

    /// Returns the file of a path, unless it has expired or has not appeared.
    pub(crate) fn get(&self, path: &str) -> Option<Arc<File>> {
        let now = self.clock.now();
        self.get_even_expired(path).filter(|file| !file.is_expired(now) && file.has_appeared(now))
    }

    /// Returns the uploads that have not expired, oldest first.
    pub(crate) fn uploaded(&self) -> Vec<StoredFile> {
        let now = self.clock.now();
        let entries = lock(&self.entries);
        let files = entries.files.values().filter(|file| !file.is_expired(now));
        let mut uploaded: Vec<StoredFile> = files
            .filter_map(|file| match &file.data {
                FileData::Uploaded(content, parts) => Some(self.stored(file, content, *parts)),
                _ => None,
            })
            .collect();
        uploaded.sort_by_key(|stored| stored.file.number);
        uploaded
    }

    /// Returns the signature with which everyone can read the file of a path for a time.
    pub(crate) fn sign(&self, path: &str, time: Duration) -> Result<String, Exceeded> {
        self.grant(Grant::Read(path.to_owned()), time)
    }

    /// Deletes the file of a path, also one that is drawn whenever it is read. Returns `false` if it does not exist.
    pub(crate) fn delete(&self, path: &str) -> bool {
        let now = self.clock.now();
        let mut entries = lock(&self.entries);
        match entries.files.get_mut(path) {
            Some(file) if file.is_expired(now) || !file.has_appeared(now) => false,
            Some(file) if matches!(file.data, FileData::Uploaded(..)) => {
                self.forget(path);
                entries.remove(path).is_some()
            }
            Some(file) => {
                // It stays known, so that it is not generated again when the output is read.
                let size = generated_size(file);
                let file = Arc::make_mut(file);
                (file.appears, file.data) = (Appears::Never, FileData::Generated(Content::new(Vec::new())));
                self.save(file, true);
                entries.generated_bytes -= size;
                true
            }
            None => {
                drop(entries);
                let Some(drawn) = MediaFile::from_path(path) else { return false };
                let metadata = Metadata::of(&drawn, Lifecycle::default());
                self.insert(path.to_owned(), metadata, FileData::Drawn(drawn), Appears::Never).is_ok()
            }
        }
    }

    /// Restores a deleted file that is drawn whenever it is read.
    pub(crate) fn restore(&self, path: &str) {
        let mut entries = lock(&self.entries);
        if entries.files.get(path).is_some_and(|file| file.appears == Appears::Never) {
            self.forget(path);
            entries.remove(path);
        }
    }

    /// Replaces the ACL of a file.
    pub(crate) fn set_acl(&self, path: &str, acl: Acl) {
        if let Some(file) = lock(&self.entries).files.get_mut(path) {
            Arc::make_mut(file).lifecycle.acl = acl;
            self.save(file, false);
        }
    }

    /// Returns the path of a URL of either form, without its query, if it is one of a file of fal's hosts.
    pub(crate) fn path_of(&self, url: &str) -> Option<String> {
        let path = self.urls.path(url).or_else(|| Urls::Real.path(url))?;
        let (host, path) = path.split_once('/')?;
        let path = format!("{}/{}", canonical(host), percent_decode_str(path).decode_utf8_lossy());
        ["v3.fal.media/files/", "storage.googleapis.com/"].iter().any(|host| path.starts_with(host)).then_some(path)
    }

    /// Returns whether a URL can only be one of a file of this emulator. A real URL may be one of a public file of the real
    /// fal, such as those in examples, unless it is in a folder of the emulator.
    pub(crate) fn is_file_url(&self, url: &str) -> bool {
        let is_own = |path: &str| {
            path.starts_with(MEDIA_FOLDER) || [Host::Cdn, Host::Gcs].iter().any(|host| path.starts_with(host.folder()))
        };
        self.path_of(url).is_some_and(|path| self.urls.path(url).is_some() || is_own(&path))
    }

    /// Returns whether there are files of a host, or uploads to it.
    pub(crate) fn has_host(&self, host: &str) -> bool {
        let is_below = |path: &str| path.strip_prefix(host).is_some_and(|path| path.starts_with('/'));
        let entries = lock(&self.entries);
        entries.files.keys().chain(entries.expected.keys()).any(|path| is_below(path))
            || entries.multipart.values().any(|(upload, _)| is_below(&upload.path))
    }

    fn stored(&self, file: &Arc<File>, content: &Content, parts: Option<usize>) -> StoredFile {
        StoredFile { url: self.urls.to(&file.path), file: Arc::clone(file), content: content.clone(), parts }
    }
}

impl Entries {
    /// Adds a file, and removes the oldest generated ones if there are too many. Returns the paths of these.
    fn add(&mut self, file: &Arc<File>) -> Vec<String> {
        self.files.insert(file.path.clone(), Arc::clone(file));
        if let FileData::Uploaded(..) = file.data {
            let expires = file.expires.map(|(at, _)| at);
            self.next_expiry = self.next_expiry.into_iter().chain(expires).min();
            return Vec::new();
        }
        self.generated.insert(file.number, file.path.clone());
        self.generated_bytes += generated_size(file);
        let mut removed = Vec::new();
        while self.generated.len() > MAX_GENERATED
            || (self.generated_bytes > MAX_GENERATED_BYTES && self.generated.len() > 1)
        {
            let Some(oldest) = self.generated.values().next().cloned() else { break };
            self.remove(&oldest);
            removed.push(oldest);
        }
        removed
    }

    fn remove(&mut self, path: &str) -> Option<Arc<File>> {
        let file = self.files.remove(path)?;
        if self.generated.remove(&file.number).is_some() {
            self.generated_bytes -= generated_size(&file);
        }
        Some(file)
    }

    /// Removes expired uploads, which frees their space, and returns their paths. Generated files stay known, because results
    /// refer to them and must not generate them again.
    fn remove_expired(&mut self, now: Instant) -> Vec<String> {
        let uploads = || self.files.values().filter(|file| matches!(file.data, FileData::Uploaded(..)));
        let expired: Vec<String> =
            uploads().filter(|file| file.is_expired(now)).map(|file| file.path.clone()).collect();
        let later = uploads().filter_map(|file| file.expires.map(|(at, _)| at)).filter(|at| *at > now);
        self.next_expiry = later.min();
        expired.iter().for_each(|path| drop(self.remove(path)));
        expired
    }
}

/// Returns the bytes that a generated file takes on disk.
fn generated_size(file: &File) -> u64 {
    match &file.data {
        FileData::Generated(content) => content.size(),
        FileData::Drawn(_) | FileData::Uploaded(..) => 0,
    }
}

fn generated(file: &MediaFile, content: Option<Blob>) -> FileData {
    match content {
        Some(blob) => FileData::Generated(Content::new(vec![Arc::new(blob)])),
        None => FileData::Drawn(file.clone()),
    }
}

const TOO_MANY_FILES: Exceeded = Exceeded { max: MAX_FILES, of: "files" };

/// Removes the expired uploads, and requires room for another one.
fn make_room<T>(uploads: &mut HashMap<String, (T, Instant)>, now: Instant, of: &'static str) -> Result<(), Exceeded> {
    uploads.retain(|_, (_, expires)| *expires > now);
    if uploads.len() >= MAX_UPLOADS { Err(Exceeded { max: MAX_UPLOADS, of }) } else { Ok(()) }
}

/// Returns a new, unique path.
fn new_path(host: Host, name: &str) -> String {
    const MAX_NAME_CHARS: usize = 100;
    let sanitize = |c: char| if c.is_control() || c == '/' || c == '\\' { '_' } else { c };
    let name: String = name.chars().map(sanitize).take(MAX_NAME_CHARS).collect();
    format!("{}{}_{name}", host.folder(), random::name())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Store {
        Store::new("http://127.0.0.1:1".into(), Arc::default(), Duration::from_secs(60), Sink::default())
    }

    fn metadata(seconds: Option<u64>) -> Metadata {
        let lifecycle = Lifecycle { expires_after: seconds.map(Duration::from_secs), ..Lifecycle::default() };
        Metadata { name: "a.png".to_owned(), content_type: "image/png".to_owned(), lifecycle }
    }

    fn generate(store: &Store, path: &str) {
        let content = Content::new(vec![Arc::new(store.blob())]);
        store
            .insert(path.to_owned(), metadata(None), FileData::Generated(content), Appears::Immediately)
            .expect("room for the file");
    }

    #[test]
    fn oldest_generated_files_are_removed() {
        let store = store();
        store.put("upload".to_owned(), metadata(None), store.blob()).expect("room for the file");
        (0..MAX_GENERATED + 3).for_each(|number| generate(&store, &number.to_string()));
        generate(&store, &(MAX_GENERATED + 2).to_string()); // replaces itself
        let is_known = |path: &str| store.get(path).is_some();
        assert_eq!(["upload", "0", "2", "3"].map(is_known), [true, false, false, true]);
        let entries = lock(&store.entries);
        assert_eq!((entries.files.len(), entries.generated.len()), (MAX_GENERATED + 1, MAX_GENERATED));
    }

    #[test]
    fn expired_uploads_are_removed() {
        let store = store();
        for seconds in [Some(10), Some(20), None] {
            store.add(metadata(seconds), store.blob()).expect("room for the file");
        }
        for (seconds, kept) in [(9, 4), (2, 4), (10, 4), (0, 5)] {
            store.clock.advance(Duration::from_secs(seconds));
            store.add(metadata(None), store.blob()).expect("room for the file");
            assert_eq!(lock(&store.entries).files.len(), kept);
        }
    }
}

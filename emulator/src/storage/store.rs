use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::media::media_file::MediaFile;
use crate::random;
use crate::storage::acl::Acl;
use crate::storage::content::{Blob, Content};
use crate::storage::file::{File, Kept};
use crate::storage::grants::{Denied, Grant, Grants};
use crate::storage::host::Host;
use crate::storage::lifecycle::Lifecycle;
use crate::storage::metadata::Metadata;
use crate::storage::multipart::{Completed, ListedPart, Multipart};
use crate::storage::spool::Spool;
use crate::storage::stored_file::StoredFile;
use crate::sync::lock;
use crate::time::clock::{Clock, MAX_ADVANCE};

/// How long a signed URL for an upload holds.
const SIGNED_FOR: Duration = Duration::from_secs(3600);

/// The files of an emulator, and what is needed to upload them.
#[derive(Debug)]
pub(crate) struct Store {
    base_url: String,
    clock: Arc<Clock>,
    token_lifetime: Duration,
    spool: Arc<Spool>,
    grants: Grants,
    shelf: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    /// By path.
    files: HashMap<String, Arc<File>>,
    /// How many files there ever were.
    count: u64,
    /// Whether any of them does not live for ever.
    has_mortals: bool,
    /// What may be put at a path.
    awaited: HashMap<String, Metadata>,
    multipart: HashMap<String, Multipart>,
}

/// A multipart upload that was begun.
pub(crate) struct Begun {
    pub(crate) upload_id: String,
    pub(crate) file_url: String,
}

impl Store {
    pub(crate) fn new(base_url: String, clock: Arc<Clock>, token_lifetime: Duration) -> Self {
        Store {
            base_url,
            clock,
            token_lifetime: token_lifetime.min(MAX_ADVANCE),
            spool: Arc::default(),
            grants: Grants::default(),
            shelf: Mutex::default(),
        }
    }

    /// A place for bytes.
    pub(crate) fn blob(&self) -> Blob {
        Blob::new(&self.spool)
    }

    /// A CDN token, and when it expires.
    pub(crate) fn token(&self) -> (String, SystemTime) {
        let expires_at = self.clock.date() + self.token_lifetime;
        (self.grant(Grant::Upload, self.token_lifetime), expires_at)
    }

    fn grant(&self, grant: Grant, time: Duration) -> String {
        let now = self.clock.now();
        self.grants.issue(grant, now, now + time)
    }

    pub(crate) fn check(&self, secret: &str, grant: &Grant) -> Result<(), Denied> {
        self.grants.check(secret, grant, self.clock.now())
    }

    /// Awaits a file at a path, and gives its URL and the signature to put it with.
    pub(crate) fn await_file(&self, host: Host, plan: Metadata) -> (String, String) {
        let path = new_path(host, &plan.name);
        let url = self.url(&path);
        let signature = self.grant(Grant::Put(path.clone()), SIGNED_FOR);
        lock(&self.shelf).awaited.insert(path, plan);
        (url, signature)
    }

    /// What is awaited at a path.
    pub(crate) fn awaited(&self, path: &str) -> Option<Metadata> {
        lock(&self.shelf).awaited.get(path).cloned()
    }

    /// Takes a new file.
    pub(crate) fn add(&self, plan: Metadata, blob: Blob) -> StoredFile {
        self.put(new_path(Host::Cdn, &plan.name), plan, blob)
    }

    /// Takes the file of a path, in place of one that was there.
    pub(crate) fn put(&self, path: String, plan: Metadata, blob: Blob) -> StoredFile {
        let content = Content::new(vec![Arc::new(blob)]);
        let file = self.keep(path, plan, Kept::Uploaded(content.clone(), None));
        StoredFile { file, content, parts: None }
    }

    /// Begins a file that comes in parts.
    pub(crate) fn begin_multipart(&self, host: Host, plan: Metadata) -> Begun {
        let path = new_path(host, &plan.name);
        let begun = Begun { upload_id: random::name(), file_url: self.url(&path) };
        lock(&self.shelf).multipart.insert(begun.upload_id.clone(), Multipart::new(path, plan));
        begun
    }

    /// Where the file of an upload will be; none if there is no such upload.
    pub(crate) fn multipart_url(&self, upload_id: &str) -> Option<String> {
        lock(&self.shelf).multipart.get(upload_id).map(|upload| self.url(&upload.path))
    }

    /// The signature for the parts of an upload.
    pub(crate) fn sign_parts(&self, upload_id: &str) -> String {
        self.grant(Grant::Parts(upload_id.to_owned()), SIGNED_FOR)
    }

    /// Takes a part and gives its ETag; none if there is no such upload. The inner error says why it is refused.
    pub(crate) fn put_part(
        &self,
        path: &str,
        upload_id: &str,
        number: &str,
        blob: Blob,
    ) -> Option<Result<String, String>> {
        let mut shelf = lock(&self.shelf);
        let upload = shelf.multipart.get_mut(upload_id).filter(|upload| upload.path == path)?;
        Some(upload.put(number, blob))
    }

    /// Makes a file of parts and gives its URL; none if there is no such upload. The inner error says why not.
    pub(crate) fn complete(
        &self,
        path: &str,
        upload_id: &str,
        listed: Vec<ListedPart>,
    ) -> Option<Result<String, String>> {
        let mut shelf = lock(&self.shelf);
        let upload = shelf.multipart.get_mut(upload_id).filter(|upload| upload.path == path)?;
        let parts = listed.len();
        let completed = match upload.complete(listed) {
            Ok(completed) => completed,
            Err(reason) => return Some(Err(reason)),
        };
        let plan = upload.plan.clone();
        drop(shelf);
        if let Completed::Now(content) = completed {
            self.keep(path.to_owned(), plan, Kept::Uploaded(content, Some(parts)));
        }
        Some(Ok(self.url(path)))
    }

    /// Keeps a file that a request made, unless it is there.
    pub(crate) fn keep_made(&self, file: &MediaFile, lifecycle: &Lifecycle, content: Option<Blob>) {
        let kept = match content {
            Some(blob) => Kept::Made(Content::new(vec![Arc::new(blob)])),
            None => Kept::Drawn(file.clone()),
        };
        let content_type = file.content_type().to_owned();
        let plan = Metadata { name: file.file_name(), content_type, lifecycle: lifecycle.clone() };
        self.keep(file.path(), plan, kept);
    }

    fn keep(&self, path: String, plan: Metadata, kept: Kept) -> Arc<File> {
        let (now, date) = (self.clock.now(), self.clock.date());
        let Metadata { name, content_type, lifecycle } = plan;
        let expires = lifecycle.expires_after.and_then(|time| now.checked_add(time).zip(date.checked_add(time)));
        let url = self.url(&path);
        let mut shelf = lock(&self.shelf);
        if shelf.has_mortals {
            // Of uploads that are gone, the bytes are given back. What a request made stays known: its result still
            // refers to it, and must not make it anew.
            shelf.files.retain(|_, file| !file.is_gone(now) || !matches!(file.kept, Kept::Uploaded(..)));
        }
        shelf.has_mortals |= expires.is_some();
        shelf.count += 1;
        let number = shelf.count;
        let file = Arc::new(File { number, path: path.clone(), url, name, content_type, kept, lifecycle, expires });
        shelf.files.insert(path, Arc::clone(&file));
        file
    }

    /// The file of a path, be it gone or not.
    pub(crate) fn known(&self, path: &str) -> Option<Arc<File>> {
        lock(&self.shelf).files.get(path).cloned()
    }

    /// The file of a path, if it is there.
    pub(crate) fn file(&self, path: &str) -> Option<Arc<File>> {
        self.known(path).filter(|file| !file.is_gone(self.clock.now()))
    }

    /// What was uploaded and is there, oldest first.
    pub(crate) fn uploaded(&self) -> Vec<StoredFile> {
        let now = self.clock.now();
        let shelf = lock(&self.shelf);
        let files = shelf.files.values().filter(|file| !file.is_gone(now));
        let mut uploaded: Vec<StoredFile> = files
            .filter_map(|file| match &file.kept {
                Kept::Uploaded(content, parts) => {
                    Some(StoredFile { file: Arc::clone(file), content: content.clone(), parts: *parts })
                }
                _ => None,
            })
            .collect();
        uploaded.sort_by_key(|stored| stored.file.number);
        uploaded
    }

    /// A URL with which everybody can read the file of a path for a time.
    pub(crate) fn sign(&self, path: &str, time: Duration) -> String {
        format!("{}?identity={}", self.url(path), self.grant(Grant::Read(path.to_owned()), time))
    }

    /// Says anew who may read a file.
    pub(crate) fn set_acl(&self, path: &str, acl: Acl) {
        if let Some(file) = lock(&self.shelf).files.get_mut(path) {
            Arc::make_mut(file).lifecycle.acl = acl;
        }
    }

    fn url(&self, path: &str) -> String {
        const KEPT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
        format!("{}/{}", self.base_url, utf8_percent_encode(path, &KEPT))
    }

    /// The path of a URL of this emulator's files, without its query.
    pub(crate) fn path_of(&self, url: &str) -> Option<String> {
        let path = url.strip_prefix(&self.base_url)?.strip_prefix('/')?;
        let path = path.split(['?', '#']).next().unwrap_or(path);
        let is_file = ["v3.fal.media/files/", "storage.googleapis.com/"].iter().any(|host| path.starts_with(host));
        is_file.then(|| percent_decode_str(path).decode_utf8_lossy().into_owned())
    }
}

/// A path that no other file has.
fn new_path(host: Host, name: &str) -> String {
    const LONGEST_NAME: usize = 100;
    let harmless = |c: char| if c.is_control() || c == '/' || c == '\\' { '_' } else { c };
    let name: String = name.chars().map(harmless).take(LONGEST_NAME).collect();
    let folder = match host {
        Host::Cdn => "v3.fal.media/files/uploads",
        Host::Gcs => "storage.googleapis.com/fal-emulator",
    };
    format!("{folder}/{}_{name}", random::name())
}

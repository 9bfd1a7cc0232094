use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue};
use tracing::Instrument;

use super::policy::{Repository, UploadPolicy};
use super::source::{Data, Source};
use super::{cdn, initiate};
use crate::files::data_uri;
use crate::transport::Meter;
use crate::{Client, Error, ErrorKind, File, FileInput, Lifecycle};

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransferProgress {
    /// How many bytes have gone. It never goes back, and is the total in the end: what has to be sent again after a failure
    /// counts once.
    pub bytes: u64,
    /// How many bytes there are, if that is known.
    pub total: Option<u64>,
}

/// What a caller wants to be told of a transfer.
pub(crate) type OnProgress<'a> = Box<dyn FnMut(TransferProgress) + Send + 'a>;

/// An upload, which starts when it is awaited and gives the file as models know it: its URL, name, type and size.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use std::time::Duration;
/// use fal_client::{FileInput, Lifecycle};
///
/// let video = client
///     .storage()
///     .upload(FileInput::path("holiday.mp4"))
///     .lifecycle(Lifecycle::expires_after(Duration::from_secs(3600)))
///     .on_progress(|progress| eprintln!("{} of {:?} bytes", progress.bytes, progress.total))
///     .await?;
/// println!("{}", video.url);
/// # Ok(())
/// # }
/// ```
///
/// A large file is sent in parts, several at once. What fails is repeated as the client's [`RetryPolicy`] says, a part at
/// a time; where a repository does not take the file at all, the fallback is tried. A file that is changed while it is
/// sent is an error. Dropping the future stops all of it.
///
/// # Errors
///
/// The file cannot be read or is changed ([`ErrorKind::File`]); it is text that is no URL, or has a media type that no header
/// takes ([`ErrorKind::InvalidInput`], before anything is sent); neither the repository nor the fallback takes it: then it is
/// the repository's error.
///
/// [`RetryPolicy`]: crate::RetryPolicy
#[must_use = "an upload does nothing until it is awaited"]
pub struct Upload<'a> {
    client: Client,
    file: FileInput,
    policy: UploadPolicy,
    on_progress: Option<OnProgress<'a>>,
}

impl<'a> Upload<'a> {
    pub(super) fn new(client: Client, file: FileInput) -> Self {
        let policy = client.shared().uploads.clone();
        Upload { client, file, policy, on_progress: None }
    }

    /// The media type (`image/png`), where it does not follow from the name or from the bytes.
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.file = self.file.content_type(content_type);
        self
    }

    /// The file's name, which shows in its URL. A path has one already. By token ([`Repository::Cdn`]) it goes in a header,
    /// where what is not ASCII becomes `_`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.file = self.file.name(name);
        self
    }

    /// How long the file lives and who may read it (default: what the policy says).
    pub fn lifecycle(mut self, lifecycle: Lifecycle) -> Self {
        self.policy = self.policy.lifecycle(lifecycle);
        self
    }

    /// Where the file goes (default: what the policy says).
    pub fn repository(mut self, repository: Repository) -> Self {
        self.policy = self.policy.repository(repository);
        self
    }

    /// Where and how the file is uploaded (default: the client's policy). It replaces what was said of repository and lifecycle
    /// before.
    pub fn policy(mut self, policy: UploadPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Is called as the upload advances, with what the connections have taken so far. It should not take long.
    pub fn on_progress(mut self, call: impl FnMut(TransferProgress) + Send + 'a) -> Self {
        self.on_progress = Some(Box::new(call));
        self
    }

    async fn send(self) -> Result<File, Error> {
        let Upload { client, file, policy, on_progress } = self;
        match file.as_url() {
            Some(url) if !data_uri::is_one(url) && file.text_without_scheme().is_none() => Ok(File::new(url)),
            _ => upload(&client, file, &policy, on_progress).await,
        }
    }
}

impl<'a> IntoFuture for Upload<'a> {
    type Output = Result<File, Error>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let span = tracing::info_span!("fal.upload", repository = ?self.policy.repository);
        self.send().instrument(span).boxed()
    }
}

impl fmt::Debug for Upload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("file", &self.file).field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// A file on its way: where it goes, and what is sent along.
pub(super) struct Sending<'a> {
    pub(super) client: &'a Client,
    pub(super) policy: &'a UploadPolicy,
    /// What the first request says of the file's life.
    pub(super) lifecycle: HeaderMap,
    pub(super) meter: Arc<Meter>,
}

/// Uploads a file that is no URL.
async fn upload(
    client: &Client,
    file: FileInput,
    policy: &UploadPolicy,
    on_progress: Option<OnProgress<'_>>,
) -> Result<File, Error> {
    let source = Source::open(file, policy.part_size).await?;
    send(client, source, policy, on_progress).await
}

/// Uploads a file that is open.
pub(crate) async fn send(
    client: &Client,
    mut source: Source,
    policy: &UploadPolicy,
    on_progress: Option<OnProgress<'_>>,
) -> Result<File, Error> {
    let meter = Arc::new(Meter::default());
    let sending = Sending { client, policy, lifecycle: lifecycle(&policy.lifecycle)?, meter: Arc::clone(&meter) };
    let total = source.length();
    let work = sending.to_any(&mut source);
    let url = match on_progress {
        Some(mut call) => meter.watch(work, |bytes| call(TransferProgress { bytes, total })).await?,
        None => work.await?,
    };
    let mut file = File::new(url);
    file.file_size = i64::try_from(source.sent()).ok();
    file.content_type = Some(source.about.content_type);
    file.file_name = source.about.name;
    Ok(file)
}

/// The headers that say how long a file lives. The CDN's versions know it by either name.
fn lifecycle(lifecycle: &Lifecycle) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    if let Some(preference) = lifecycle.header() {
        let value = header(&preference)?;
        headers.insert("x-fal-object-lifecycle", value.clone());
        headers.insert("x-fal-object-lifecycle-preference", value);
    }
    Ok(headers)
}

/// A text as the value of a header, which is ASCII that can be seen.
pub(super) fn header(text: &str) -> Result<HeaderValue, Error> {
    let value = HeaderValue::from_str(text).ok().filter(|_| text.is_ascii());
    value.ok_or_else(|| Error::new(ErrorKind::InvalidInput, format!("{text:?} cannot be sent in a header")))
}

impl Sending<'_> {
    /// Sends a file to the repository, or where that does not take it, to the fallback.
    async fn to_any(&self, source: &mut Source) -> Result<String, Error> {
        let first = match self.to(self.policy.repository, source).await {
            Ok(url) => return Ok(url),
            Err(error) => error,
        };
        // Another repository helps neither with a file that cannot be read nor with a key that fal refuses.
        let hopeless = matches!(first.kind(), ErrorKind::File | ErrorKind::Credentials | ErrorKind::InvalidInput);
        let fallback = self.policy.fallback.filter(|fallback| *fallback != self.policy.repository);
        let Some(fallback) = fallback.filter(|_| !hopeless && source.is_whole()) else { return Err(first) };
        let (kind, status) = (first.kind(), first.status());
        tracing::warn!(?kind, ?status, repository = ?fallback, "the upload failed, the fallback is tried");
        self.meter.restart();
        // If neither takes it, the first one's error is the one to show.
        self.to(fallback, source).await.map_err(|error| match error.kind() {
            ErrorKind::File => error,
            _ => first,
        })
    }

    async fn to(&self, repository: Repository, source: &mut Source) -> Result<String, Error> {
        let Source { about, data } = source;
        let at_once = match data {
            Data::Whole(payload) if payload.len() <= self.policy.multipart_above => Some(payload),
            _ => None,
        };
        match (repository, at_once) {
            (Repository::Cdn, Some(payload)) => cdn::direct(self, about, payload).await,
            (Repository::Cdn, None) => cdn::in_parts(self, about, data).await,
            (Repository::Signed, Some(payload)) => initiate::direct(self, about, payload, "fal-cdn-v3").await,
            (Repository::Signed, None) => initiate::in_parts(self, about, data).await,
            (Repository::Gcs, Some(payload)) => initiate::direct(self, about, payload, "gcs").await,
            (Repository::Gcs, None) => initiate::in_parts_to_gcs(self, about, data).await,
        }
    }
}

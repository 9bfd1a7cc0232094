use std::fmt;

use tracing::Instrument;

use crate::call::future::call_future;
use crate::client::Client;
use crate::error::Error;
use crate::files::{FileInput, Lifecycle, data_uri};
use crate::media::File;
use crate::storage::{Repository, Source, UploadPolicy};
use crate::transport::{OnProgress, TransferProgress};

/// Uploads a file and returns its URL, name, type and size. Starts when awaited.
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
/// A large file is uploaded in parts, several of them in parallel. Failed requests are retried according to the client's
/// [`RetryPolicy`], each part separately. If the repository fails, the client tries the fallback. Dropping the future stops
/// the upload.
///
/// # Errors
///
/// - The file cannot be read, it changes during the upload, or it is longer than 5 TiB ([`ErrorKind::File`]). A reader that
///   declares such a length fails before anything is sent.
/// - The file is a string that is not a URL, or its media type is not valid in a header ([`ErrorKind::InvalidInput`]). Nothing
///   was sent.
/// - The repository and the fallback both fail. The error is the repository's, and its message has both reasons.
/// - fal refuses the key, or the account is locked. The fallback is not tried.
///
/// [`ErrorKind::File`]: crate::ErrorKind::File
/// [`ErrorKind::InvalidInput`]: crate::ErrorKind::InvalidInput
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
        let policy = client.uploads().clone();
        Upload { client, file, policy, on_progress: None }
    }

    /// Sets the media type, such as `image/png`. Default: detected from the bytes and the name.
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.file = self.file.content_type(content_type);
        self
    }

    /// Sets the file's name, which appears in its URL. Default: the name of a path, if the file is one. For
    /// [`Repository::Cdn`] the name is sent in a header, in which characters outside ASCII become `_`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.file = self.file.name(name);
        self
    }

    /// Sets the file's expiry and who may read it. Default: the policy's lifecycle.
    pub fn lifecycle(mut self, lifecycle: Lifecycle) -> Self {
        self.policy = self.policy.lifecycle(lifecycle);
        self
    }

    /// Sets the repository that the file is uploaded to. Default: the policy's repository.
    pub fn repository(mut self, repository: Repository) -> Self {
        self.policy = self.policy.repository(repository);
        self
    }

    /// Sets the upload policy. Default: the client's policy. It replaces a repository and a lifecycle that were set before.
    pub fn policy(mut self, policy: UploadPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Registers a callback for the progress, in bytes passed to the connections. It should return quickly.
    pub fn on_progress(mut self, call: impl FnMut(TransferProgress) + Send + 'a) -> Self {
        self.on_progress = Some(Box::new(call));
        self
    }

    async fn upload(self) -> Result<File, Error> {
        let Upload { client, file, policy, on_progress } = self;
        match file.as_url() {
            Some(url) if !data_uri::is_data_uri(url) && file.text_without_scheme().is_none() => Ok(File::new(url)),
            _ => {
                let source = Source::open(file, policy.part_size).await?;
                client.uploader(&policy)?.upload(source, on_progress).await
            }
        }
    }

    fn start(self) -> impl Future<Output = Result<File, Error>> + Send {
        let span = tracing::info_span!("fal.upload", repository = ?self.policy.repository);
        self.upload().instrument(span)
    }
}

call_future!(['a] Upload<'a> => 'a, File);

impl fmt::Debug for Upload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("file", &self.file).field("policy", &self.policy).finish_non_exhaustive()
    }
}

use std::fmt;
use std::future::IntoFuture;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tracing::Instrument;

use crate::client::Client;
use crate::error::Error;
use crate::files::{FileInput, Lifecycle, data_uri};
use crate::media::File;
use crate::storage::{Repository, Source, UploadPolicy};
use crate::transport::{OnProgress, TransferProgress};

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
            Some(url) if !data_uri::is_data_uri(url) && file.text_without_scheme().is_none() => Ok(File::new(url)),
            _ => {
                let source = Source::open(file, policy.part_size).await?;
                client.uploader(&policy)?.upload(source, on_progress).await
            }
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

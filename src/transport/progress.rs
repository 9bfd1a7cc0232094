/// Progress of an upload or download.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use fal_client::FileInput;
///
/// let upload = client.storage().upload(FileInput::path("room.png"));
/// let file = upload.on_progress(|progress| println!("{} of {:?} bytes", progress.bytes, progress.total)).await?;
/// # let _ = file;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransferProgress {
    /// Bytes transferred. Never decreases, and equals the total in the end: bytes that are transferred again after a
    /// failure count once.
    pub bytes: u64,
    /// Total bytes, if known.
    pub total: Option<u64>,
}

/// A callback for the progress of a transfer.
pub(crate) type OnProgress<'a> = Box<dyn FnMut(TransferProgress) + Send + 'a>;

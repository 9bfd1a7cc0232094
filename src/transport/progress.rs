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

/// Progress of the upload of a file in an input, before the input is sent.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use fal_client::{FileInput, JsonInput};
///
/// let input = JsonInput::default().file("video_url", FileInput::path("holiday.mp4"))?;
/// let call = client.endpoint("fal-ai/video-upscaler").subscribe(input);
/// let call = call.on_upload_progress(|file| eprintln!("{}: {} of {:?} bytes", file.field, file.bytes, file.total));
/// let response = call.await?;
/// # let _ = response;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadProgress {
    /// The path of the field, such as `image_url` or `loras[0].path`. Of a file in several fields, the first one.
    pub field: String,
    /// Bytes transferred. Never decreases, and equals the total in the end.
    pub bytes: u64,
    /// Total bytes, if known.
    pub total: Option<u64>,
}

/// A callback for the progress of uploads of an input.
pub(crate) type OnUpload = Box<dyn FnMut(UploadProgress) + Send>;

/// A callback for the progress of a transfer.
pub(crate) type OnProgress<'a> = Box<dyn FnMut(TransferProgress) + Send + 'a>;

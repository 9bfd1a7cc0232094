use super::file_input::FileInput;

/// A file for an input, as the setters of inputs take it: every type that converts into [`FileInput`].
///
/// ```
/// use std::path::Path;
///
/// use fal_client::FileInput;
/// use fal_client::endpoints::fal_ai::flux::dev::redux::Input;
///
/// let remote = Input::builder().image_url("https://example.com/fox.png");
/// let local = Input::builder().image_url(Path::new("fox.png"));
/// let memory = Input::builder().image_url(FileInput::bytes(vec![0x89, b'P', b'N', b'G'], "image/png"));
/// # let _ = (remote, local, memory);
/// ```
///
/// The trait only exists for the messages of the compiler. Functions of your own can require `Into<FileInput>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a file for an input",
    label = "expected a `FileInput`, or a URL, path, bytes or media of an output",
    note = "use `FileInput::path` for a local file, `FileInput::bytes` for bytes, `FileInput::reader` for a reader of tokio",
    note = "to set an optional field from an `Option`, call `maybe_…`"
)]
pub trait IntoFile: Into<FileInput> {}

#[diagnostic::do_not_recommend]
impl<U: Into<FileInput>> IntoFile for U {}

use bytes::Bytes;

/// A file whose content is always the same. It is a valid file of its type, and as small as one can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FixedFile {
    /// Weights without tensors, as safetensors.
    Weights,
    /// An empty ZIP archive.
    Archive,
    /// An empty JSON object.
    Json,
    /// A text that explains that the emulator does not generate this type.
    Note,
}

/// The end of the central directory, with 0 entries.
const EMPTY_ZIP: &[u8] = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
/// The length of the header, and the header.
const NO_WEIGHTS: &[u8] = b"\x08\0\0\0\0\0\0\0{}      ";
const NOTE: &str = "This file is a placeholder for one that fal would generate. The emulator does not make its type.\n";

impl FixedFile {
    const ALL: [FixedFile; 4] = [FixedFile::Weights, FixedFile::Archive, FixedFile::Json, FixedFile::Note];

    pub(super) fn from_extension(extension: &str) -> Option<Self> {
        FixedFile::ALL.into_iter().find(|file| file.extension() == extension)
    }

    pub(super) fn extension(self) -> &'static str {
        self.format().0
    }

    pub(super) fn content_type(self) -> &'static str {
        self.format().1
    }

    /// Returns the extension and the content type.
    fn format(self) -> (&'static str, &'static str) {
        match self {
            FixedFile::Weights => ("safetensors", "application/octet-stream"),
            FixedFile::Archive => ("zip", "application/zip"),
            FixedFile::Json => ("json", "application/json"),
            FixedFile::Note => ("txt", "text/plain; charset=utf-8"),
        }
    }

    pub(super) fn bytes(self) -> Bytes {
        match self {
            FixedFile::Weights => Bytes::from_static(NO_WEIGHTS),
            FixedFile::Archive => Bytes::from_static(EMPTY_ZIP),
            FixedFile::Json => Bytes::from_static(b"{}"),
            FixedFile::Note => Bytes::from_static(NOTE.as_bytes()),
        }
    }
}

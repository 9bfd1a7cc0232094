/// The host of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// `v3.fal.media`
    Cdn,
    /// `storage.googleapis.com`
    Gcs,
}

impl Host {
    /// Returns the folder of uploaded files, as a path that starts with the host.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Host::Cdn => "v3.fal.media/files/uploads/",
            Host::Gcs => "storage.googleapis.com/fal-emulator/",
        }
    }

    /// Returns the query parameter with the signature of a signed URL.
    pub(crate) fn signature_parameter(self) -> &'static str {
        match self {
            Host::Cdn => "signature",
            Host::Gcs => "X-Goog-Signature",
        }
    }
}

/// Where files lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    Cdn,
    Gcs,
}

impl Host {
    /// The parameter that signs its URLs.
    pub(crate) fn signature_parameter(self) -> &'static str {
        match self {
            Host::Cdn => "signature",
            Host::Gcs => "X-Goog-Signature",
        }
    }
}

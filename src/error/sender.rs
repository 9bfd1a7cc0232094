/// The sender of a request, as far as it matters to a refused key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    WithKey,
    Anonymous,
    /// A connection with a short-lived token.
    #[cfg(feature = "realtime")]
    WithToken,
    /// A client with a proxy URL. The key is the server's.
    ThroughProxy,
}

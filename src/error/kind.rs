/// The large groups of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client cannot be built as it is configured. Nothing was sent.
    Configuration,
    /// There is no key, or it cannot be had. Nothing was sent.
    Credentials,
    /// The endpoint's id has not the form `owner/app` or `owner/app/path`. Nothing was sent.
    EndpointId,
    /// The input breaks the endpoint's schema, or an option cannot have an effect. Nothing was sent.
    InvalidInput,
    /// A file cannot be read or written, was changed while it was sent, or is larger than it may be. No call was made.
    File,
    /// A URL in a response leads to a host that is not fal's; the key was not sent there.
    UntrustedUrl,
    /// No connection to the service could be made.
    Connect,
    /// A connection broke.
    Transport,
    /// A time ran out on this side.
    Timeout,
    /// The service answered with an error.
    Service,
    /// The service answered something that is not what the endpoint's schema or the protocol says.
    UnexpectedResponse,
}

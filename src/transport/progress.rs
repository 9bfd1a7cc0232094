/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransferProgress {
    /// How many bytes have gone. It never goes back, and is the total in the end: what has to be sent again after a failure
    /// counts once.
    pub bytes: u64,
    /// How many bytes there are, if that is known.
    pub total: Option<u64>,
}

/// What a caller wants to be told of a transfer.
pub(crate) type OnProgress<'a> = Box<dyn FnMut(TransferProgress) + Send + 'a>;

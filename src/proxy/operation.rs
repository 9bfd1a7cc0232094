/// The purpose of a request to a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// A direct run, or an output stream.
    Run,
    /// A submission to the queue.
    Submit,
    /// The status of a queued request, or its status stream.
    Status,
    /// The result of a queued request.
    Result,
    /// The cancellation of a queued request.
    Cancel,
    /// The URL of an upload.
    Upload,
    /// A token for browsers and apps.
    Token,
}

impl Operation {
    /// Returns true if fal bills the request once it has accepted it.
    pub(super) fn is_billable(self) -> bool {
        matches!(self, Operation::Run | Operation::Submit)
    }

    pub(super) fn has_body(self) -> bool {
        matches!(self, Operation::Run | Operation::Submit | Operation::Upload | Operation::Token)
    }

    /// The name in events.
    pub(super) fn name(self) -> &'static str {
        match self {
            Operation::Run => "run",
            Operation::Submit => "submit",
            Operation::Status => "status",
            Operation::Result => "result",
            Operation::Cancel => "cancel",
            Operation::Upload => "upload",
            Operation::Token => "token",
        }
    }
}

/// A call whose costs are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// A direct run.
    Run,
    /// A submission to the queue.
    Submit,
    /// A submission that is followed to its result.
    Subscribe,
    /// Following to the result.
    Wait,
    /// The status of a request.
    Status,
    /// The result of a request.
    Result,
    /// The cancellation of a request.
    Cancel,
    /// An output stream of [`EVENTS`](crate::EVENTS) events.
    Stream,
    /// An output stream of [`MANY_EVENTS`](crate::MANY_EVENTS) events.
    LongStream,
}

impl Call {
    /// All calls, except for the long stream.
    pub const ALL: [Call; 8] =
        [Call::Run, Call::Submit, Call::Subscribe, Call::Wait, Call::Status, Call::Result, Call::Cancel, Call::Stream];

    /// Returns the name in `bounds.toml` and BENCHMARKS.md.
    pub fn name(self) -> &'static str {
        match self {
            Call::Run => "run",
            Call::Submit => "submit",
            Call::Subscribe => "subscribe",
            Call::Wait => "wait",
            Call::Status => "status",
            Call::Result => "result",
            Call::Cancel => "cancel",
            Call::Stream => "stream",
            Call::LongStream => "long-stream",
        }
    }
}

use clap::ValueEnum;

/// The kinds of webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Event {
    /// The request succeeded
    Ok,
    /// The request failed
    Error,
    /// The request succeeded, and its output cannot be part of the webhook
    PayloadError,
}

impl Event {
    /// Returns the name, as the command line has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Event::Ok => "ok",
            Event::Error => "error",
            Event::PayloadError => "payload-error",
        }
    }
}

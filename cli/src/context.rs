//! What every command has: the settings and the terminal.

#[cfg(feature = "online")]
use crate::error::Error;
use crate::settings::Settings;
use crate::terminal::Terminal;

/// The surroundings of a command.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) settings: Settings,
    /// The error of the settings file, if the command works without it.
    #[cfg(feature = "online")]
    pub(crate) invalid_settings: Option<Error>,
    pub(crate) terminal: Terminal,
}

impl Context {
    pub(crate) fn new(settings: Settings, terminal: Terminal) -> Self {
        Context {
            settings,
            #[cfg(feature = "online")]
            invalid_settings: None,
            terminal,
        }
    }
}

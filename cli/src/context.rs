//! The settings and the terminal, which every command has.

use crate::settings::Settings;
use crate::terminal::Terminal;

/// The surroundings of a command.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) terminal: Terminal,
}

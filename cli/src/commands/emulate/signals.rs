//! The signals that arrive while a command runs.

#[cfg(unix)]
pub(crate) use self::unix::Signals;
#[cfg(not(unix))]
pub(crate) use self::windows::Signals;

/// The reaction to a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(unix), expect(dead_code, reason = "Ctrl-C kills nothing"))]
pub(crate) enum Action {
    None,
    /// Kill the command.
    Kill,
}

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io;

    use rustix::process::{Pid, Signal, getpgrp, kill_process};
    use rustix::termios::tcgetpgrp;
    use tokio::signal::unix::{SignalKind, signal};

    use super::Action;

    /// The signals that end a process. They do not end this one from now on.
    #[derive(Debug)]
    pub(crate) struct Signals {
        hang_up: tokio::signal::unix::Signal,
        interrupt: tokio::signal::unix::Signal,
        quit: tokio::signal::unix::Signal,
        terminate: tokio::signal::unix::Signal,
        /// A signal was passed on to the command.
        is_ending: bool,
    }

    impl Signals {
        /// Begins to receive signals. Must be called in a runtime.
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Signals {
                hang_up: signal(SignalKind::hangup())?,
                interrupt: signal(SignalKind::interrupt())?,
                quit: signal(SignalKind::quit())?,
                terminate: signal(SignalKind::terminate())?,
                is_ending: false,
            })
        }

        /// Waits for a signal, and passes the first one on to the command.
        ///
        /// A terminal sends its signals to the command as well. Whether a shell or a debugger ends by Ctrl-C is its decision.
        pub(crate) async fn next(&mut self, id: Option<u32>) -> Action {
            let (signal, is_key) = self.receive().await;
            if is_key && is_in_foreground() {
                return Action::None;
            }
            // `nohup` keeps a command from a signal that its terminal may send several times.
            if signal != Signal::HUP && std::mem::replace(&mut self.is_ending, true) {
                return Action::Kill;
            }
            let id = id.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
            if let Some(id) = id {
                // The command has ended meanwhile if it does not get the signal.
                let _ = kill_process(id, signal);
            }
            Action::None
        }

        /// Returns the next signal, and true if a key of the terminal may have sent it.
        async fn receive(&mut self) -> (Signal, bool) {
            tokio::select! {
                Some(()) = self.interrupt.recv() => (Signal::INT, true),
                Some(()) = self.quit.recv() => (Signal::QUIT, true),
                Some(()) = self.terminate.recv() => (Signal::TERM, false),
                Some(()) = self.hang_up.recv() => (Signal::HUP, false),
                else => std::future::pending().await,
            }
        }
    }

    /// Returns true if the keys of a terminal send signals to this process and its command.
    fn is_in_foreground() -> bool {
        let terminal = File::open("/dev/tty");
        terminal.is_ok_and(|terminal| tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp()))
    }
}

#[cfg(not(unix))]
mod windows {
    use std::io;

    use super::Action;

    /// Ctrl-C, which the command receives as well.
    #[derive(Debug)]
    pub(crate) struct Signals {}

    impl Signals {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Signals {})
        }

        /// Waits for Ctrl-C. Whether the command ends by it is its decision.
        pub(crate) async fn next(&mut self, _: Option<u32>) -> Action {
            match tokio::signal::ctrl_c().await {
                Ok(()) => Action::None,
                Err(_) => std::future::pending().await,
            }
        }
    }
}

//! The command that runs against the emulator.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::ExitStatus;

use tokio::process::{Child, Command};

use crate::commands::emulate::environment::Environment;
use crate::commands::emulate::signals::{Action, Signals};
use crate::error::{Error, Exit};

/// Runs a command to its end, with the streams of this process. Returns its exit code, or 128 and the signal that ended it, as
/// shells do.
///
/// The first signal of another process is passed on, and the second one kills the command.
///
/// # Errors
///
/// The command cannot be started: 127 if it is missing, and 126 otherwise.
pub(crate) async fn run(words: &[OsString], environment: &Environment) -> Result<u8, Error> {
    let (program, arguments) = words.split_first().map_or((OsStr::new(""), &[][..]), |(first, rest)| (first, rest));
    let mut signals =
        Signals::new().map_err(|error| Error::new(Exit::Failed, format!("cannot wait for Ctrl-C: {error}")))?;
    let mut child = start(program, arguments, environment).map_err(|error| not_started(program, &error))?;
    loop {
        let id = child.id();
        tokio::select! {
            status = child.wait() => return match status {
                Ok(status) => Ok(code(status)),
                Err(error) => Err(Error::new(Exit::Failed, format!("cannot wait for the command: {error}"))),
            },
            action = signals.next(id) => match action {
                // The command has ended meanwhile if it cannot be killed.
                Action::Kill => drop(child.start_kill()),
                Action::None => {}
            },
        }
    }
}

fn start(program: &OsStr, arguments: &[OsString], environment: &Environment) -> io::Result<Child> {
    let spawn = |program: &OsStr| {
        let mut command = Command::new(program);
        command.args(arguments).kill_on_drop(true);
        environment.apply(&mut command);
        command.spawn()
    };
    match spawn(program) {
        // On Windows, programs such as npm are scripts.
        Err(error) if cfg!(windows) && error.kind() == io::ErrorKind::NotFound => {
            spawn(&Path::new(program).with_extension("cmd").into_os_string()).map_err(|_| error)
        }
        spawned => spawned,
    }
}

/// Returns the error of a command that cannot be started.
fn not_started(program: &OsStr, error: &io::Error) -> Error {
    let (name, is_path) = (program.display(), Path::new(program).components().count() > 1);
    let is_missing = error.kind() == io::ErrorKind::NotFound;
    if !is_missing {
        let error = Error::new(Exit::NotExecutable, format!("cannot run `{name}`: {error}"));
        return error
            .help("after `--`, name a program, or an executable script that begins with a line such as `#!/bin/sh`");
    }
    if is_path && Path::new(program).exists() {
        let error = Error::new(Exit::NotExecutable, format!("cannot run `{name}`: its interpreter is missing"));
        return error.help("check the first line of the script");
    }
    let error = Error::new(Exit::CommandNotFound, format!("cannot run `{name}`: no such command"));
    let shell = if cfg!(windows) { "cmd /c" } else { "sh -c" };
    match is_path {
        true => error.help("check the path, which is relative to the working directory"),
        false => error.help(format!(
            "install it, or add its folder to PATH, which is `{}`; for what only a shell knows, use `{shell} '{name} …'`",
            std::env::var_os("PATH").unwrap_or_default().display(),
        )),
    }
}

#[cfg(unix)]
fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;

    // A command that has ended has either.
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

#[cfg(not(unix))]
fn code(status: ExitStatus) -> u8 {
    // Other codes, such as that of a crash, do not fit.
    u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)
}

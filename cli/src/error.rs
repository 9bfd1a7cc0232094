//! The error of a command: a message, a remedy, and the exit code.

use std::fmt;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

use crate::layout::plain;

/// The exit codes, which the help and the guide document. clap exits with 2 for wrong arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// A check found something, a job failed, or a file cannot be used.
    Failed = 1,
    /// The arguments or the settings are wrong.
    Usage = 2,
    /// The input is invalid. Nothing was sent.
    Invalid = 3,
    /// fal refuses the key or the account.
    Account = 4,
    /// fal cannot be reached, or asks to try again later.
    Network = 5,
    /// The budget does not allow the request. Nothing was sent.
    Budget = 6,
    /// The endpoint, job or file does not exist.
    NotFound = 7,
    /// The job is not finished, and can be continued.
    Unfinished = 8,
    /// The command of `emulate` cannot be executed.
    #[cfg(feature = "emulate")]
    NotExecutable = 126,
    /// The command of `emulate` does not exist.
    #[cfg(feature = "emulate")]
    CommandNotFound = 127,
    /// Interrupted by Ctrl-C.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// The error of a command.
#[derive(Clone, Debug)]
pub(crate) struct Error {
    pub(crate) exit: Exit,
    message: String,
    help: Option<String>,
    /// True if the message has a line for each finding in a document.
    is_about_documents: bool,
}

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HELP: Style = AnsiColor::Cyan.on_default().bold();

impl Error {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Error { exit, message: message.into(), help: None, is_about_documents: false }
    }

    /// Creates the error of findings in documents, which name their remedies.
    fn of_documents(message: String) -> Self {
        Error { is_about_documents: true, ..Error::new(Exit::Failed, message) }
    }

    /// Adds what to do, as a sentence without a full stop.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Creates the error of a file or folder: `cannot read `a.json`: …`.
    pub(crate) fn io(cannot: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Error::new(Exit::Failed, format!("cannot {cannot} `{}`: {error}", path.display()))
    }

    /// Returns the message, and the remedy in a line of its own, with colours.
    pub(crate) fn to_styled(&self) -> String {
        let mut text = match self.is_about_documents {
            // Each line begins with a file.
            true => plain_lines(&self.message),
            false => format!("{ERROR}error:{ERROR:#} {}", plain_lines(&self.message)),
        };
        if let Some(help) = &self.help {
            text.push_str(&format!("\n{HELP}help:{HELP:#} {}", plain_lines(help)));
        }
        text
    }

    /// Returns the message without what to do.
    #[cfg(feature = "online")]
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Returns the error as JSON.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "error": { "message": self.message, "help": self.help, "exit_code": self.exit as u8 } })
    }
}

/// Makes each line of a text [`plain`]. Messages have arguments, names of files, and words of the operating system.
fn plain_lines(text: &str) -> String {
    text.split('\n').map(plain).collect::<Vec<_>>().join("\n")
}

/// The message.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<fal_codegen::Error> for Error {
    fn from(error: fal_codegen::Error) -> Self {
        Error::of_documents(error.to_string())
    }
}

impl From<Vec<fal_documents::Finding>> for Error {
    fn from(findings: Vec<fal_documents::Finding>) -> Self {
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        Error::of_documents(lines.join("\n"))
    }
}

#[cfg(feature = "online")]
impl From<fal_client::Error> for Error {
    fn from(error: fal_client::Error) -> Self {
        Error::of_client(&error)
    }
}

/// Returns the remedy of a connection that could not be established.
#[cfg(feature = "online")]
pub(crate) fn connection_help(error: &fal_client::Error) -> &'static str {
    let words = error.to_string().to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    if has(&["certificate", "unknownissuer"]) {
        "the certificate is not valid or not trusted: set SSL_CERT_FILE to the authority of a proxy that inspects TLS, or install the \
         certificates of the system"
    } else if has(&["proxy"]) {
        "check the proxy variables HTTPS_PROXY, HTTP_PROXY and ALL_PROXY; NO_PROXY lists hosts that need no proxy"
    } else if has(&["127.0.0.1", "localhost", "[::1]"]) {
        "start the emulator with `cargo fal emulate`, or unset the FAL_ variables of the hosts"
    } else {
        "check the network, and the proxy if there is one"
    }
}

#[cfg(feature = "online")]
impl Error {
    fn of_client(error: &fal_client::Error) -> Self {
        use fal_client::ErrorKind;

        let is_status = |status: u16| error.status().is_some_and(|found| found == status);
        let (exit, help) = if error.kind() == ErrorKind::Credentials {
            return Error::of_key(error);
        } else if error.is_unauthorized() {
            (
                Exit::Account,
                "set FAL_KEY to a key of https://fal.ai/dashboard/keys; `cargo fal doctor` checks it".to_owned(),
            )
        } else if error.is_account_locked() {
            (Exit::Account, "`cargo fal doctor` shows the lock and the balance".to_owned())
        } else if error.is_permission_denied() {
            (
                Exit::Account,
                "use a key with the permission, of https://fal.ai/dashboard/keys; `cargo fal doctor` shows what this one may do"
                    .to_owned(),
            )
        } else if error.is_budget_exceeded() {
            (Exit::Budget, "raise `--max-cost`, or `budget` in fal.toml".to_owned())
        } else if error.is_invalid_input() {
            let help = error.endpoint().map(|id| format!("`cargo fal show {}` lists the fields", plain(id)));
            (Exit::Invalid, help.unwrap_or_else(|| "see `--help` of the command".to_owned()))
        } else if error.is_not_found() {
            (Exit::NotFound, "check the id; `cargo fal search WORDS` finds endpoints".to_owned())
        } else if error.is_cancelled() {
            return Error::new(Exit::Interrupted, error.to_string());
        } else if error.is_connect() || is_status(407) {
            (Exit::Network, format!("{}; `cargo fal doctor` checks the hosts", connection_help(error)))
        } else if error.is_rate_limited() {
            (Exit::Network, "wait, then try again with fewer requests in parallel".to_owned())
        } else if error.is_timeout() || error.is_retryable() {
            (Exit::Network, "try again later".to_owned())
        } else if error.kind() == ErrorKind::Configuration {
            (Exit::Usage, "correct the environment; `cargo fal doctor` checks it".to_owned())
        } else {
            return Error::new(Exit::Failed, error.to_string());
        };
        Error::new(exit, error.to_string()).help(help)
    }

    /// Creates the error of a key that is missing or malformed.
    fn of_key(error: &fal_client::Error) -> Self {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        match ["FAL_KEY", "FAL_KEY_ID", "FAL_KEY_SECRET"].into_iter().any(is_set) {
            true => Error::new(Exit::Account, error.to_string())
                .help("copy the key again from https://fal.ai/dashboard/keys; `cargo fal doctor` checks its shape"),
            // The message of the library is for programs.
            false => Error::new(Exit::Account, "missing API key: FAL_KEY is not set").help(
                "create a key at https://fal.ai/dashboard/keys, and run `export FAL_KEY=id:secret`; `cargo fal emulate` needs \
                 no key of fal's",
            ),
        }
    }
}

#[cfg(feature = "online")]
impl From<fal_jobs::Error> for Error {
    fn from(error: fal_jobs::Error) -> Self {
        Error::of_job(&error)
    }
}

#[cfg(feature = "online")]
impl Error {
    /// Converts the error of a job.
    pub(crate) fn of_job(error: &fal_jobs::Error) -> Self {
        use fal_jobs::ErrorKind;

        let key = error.key().map(crate::job_key::short).unwrap_or_default();
        // Automatic keys are long.
        let message = match error.key() {
            Some(whole) => error.to_string().replace(whole, &key),
            None => error.to_string(),
        };
        let (exit, help) = match error.kind() {
            ErrorKind::Input => (Exit::Invalid, error.client().and_then(|client| Error::of_client(client).help)),
            ErrorKind::Budget => (Exit::Budget, Some("raise `--max-cost`, or `budget` in fal.toml".to_owned())),
            ErrorKind::NotFound => (Exit::NotFound, Some("`cargo fal history` lists the jobs".to_owned())),
            ErrorKind::Timeout => (Exit::Unfinished, Some(format!("to follow the job, use `cargo fal watch {key}`"))),
            ErrorKind::Uncertain => (
                Exit::Unfinished,
                Some(format!("it may be billed, so it is not sent again; to decide, use `cargo fal status {key}`")),
            ),
            ErrorKind::File => (
                Exit::Failed,
                Some(format!(
                    "the job is completed; to save its files without another request, use `cargo fal result {key} --out DIR`"
                )),
            ),
            ErrorKind::KeyConflict => (Exit::Usage, Some("choose another `--key`".to_owned())),
            ErrorKind::Configuration => (Exit::Usage, None),
            // fal has rejected the input, or the model has failed.
            ErrorKind::Failed => match error.failure() {
                Some(failure) if failure.kind == fal_jobs::FailureKind::Rejected => match failure.status {
                    Some(404) => (
                        Exit::NotFound,
                        Some("fal may have removed the endpoint; `cargo fal update` checks it".to_owned()),
                    ),
                    _ => (Exit::Invalid, None),
                },
                _ => (Exit::Failed, None),
            },
            _ => match error.client() {
                Some(client) => return Error { message, ..Error::of_client(client) },
                None => (Exit::Failed, None),
            },
        };
        help.into_iter().fold(Error::new(exit, message), Error::help)
    }
}

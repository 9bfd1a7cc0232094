use std::fmt;
use std::io;
#[cfg(feature = "state")]
use std::path::{Path, PathBuf};

/// An error of [`EmulatorBuilder::start`](crate::EmulatorBuilder::start) or [`Emulator::answer`](crate::Emulator::answer).
///
/// ```
/// # async fn example() {
/// use fal_emulator::{Emulator, Error};
///
/// match Emulator::builder().schemas("schemas").port(4000).start().await {
///     Ok(emulator) => println!("listening on {}", emulator.base_url()),
///     Err(Error::Documents(errors)) => {
///         for error in errors {
///             eprintln!("{}: {}", error.file(), error.reason());
///         }
///     }
///     Err(error) => eprintln!("{error}"),
/// }
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Some documents are invalid. All of them are listed.
    Documents(Vec<DocumentError>),
    /// The port is not available.
    Listen {
        /// The requested port. 0 means any free one.
        port: u16,
        /// The error of the system.
        source: io::Error,
    },
    /// The folder of records cannot be used. All invalid records are listed.
    Records(Vec<DocumentError>),
    /// The certificate authority cannot be made.
    #[cfg(feature = "tls")]
    Certificates(Box<dyn std::error::Error + Send + Sync>),
    /// The state file cannot be used.
    #[cfg(feature = "state")]
    State {
        /// The file.
        file: PathBuf,
        /// The reason, and what to do.
        reason: String,
    },
    /// The client for the emulator cannot be built.
    Client(fal_client::Error),
    /// The emulator has no document of this endpoint.
    UnknownEndpoint(String),
    /// An output does not fit the endpoint's document.
    InvalidOutput {
        /// The endpoint id.
        endpoint: String,
        /// The violation, and where it is.
        reason: String,
    },
}

/// An invalid document, or an invalid record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentError {
    file: String,
    reason: String,
}

impl DocumentError {
    pub(crate) fn new(file: impl Into<String>, reason: impl Into<String>) -> Self {
        DocumentError { file: printable(&file.into()), reason: printable(&reason.into()) }
    }

    /// Returns the file, or `document 1` and so on for documents that were added as strings. Control characters are escaped.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Returns the reason why the document is invalid. Control characters are escaped, and long reasons are cut.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// The longest text of an error, in characters.
const MAX_TEXT: usize = 4_096;

/// Escapes control characters. A document is not trusted, and its errors are printed.
fn printable(text: &str) -> String {
    let mut printable = String::new();
    for c in text.chars().take(MAX_TEXT) {
        let is_hidden =
            c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if is_hidden { printable.extend(c.escape_default()) } else { printable.push(c) }
    }
    if text.chars().nth(MAX_TEXT).is_some() {
        printable.push('…');
    }
    printable
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.reason)
    }
}

impl std::error::Error for DocumentError {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Documents(errors) => {
                f.write_str("invalid documents:")?;
                errors.iter().try_for_each(|error| write!(f, "\n  {error}"))
            }
            Error::Records(errors) => {
                f.write_str("invalid records:")?;
                errors.iter().try_for_each(|error| write!(f, "\n  {error}"))
            }
            Error::Listen { port, source } => {
                write!(f, "cannot listen on 127.0.0.1:{port}: {source}; choose another port, or 0 for a free one")
            }
            #[cfg(feature = "tls")]
            Error::Certificates(source) => write!(f, "cannot make a certificate authority: {source}"),
            #[cfg(feature = "state")]
            Error::State { file, reason } => write!(f, "cannot use the state file {}: {reason}", file.display()),
            Error::Client(source) => write!(f, "cannot build the client for the emulator: {source}"),
            Error::UnknownEndpoint(id) => {
                write!(f, "unknown endpoint `{id}`: choose one of `Emulator::endpoints`, or start with its document")
            }
            Error::InvalidOutput { endpoint, reason } => write!(
                f,
                "invalid output of `{endpoint}`: {reason}; for an output that breaks the document, use \
                 `Fault::outcome(200).json(…)`"
            ),
        }
    }
}

impl Error {
    #[cfg(feature = "tls")]
    pub(crate) fn certificates(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Error::Certificates(source.into())
    }

    #[cfg(feature = "state")]
    pub(crate) fn state(file: &Path, reason: String) -> Self {
        Error::State { file: file.to_owned(), reason: printable(&reason) }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Documents(_) | Error::Records(_) | Error::UnknownEndpoint(_) | Error::InvalidOutput { .. } => None,
            #[cfg(feature = "state")]
            Error::State { .. } => None,
            Error::Listen { source, .. } => Some(source),
            #[cfg(feature = "tls")]
            Error::Certificates(source) => Some(&**source),
            Error::Client(source) => Some(source),
        }
    }
}

use std::fmt;
use std::io;

/// Why an emulator did not start.
///
/// ```
/// # async fn example() {
/// use fal_emulator::{Emulator, Error};
///
/// match Emulator::builder().schemas("schemas").port(4000).start().await {
///     Ok(emulator) => println!("{} is ready", emulator.base_url()),
///     Err(Error::Documents(problems)) => {
///         for problem in problems {
///             eprintln!("{}: {}", problem.file(), problem.reason());
///         }
///     }
///     Err(error) => eprintln!("{error}"),
/// }
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Documents that cannot be served, all of them at once.
    Documents(Vec<DocumentError>),
    /// The port cannot be listened on.
    Listen {
        /// The port that was asked for; 0 is any free one.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The client for this emulator cannot be built.
    Client(fal_client::Error),
}

/// A document that cannot be served, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentError {
    file: String,
    reason: String,
}

impl DocumentError {
    pub(crate) fn new(file: impl Into<String>, reason: impl Into<String>) -> Self {
        DocumentError { file: file.into(), reason: reason.into() }
    }

    /// The file, or the name that stands for a document given as text.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// What is wrong with it.
    pub fn reason(&self) -> &str {
        &self.reason
    }
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
            Error::Documents(problems) => {
                f.write_str("the emulator cannot serve these documents:")?;
                problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
            }
            Error::Listen { port, source } => write!(f, "the emulator cannot listen on 127.0.0.1:{port}: {source}"),
            Error::Client(source) => write!(f, "the emulator's client cannot be built: {source}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Documents(_) => None,
            Error::Listen { source, .. } => Some(source),
            Error::Client(source) => Some(source),
        }
    }
}

use std::sync::OnceLock;

use crate::documents::document::Document;
use crate::input::judge::Judge;

/// An endpoint: its document, and the validator of its inputs.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) document: Document,
    /// The application that the endpoint belongs to: `fal-ai/flux`.
    pub(crate) app: String,
    judge: OnceLock<Result<Judge, String>>,
}

impl Endpoint {
    pub(crate) fn new(document: Document) -> Self {
        let app = document.app();
        Endpoint { document, app, judge: OnceLock::new() }
    }

    /// Returns the validator of the inputs. Compiled on first use, because that takes longer than reading a document.
    pub(crate) fn judge(&self) -> Result<&Judge, &str> {
        self.judge.get_or_init(|| Judge::new(&self.document)).as_ref().map_err(String::as_str)
    }
}

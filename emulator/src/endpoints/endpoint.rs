use std::sync::OnceLock;

use fal_documents::Validator;

use crate::documents::document::Document;
use crate::endpoints::workflow::Workflow;

/// An endpoint: its document, and the validator of its inputs.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) document: Document,
    /// The application that the endpoint belongs to: `fal-ai/flux`.
    pub(crate) app: String,
    /// The nodes, if the endpoint is a workflow of which they are known.
    pub(crate) workflow: Option<Workflow>,
    validator: OnceLock<Result<Validator, String>>,
}

impl Endpoint {
    pub(crate) fn new(document: Document) -> Self {
        let app = document.app();
        Endpoint { document, app, workflow: None, validator: OnceLock::new() }
    }

    /// Returns the validator of the inputs. Compiled on first use, because that takes longer than reading a document.
    pub(crate) fn validator(&self) -> Result<&Validator, &str> {
        let validator = self.validator.get_or_init(|| Validator::of_input(&self.document.schemas));
        validator.as_ref().map_err(String::as_str)
    }
}

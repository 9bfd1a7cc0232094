/// The entry of an endpoint in the list of models, `GET /api.fal.ai/v1/models`.
///
/// ```
/// # fn example(emulator: &fal_emulator::Emulator) {
/// use fal_emulator::ModelEntry;
///
/// emulator.set_model("fal-ai/flux/dev/redux", ModelEntry::default().deprecated().without_document());
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelEntry {
    pub(crate) is_deprecated: bool,
    pub(crate) lacks_metadata: bool,
    pub(crate) lacks_document: bool,
    pub(crate) lacks_expansion: bool,
}

impl ModelEntry {
    /// Sets the status `deprecated`. Default: `active`.
    pub fn deprecated(mut self) -> Self {
        self.is_deprecated = true;
        self
    }

    /// Leaves the metadata out, as fal does for endpoints that its registry does not have.
    pub fn without_metadata(mut self) -> Self {
        self.lacks_metadata = true;
        self
    }

    /// Removes the endpoint's OpenAPI document: the list has the error `expansion_failed`, and the website responds with 404.
    pub fn without_document(mut self) -> Self {
        self.lacks_document = true;
        self
    }

    /// Puts the error `expansion_failed` in the place of the endpoint's OpenAPI document. The website still serves it.
    pub fn without_expansion(mut self) -> Self {
        self.lacks_expansion = true;
        self
    }
}

//! Outputs, made from the document and the input.

mod file_kind;
mod length;
pub(crate) mod limits;
pub(crate) mod maker;
pub(crate) mod scripted;
pub(crate) mod series;
pub(crate) mod sources;
pub(crate) mod spec;
mod texts;
mod untyped;

#[cfg(test)]
mod tests {
    use fal_documents::Validator;
    use serde_json::json;

    use crate::endpoints::catalog::Catalog;
    use crate::output::maker::make;
    use crate::output::spec::OutputSpec;
    use crate::urls::Urls;

    #[test]
    fn outputs_fit_the_document() -> Result<(), Box<dyn std::error::Error>> {
        let catalog = Catalog::shipped()?;
        for id in catalog.ids() {
            let endpoint = catalog.endpoint(id).ok_or(id)?;
            let document = &endpoint.document;
            let validator = Validator::of_output(&document.schemas)?;
            for input in [
                json!({}),
                json!({ "prompt": "a", "seed": 1, "num_images": 3, "sync_mode": true, "image_size": "square" }),
            ] {
                let output = make(document, &OutputSpec::new(document, &input, None, None, 0), &Urls::Real)?.output;
                assert_eq!(validator.first_error(&output), None, "{id}");
            }
        }
        Ok(())
    }
}

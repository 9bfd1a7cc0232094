//! Outputs, and the files that they refer to, made from the document and the input.

mod canvas;
mod maker;
mod media;
mod picture;
mod raster;
mod sources;
mod wanted;

pub(crate) use maker::{Made, make};
pub(crate) use media::MediaFile;
pub(crate) use sources::{Source, Sources};
pub(crate) use wanted::Wanted;

#[cfg(test)]
mod tests {
    use jsonschema::Draft;
    use serde_json::json;

    use super::{Wanted, make};
    use crate::documents::Catalog;

    #[test]
    fn what_is_made_fits_the_document() -> Result<(), Box<dyn std::error::Error>> {
        let catalog = Catalog::shipped()?;
        for id in catalog.ids() {
            let endpoint = catalog.endpoint(id).ok_or(id)?;
            let document = &endpoint.document;
            let validator =
                jsonschema::options().with_draft(Draft::Draft202012).build(&document.whole(&document.output))?;
            for input in [
                json!({}),
                json!({ "prompt": "a", "seed": 1, "num_images": 3, "sync_mode": true, "image_size": "square" }),
            ] {
                let output = make(document, &Wanted::new(document, &input, None, None), "http://127.0.0.1:1")?.output;
                validator.validate(&output).map_err(|error| format!("{id}: {error}"))?;
            }
        }
        Ok(())
    }
}

//! Limits of an output, on the images that it refers to or contains.

use fal_documents::validate::Violation;
use serde_json::{Value, json};

use crate::documents::document::Document;
use crate::output::spec::OutputSpec;

/// The most images that an input may request.
pub(super) const MAX_IMAGES: u64 = 100;
/// The most pixels of all images of an output.
pub(super) const MAX_PIXELS: u64 = 128 << 20;
/// The most bytes of all files that an output contains as data URIs.
pub(super) const MAX_INLINE_BYTES: usize = 64 << 20;

/// Returns why an input requests more than the emulator makes.
pub(crate) fn violations(document: &Document, input: &Value) -> Vec<Value> {
    let spec = OutputSpec::new(document, input, None, None, 0);
    let pixels = spec.size.map_or(0, |(width, height)| u64::from(width) * u64::from(height));
    let (max, what) = if spec.requested > MAX_IMAGES {
        (MAX_IMAGES, "images")
    } else if spec.requested.saturating_mul(pixels) > MAX_PIXELS {
        (MAX_PIXELS, "pixels")
    } else {
        return Vec::new();
    };
    let violation = Violation::new("value_error", format!("The emulator's limit is {max} {what} in a request"));
    vec![violation.detail(json!(["body", "num_images"]), input.get("num_images"))]
}

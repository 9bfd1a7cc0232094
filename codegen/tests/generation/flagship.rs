//! The flagship endpoint that fal-client ships. A plain `cargo build` at the root of the repository updates `generated/`.

use std::fs;
use std::path::Path;

use crate::project::Project;

const DOCUMENT: &str = "fal-ai/fast-sdxl-controlnet-canny/inpainting.json";
const MODULE: &str = "fal_ai/fast_sdxl_controlnet_canny/inpainting.rs";

#[test]
fn flagship_matches_the_shipped_module() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let project = Project::new(&[]);
    project.put(DOCUMENT, fs::read(root.join("schemas").join(DOCUMENT)).unwrap());
    project.builder().module_path("fal_client::endpoints").generate().unwrap();
    let shipped = fs::read_to_string(root.join("generated").join(MODULE)).unwrap();
    let shipped = shipped.replace("\r\n", "\n");
    assert_eq!(shipped, project.files()[MODULE], "generated/ is out of date; run `cargo build` at the root");
}

//! The shipped flagship endpoint, from the repository's `schemas/` and byte by byte: what a change of the generator does to
//! it is seen in a review. `BLESS=1 cargo test -p fal-codegen flagship` writes the golden file anew.

use std::fs;
use std::path::Path;

use crate::project::Project;

const PATH: &str = "fal-ai/fast-sdxl-controlnet-canny/inpainting.json";

#[test]
fn the_flagship_gives_its_golden_file() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = here.parent().unwrap().join("schemas").join(PATH);
    let project = Project::new(&[]);
    project.put(PATH, fs::read(document).unwrap());
    project.generate();
    let found = project.files()["fal_ai/fast_sdxl_controlnet_canny/inpainting.rs"].clone();
    let golden = here.join("tests/flagship.rs.txt");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&golden, &found).unwrap();
    }
    assert_eq!(fs::read_to_string(golden).unwrap().replace("\r\n", "\n"), found);
}

//! Values that setters take, and the errors of values that are parsed.

use std::path::{Path, PathBuf};

use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting::ImageSizePreset;
use fal_client::{Error, ErrorKind, ErrorType, FileInput};

#[test]
fn a_path_is_a_local_file_and_a_string_is_not() {
    let local = FileInput::path("room.png");
    assert_eq!(FileInput::from(Path::new("room.png")), local);
    assert_eq!(FileInput::from(PathBuf::from("room.png")), local);
    assert_eq!(FileInput::from(&PathBuf::from("room.png")), local);
    assert_ne!(FileInput::from("room.png"), local);
}

#[test]
fn an_undeclared_value_becomes_an_error_of_the_client() {
    fn size(name: &str) -> Result<ImageSizePreset, Error> {
        Ok(name.parse::<ImageSizePreset>()?)
    }
    fn error_type(name: &str) -> Result<ErrorType, Error> {
        Ok(name.parse()?)
    }
    assert_eq!(size("square_hd").expect("a size"), ImageSizePreset::SquareHd);
    let error = size("huge").expect_err("undeclared");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().starts_with("unknown value \"huge\": expected one of [\"square_hd\", "), "{error}");
    assert!(error_type("huge").expect_err("undeclared").is_invalid_input());
}

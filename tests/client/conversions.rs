//! Values that setters take, and the errors of values that are parsed.

use std::path::{Path, PathBuf};

use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting::{
    ImageSizeChoice, ImageSizePreset, Input, InputBuilder, LoraWeight,
};
use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::{Error, ErrorKind, ErrorType, FileInput, ImageSize};
use serde_json::{Value, json};

use crate::support::emulator::start_instant;

/// Lists of every kind of item.
#[fal_client::input]
pub(crate) struct Parts {
    pub(crate) words: Option<Vec<String>>,
    pub(crate) grid: Option<Vec<Vec<f64>>>,
    pub(crate) files: Option<Vec<FileInput>>,
    pub(crate) sizes: Option<Vec<ImageSize>>,
    pub(crate) names: Option<Vec<ImageSizePreset>>,
    pub(crate) unions: Option<Vec<WordOrNumber>>,
}

#[fal_client::input_union]
pub(crate) enum WordOrNumber {
    Word(String),
    Number(f64),
}

/// The fields of a builder that are set, of those that are optional.
fn json(builder: InputBuilder) -> Value {
    let required = builder.prompt("").control_image_url("").image_url("").mask_url("");
    let mut json = serde_json::to_value(required.build()).expect("JSON");
    for name in ["prompt", "control_image_url", "image_url", "mask_url"] {
        json.as_object_mut().expect("an object").remove(name);
    }
    json
}

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

fn builder() -> InputBuilder {
    Input::builder()
}

#[test]
fn setters_of_options_take_what_the_plain_setters_take() {
    let plain = builder().seed(1_u32).num_images(2_i64).strength(0.5_f32).negative_prompt("a").image_size((8, 9));
    let maybe = builder()
        .maybe_seed(Some(1_i64))
        .maybe_num_images(Some(2_u32))
        .maybe_strength(Some(0.5_f32))
        .maybe_negative_prompt(Some("a"))
        .maybe_image_size(Some((8, 9)));
    assert_eq!(json(maybe), json(plain));
    let unset = builder()
        .maybe_seed(None::<i64>)
        .maybe_loras(None::<[LoraWeight; 0]>)
        .maybe_image_size(None::<ImageSizePreset>);
    assert_eq!(json(unset), json(builder()));
}

#[test]
fn lists_take_arrays_and_iterators_of_what_converts() {
    let paths = ["a", "b"];
    let loras = builder().loras(paths.iter().map(|path| LoraWeight::new(*path)));
    assert_eq!(json(loras)["loras"], json!([{ "path": "a" }, { "path": "b" }]));
    assert_eq!(json(builder().loras([]))["loras"], json!([]));
    assert_eq!(json(builder().maybe_loras(Some([])))["loras"], json!([]));

    let parts = Parts::builder()
        .words(["a", "b"])
        .grid([[1, 2], [3, 4]])
        .files([Path::new("a.png")])
        .sizes([(1, 2)])
        .names([])
        .unions(["a"])
        .build();
    assert_eq!(
        (parts.words.as_deref(), parts.grid),
        (Some(&["a".to_owned(), "b".to_owned()][..]), Some(vec![vec![1.0, 2.0], vec![3.0, 4.0]]))
    );
    assert_eq!(parts.files, Some(vec![FileInput::path("a.png")]));
    assert_eq!(parts.sizes, Some(vec![ImageSize::new(1, 2)]));
    assert_eq!((parts.names, parts.unions), (Some(Vec::new()), Some(vec![WordOrNumber::Word("a".to_owned())])));
    let strings = vec!["a".to_owned()];
    assert_eq!(Parts::builder().words(&strings).build().words, Some(strings));
}

#[test]
fn conversions_of_a_user_are_taken() {
    struct Upload;
    impl From<Upload> for FileInput {
        fn from(_: Upload) -> Self {
            FileInput::bytes("a", "text/plain")
        }
    }
    fn sized(size: impl Into<ImageSizeChoice>) -> InputBuilder {
        builder().image_size(size)
    }
    let input =
        Input::builder().prompt("a").control_image_url(Upload).image_url(Upload).mask_url("https://example.com/a.png");
    assert_eq!(input.build().image_url, FileInput::bytes("a", "text/plain"));
    assert_eq!(json(sized((8, 9)))["image_size"], json!({ "width": 8, "height": 9 }));
}

#[tokio::test]
async fn an_input_is_sent_several_times() {
    let emulator = start_instant().await;
    let redux = emulator.client().endpoint(redux::ENDPOINT);
    let input = redux::Input::builder().image_url("https://example.com/a.png").build();
    redux.run(&input).await.expect("a response");
    redux.subscribe(&input).await.expect("a response");
}

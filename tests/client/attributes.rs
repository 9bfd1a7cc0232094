//! Hand-written types with the attributes of generated code.

use std::collections::BTreeMap;

use fal_client::{Endpoint, EndpointInput, FileInput, Nullable};
use serde_json::{Value, json};

use self::canvas::Canvas;
use crate::support::emulator::start_instant;

/// An input with each kind of field.
#[fal_client::input]
pub struct Input {
    /// A required string.
    #[field(length(1, 5), pattern("^a"))]
    pub word: String,
    /// A required list.
    #[field(items(1, 2), unique_items, each(range(0, 9)))]
    pub numbers: Vec<i64>,
    /// A required file with a name of its own in JSON.
    #[field(name = "type")]
    pub file: FileInput,
    /// A field with the name of another field's setter.
    pub maybe_seed: Option<bool>,
    /// A large integer.
    pub seed: Option<i128>,
    /// A value that may be null.
    #[field(above(0), multiple_of(0.5))]
    pub duration: Option<Nullable<f64>>,
    /// An object.
    pub source: Option<Source>,
    /// A map.
    #[field(each(max(1)))]
    pub weights: Option<BTreeMap<String, f64>>,
    /// Anything.
    pub anything: Option<Value>,
    /// A size.
    #[field(width(min(64)), height(one_of(64, 128)))]
    pub size: Option<fal_client::ImageSize>,
}

/// An input with a size that has both sides.
mod canvas {
    /// An input.
    #[fal_client::input]
    pub struct Canvas {
        /// The size.
        #[field(width(required, min(64)), height(required))]
        pub size: fal_client::ImageSize,
    }
}

/// A union of objects.
#[fal_client::input_union]
pub enum Source {
    /// A camera.
    #[variant(requires("kind"), tag("kind" = "camera", "webcam"))]
    Camera(Camera),
    /// A file.
    #[variant(requires("kind", "url"), tag("kind" = "file"))]
    Upload(Upload),
    /// A name.
    #[variant(any_string)]
    Named(Name),
}

/// A camera.
#[fal_client::input_object]
pub struct Camera {
    /// The kind of source.
    pub kind: String,
    /// The lens.
    pub lens: Option<i64>,
}

/// A file.
#[fal_client::input_object]
pub struct Upload {
    /// The kind of source.
    pub kind: String,
    /// The file.
    pub url: FileInput,
}

/// A name.
#[fal_client::open_enum(any_string)]
pub enum Name {
    /// The default.
    #[value("default")]
    Default,
}

/// Fields with the names of keywords.
#[fal_client::input_object]
pub struct Clip {
    /// Repeats the clip.
    #[field(name = "loop")]
    pub loop_: Option<bool>,
    /// The kind of clip.
    pub r#type: Option<Nullable<String>>,
    /// Another kind.
    pub type_: Option<String>,
}

/// An output.
#[fal_client::output]
pub struct Output {
    /// The words.
    pub words: Vec<String>,
}

fn input() -> InputBuilder<fal_client::Given, fal_client::Given, fal_client::Given> {
    Input::builder().word("abc").numbers([1, 2]).file("https://example.com/a.png")
}

#[test]
fn setters_take_values_options_and_nulls() {
    let input = input().seed(7).maybe_seed(true).maybe_seed_(Some(8)).null_duration().weights([("a".to_owned(), 0.5)]);
    let input = input.source("anything at all").anything(json!([1])).size((64, 64));
    assert_eq!(
        serde_json::to_value(input.build()).expect("JSON"),
        json!({
            "word": "abc", "numbers": [1, 2], "type": "https://example.com/a.png", "maybe_seed": true, "seed": 8,
            "duration": null, "weights": { "a": 0.5 }, "source": "anything at all", "anything": [1],
            "size": { "width": 64, "height": 64 },
        })
    );
}

#[test]
fn setters_of_keywords_have_no_underscore_where_the_name_is_free() {
    let clip = Clip::new().maybe_loop(Some(true)).maybe_type(None::<String>).null_type().maybe_type_(Some("b"));
    assert_eq!(serde_json::to_value(clip).expect("JSON"), json!({ "loop": true, "type": null, "type_": "b" }));
}

#[test]
fn required_sides_of_a_size_are_checked() {
    let parse = |json| serde_json::from_value::<Canvas>(json).expect("a canvas");
    let missing = parse(json!({ "size": { "width": 64 } })).validate().expect_err("a side is missing");
    assert_eq!(missing.errors()[0].path(), "size.height");
    assert_eq!(missing.errors()[0].error_type.as_str(), "missing");
    assert!(parse(json!({ "size": { "width": 64, "height": 1 } })).validate().is_ok());
    assert!(Canvas::builder().size((64, 1)).build().validate().is_ok());
}

#[test]
fn every_rule_is_checked() {
    let wrong = Input::builder().word("bbbbbb").numbers([1, 1, 10]).file("a.png").duration(-0.3);
    let wrong = wrong.weights([("a".to_owned(), 2.0)]).size((1, 1)).build();
    let found: Vec<String> =
        wrong.validate().expect_err("violations").errors().iter().map(|error| error.path()).collect();
    assert_eq!(
        found,
        [
            "word",
            "word",
            "numbers",
            "numbers",
            "numbers[2]",
            "type",
            "duration",
            "duration",
            "weights.a",
            "size.width",
            "size.height"
        ]
    );
    assert!(input().duration(1.5).size((64, 128)).build().validate().is_ok());
}

#[test]
fn tags_select_a_variant_whatever_the_order_of_keys() {
    let source: Source =
        serde_json::from_value(json!({ "url": "https://e.com/a", "kind": "file" })).expect("an upload");
    assert_eq!(source, Source::Upload(Upload::builder().kind("file").url("https://e.com/a").build()));
    let source: Source = serde_json::from_value(json!({ "lens": 50, "kind": "webcam" })).expect("a camera");
    assert_eq!(source, Source::from(Camera::new("webcam").lens(50)));
}

/// A union with the name of a type parameter in many macros.
#[fal_client::input_union]
pub enum W {
    /// A size.
    Size(fal_client::ImageSize),
    /// A list.
    S(Vec<S>),
}

/// Another such name, and a required value that may be null.
#[fal_client::input_object]
pub struct S {
    /// A number or null.
    pub number: Nullable<i64>,
}

#[test]
fn short_names_do_not_collide_with_expansions() {
    assert_eq!(serde_json::to_value(W::from((1, 2))).expect("JSON"), json!({ "width": 1, "height": 2 }));
}

#[test]
fn a_required_null_survives_a_round_trip() {
    for number in [Nullable::Null, Nullable::Value(1)] {
        let json = serde_json::to_value(S::builder().maybe_number(number.value().copied()).build()).expect("JSON");
        assert_eq!(serde_json::from_value::<S>(json).expect("an object").number, number);
    }
    assert!(serde_json::from_value::<S>(json!({})).is_err());
}

#[test]
fn files_are_found_with_their_paths() {
    let mut input = input().source(Upload::builder().url(vec![1_u8]).kind("file").build()).build();
    let mut paths = Vec::new();
    input.visit_files(&mut |path, _| paths.push(path.to_owned()));
    assert_eq!(paths, ["type", "source.url"]);
}

#[tokio::test]
async fn a_hand_written_endpoint_is_called_like_a_generated_one() {
    let emulator = start_instant().await;
    let redux = Endpoint::<Redux, Images>::new("fal-ai/flux/dev/redux");
    let call = emulator.client().endpoint(redux).subscribe(Redux::builder().image_url(vec![1_u8, 2, 3]).num_images(2));
    assert_eq!(call.await.expect("a response").data.images.len(), 2);
}

/// A part of the input of a shipped endpoint.
#[fal_client::input]
pub struct Redux {
    /// The image.
    pub image_url: FileInput,
    /// The number of images.
    #[field(range(1, 4))]
    pub num_images: Option<i64>,
}

/// A part of the output of a shipped endpoint.
#[fal_client::output]
pub struct Images {
    /// The images.
    pub images: Vec<fal_client::Image>,
}

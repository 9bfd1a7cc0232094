//! Required fields that may be null, and objects with several required fields.

use fal_client::{FileInput, Nullable};
use serde_json::json;

/// An input with fields that are required and may be null.
#[fal_client::input]
pub struct Input {
    /// The side of the light.
    pub side: Nullable<Side>,
    /// The mask.
    pub mask_url: Nullable<FileInput>,
    /// The number of steps.
    #[field(min(1))]
    pub steps: Nullable<i64>,
    /// The area.
    pub area: Option<Area>,
    /// Further areas.
    pub areas: Option<Vec<Area>>,
    /// The note.
    pub note: Option<Note>,
}

/// A side.
#[fal_client::open_enum]
pub enum Side {
    /// Left.
    #[value("left")]
    Left,
}

/// An object with several required fields.
#[fal_client::input_object]
pub struct Area {
    /// The left edge.
    #[field(min(0))]
    pub left: f64,
    /// The right edge.
    pub right: f64,
    /// The label.
    pub label: Option<String>,
}

/// An object with one required field, which may be null.
#[fal_client::input_object]
pub struct Note {
    /// The text.
    pub text: Nullable<String>,
}

/// An output with objects that the input has too.
#[fal_client::output]
pub struct Output {
    /// The picture.
    pub image: fal_client::Image,
    /// The note.
    pub note: Option<Note>,
    /// The count.
    pub count: Option<Count>,
    /// The counts.
    pub counts: Vec<Count>,
}

/// An object with a required number, which has no empty value.
#[fal_client::input_object]
pub struct Count {
    /// The number.
    pub number: i64,
}

fn area() -> AreaBuilder<fal_client::Given, fal_client::Given> {
    Area::builder().right(2).left(1)
}

#[test]
fn null_and_value_are_both_sent() {
    let nulls = Input::builder().null_side().maybe_mask_url(None::<&str>).null_steps().build();
    assert!(nulls.validate().is_ok());
    assert_eq!(serde_json::to_value(&nulls).expect("JSON"), json!({ "side": null, "mask_url": null, "steps": null }));

    let values = Input::builder().side(Side::Left).mask_url("https://e.com/m.png").maybe_steps(Some(3)).build();
    assert!(values.validate().is_ok());
    assert_eq!(
        serde_json::to_value(&values).expect("JSON"),
        json!({ "side": "left", "mask_url": "https://e.com/m.png", "steps": 3 })
    );
    assert_eq!(values.side, Nullable::Value(Side::Left));
}

#[test]
fn absent_key_is_refused_and_null_is_read() {
    let read = |json| serde_json::from_value::<Input>(json);
    let error = read(json!({ "side": null, "steps": 1 })).expect_err("a key is missing");
    assert!(error.to_string().contains("missing field `mask_url`"), "{error}");
    let input = read(json!({ "side": null, "mask_url": null, "steps": null })).expect("an input");
    assert_eq!(input, Input::builder().null_side().null_mask_url().null_steps().build());
    let error =
        read(json!({ "side": null, "mask_url": null, "steps": null, "note": {} })).expect_err("a key is missing");
    assert!(error.to_string().contains("missing field `text`"), "{error}");
}

#[test]
fn values_of_nullable_fields_are_validated() {
    let input = Input::builder().null_side().mask_url("m.png").steps(0).build();
    let error = input.validate().expect_err("violations");
    let paths: Vec<String> = error.errors().iter().map(|error| error.path()).collect();
    assert_eq!(paths, ["mask_url", "steps"]);
}

#[test]
fn objects_are_built_by_name_and_accepted_unbuilt() {
    let built = area().label("a").build();
    assert_eq!((built.left, built.right, built.label.as_deref()), (1.0, 2.0, Some("a")));
    let input = Input::builder().null_side().null_mask_url().null_steps();
    let input =
        input.area(area()).areas([area().build(), area().label("b").build()]).note(Note::builder().null_text()).build();
    assert_eq!(
        serde_json::to_value(&input).expect("JSON"),
        json!({
            "side": null, "mask_url": null, "steps": null, "area": { "left": 1.0, "right": 2.0 },
            "areas": [{ "left": 1.0, "right": 2.0 }, { "left": 1.0, "right": 2.0, "label": "b" }],
            "note": { "text": null },
        })
    );
    let wrong = Input::builder().null_side().null_mask_url().null_steps().area(area().left(-1)).build();
    assert_eq!(wrong.validate().expect_err("a violation").errors()[0].path(), "area.left");
}

#[test]
fn object_of_the_input_does_not_cost_the_rest_of_an_output() {
    let read = |json| serde_json::from_value::<Output>(json).expect("an output");
    let image = json!({ "url": "https://e.com/a.png" });
    let output =
        read(json!({ "image": image, "note": {}, "count": {}, "counts": [{ "number": 1 }, {}, { "number": 2 }] }));
    assert_eq!(output.image.url, "https://e.com/a.png");
    assert_eq!((output.note.map(|note| note.text), output.count), (Some(Nullable::Null), None));
    assert_eq!(output.counts.iter().map(|count| count.number).collect::<Vec<_>>(), [1, 2]);
    let output = read(json!({ "image": image, "note": { "text": "a" }, "count": { "number": "x" }, "counts": [] }));
    assert_eq!(output.note.map(|note| note.text), Some(Nullable::Value("a".to_owned())));
    assert_eq!(output.count, None);
}

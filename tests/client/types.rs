//! The generated types of the shipped endpoints: building, parsing, serialization and validation.

#![allow(clippy::unwrap_used)]

use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting::{
    self, ImageSizeChoice, ImageSizePreset, Input, LoraWeight, Output,
};
use fal_client::endpoints::fal_ai::flux;
use fal_client::{EndpointInput, FieldError, FileInput, Image, ImageSize};
use serde_json::{Value, json};

const URL: &str = "https://example.com/room.png";

fn minimal() -> Input {
    Input::builder().prompt("Ice fortress").control_image_url(URL).image_url(URL).mask_url(URL).build()
}

fn minimal_json() -> Value {
    json!({ "prompt": "Ice fortress", "control_image_url": URL, "image_url": URL, "mask_url": URL })
}

fn with(field: &str, value: Value) -> Value {
    let mut json = minimal_json();
    json[field] = value;
    json
}

/// Returns the violations that `validate` finds.
fn violations(json: Value) -> Vec<FieldError> {
    let input: Input = serde_json::from_value(json).unwrap();
    input.validate().unwrap_err().into_errors()
}

#[test]
fn only_set_fields_are_sent() {
    assert_eq!(serde_json::to_value(minimal()).unwrap(), minimal_json());
}

#[test]
fn setters_accept_all_documented_types() {
    fn send(input: impl Into<Input>) -> Value {
        serde_json::to_value(input.into()).unwrap()
    }
    let builder = Input::builder()
        .image_url(FileInput::bytes(&b"abc"[..], "image/png"))
        .prompt("Ice fortress")
        .mask_url(Image::new(URL))
        .control_image_url(URL.to_owned())
        .image_size(ImageSizePreset::SquareHd)
        .strength(1)
        .seed(7)
        .sync_mode(false)
        .loras([LoraWeight::new("painting").scale(0.8), LoraWeight::new("drawing")])
        .maybe_guidance_scale(Some(2.5))
        .maybe_num_images(None::<i64>);
    let expected = json!({
        "prompt": "Ice fortress", "control_image_url": URL, "image_url": "data:image/png;base64,YWJj", "mask_url": URL,
        "image_size": "square_hd", "strength": 1.0, "seed": 7, "sync_mode": false, "guidance_scale": 2.5,
        "loras": [{ "path": "painting", "scale": 0.8 }, { "path": "drawing" }],
    });
    assert_eq!(send(builder.clone()), expected);
    assert_eq!(send(builder.build()), expected);

    let sized = |size: ImageSizeChoice| serde_json::to_value(size).unwrap();
    assert_eq!(sized((1280, 720).into()), json!({ "width": 1280, "height": 720 }));
    assert_eq!(sized(ImageSize::new(64, 32).into()), json!({ "width": 64, "height": 32 }));
    assert_eq!(sized(ImageSizePreset::other("cinema").into()), json!("cinema"));
}

#[test]
fn an_input_survives_a_round_trip_through_json() {
    let input = Input::builder().prompt("p").control_image_url(URL).image_url(URL).mask_url(URL);
    let input = input.image_size((640, 480)).loras([LoraWeight::new("a")]).build();
    let json = serde_json::to_value(&input).unwrap();
    assert_eq!(serde_json::from_value::<Input>(json).unwrap(), input);
}

#[test]
fn null_is_parsed_as_unset() {
    let input: Input = serde_json::from_value(with("image_size", Value::Null)).unwrap();
    assert_eq!(serde_json::to_value(input).unwrap(), minimal_json());
}

#[test]
fn inputs_with_unknown_missing_or_mistyped_fields_are_rejected() {
    let error = |json: Value| serde_json::from_value::<Input>(json).unwrap_err().to_string();
    assert!(error(with("promt", json!("typo"))).starts_with("unknown field `promt`, expected one of `prompt`"));
    assert!(error(with("loras", json!([{ "path": "a", "weight": 1 }]))).starts_with("unknown field `weight`"));
    assert!(error(json!({ "prompt": "p" })).starts_with("missing field `control_image_url`"));
    assert!(error(with("prompt", Value::Null)).contains("null"));
    assert!(error(with("seed", json!("7"))).contains("expected an integer"));
    assert!(
        error(with("image_size", json!(7))).contains("expected a declared string or an object with `width`, `height`")
    );
    assert!(error(with("image_size", json!({ "width": "wide" }))).contains("expected an integer"));
}

#[test]
fn violations_have_the_shape_of_fals_errors() {
    let mut json = minimal_json();
    json["num_images"] = json!(9);
    json["strength"] = json!(0);
    json["image_size"] = json!({ "width": 0, "height": 20000 });
    json["loras"] = json!([{ "path": "a" }, { "path": "b", "scale": 1.5 }]);
    json["mask_url"] = json!("mask.png");
    let found = violations(json);
    let found: Vec<Value> = found.iter().map(|error| json!([error.loc, error.error_type, error.ctx])).collect();
    assert_eq!(
        found,
        [
            json!([["body", "mask_url"], "url_parsing", null]),
            json!([["body", "image_size", "width"], "greater_than", { "gt": 0 }]),
            json!([["body", "image_size", "height"], "less_than_equal", { "le": 14142 }]),
            json!([["body", "strength"], "greater_than_equal", { "ge": 0.01 }]),
            json!([["body", "num_images"], "less_than_equal", { "le": 8 }]),
            json!([["body", "loras", 1, "scale"], "less_than_equal", { "le": 1 }]),
        ]
    );
    assert!(minimal().validate().is_ok());
}

#[test]
fn an_undeclared_enum_value_is_a_violation_in_an_input_only() {
    let found = violations(with("image_size", json!("cinema")));
    assert_eq!((found[0].path().as_str(), found[0].error_type.as_str()), ("image_size", "one_of"));
    assert!(found[0].to_string().ends_with("landscape_16_9 (given: \"cinema\")"), "{}", found[0]);
    let long = violations(with("image_size", json!("x".repeat(41))));
    assert!(long[0].to_string().ends_with("landscape_16_9"), "{}", long[0]);

    let preset: ImageSizePreset = serde_json::from_value(json!("cinema")).unwrap();
    assert_eq!(preset, ImageSizePreset::other("cinema"));
    assert_eq!(preset.as_str(), "cinema");
    assert_eq!(ImageSizePreset::other("square"), ImageSizePreset::Square);
    assert_eq!("landscape_16_9".parse(), Ok(ImageSizePreset::Landscape16_9));
    assert!(
        "cinema"
            .parse::<ImageSizePreset>()
            .unwrap_err()
            .to_string()
            .starts_with("unknown value \"cinema\": expected one of ")
    );
}

#[test]
fn the_schemas_sample_response_is_parsed() {
    let output: Output =
        serde_json::from_value(json!({ "images": [{ "url": "", "content_type": "image/jpeg" }] })).unwrap();
    assert_eq!(output.images[0].content_type.as_deref(), Some("image/jpeg"));
    assert_eq!((output.seed, output.timings.len(), output.has_nsfw_concepts.len()), (None, 0, 0));
}

#[test]
fn outputs_with_nulls_floats_and_added_fields_are_parsed() {
    let output: Output = serde_json::from_value(json!({
        "images": [{ "url": URL, "width": 3.0, "height": -0.0, "file_size": null, "added": [1] }],
        "seed": u64::MAX, "timings": null, "has_nsfw_concepts": [true], "added_later": {},
    }))
    .unwrap();
    assert_eq!((output.images[0].width, output.images[0].height, output.images[0].file_size), (Some(3), Some(0), None));
    assert_eq!(output.seed, Some(i128::from(u64::MAX)));
    let again = Input::builder().prompt("again").control_image_url(URL).image_url(URL).mask_url(URL);
    let again = serde_json::to_value(again.maybe_seed(output.seed).build()).unwrap();
    assert_eq!(again["seed"], json!(u64::MAX));
    assert!(output.timings.is_empty());

    let output: Output = serde_json::from_value(json!({ "images": [{ "url": 5 }] })).unwrap();
    assert_eq!(output.images[0].url, "5");
    let other: flux::dev::redux::Output = serde_json::from_value(json!({})).unwrap();
    assert_eq!(other.prompt, "");
}

#[test]
fn each_file_is_visited_with_its_path() {
    let mut input = minimal();
    let mut seen = Vec::new();
    input.visit_files(&mut |path, file| {
        seen.push(path.to_owned());
        *file = FileInput::url("https://example.com/uploaded.png");
    });
    assert_eq!(seen, ["control_image_url", "image_url", "mask_url"]);
    assert_eq!(input.mask_url.as_url(), Some("https://example.com/uploaded.png"));
}

#[test]
fn debug_output_has_no_bytes() {
    let input = Input::builder().mask_url(FileInput::bytes(vec![7; 5000], "image/png"));
    let shown = format!("{input:?}");
    assert!(shown.contains("5000 bytes of image/png") && shown.len() < 1500, "{shown}");
}

#[test]
fn the_endpoint_has_its_id() {
    assert_eq!(inpainting::ENDPOINT.id(), "fal-ai/fast-sdxl-controlnet-canny/inpainting");
}

#[test]
fn every_sent_key_is_in_the_schema() {
    let schema = include_str!("../../schemas/fal-ai/fast-sdxl-controlnet-canny/inpainting.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let named: Vec<&String> = schema["components"]["schemas"]
        .as_object()
        .unwrap()
        .values()
        .filter_map(|component| component["properties"].as_object())
        .flat_map(|properties| properties.keys())
        .collect();
    let input = Input::builder()
        .prompt("p")
        .control_image_url(URL)
        .image_url(URL)
        .mask_url(URL)
        .controlnet_conditioning_scale(0.5)
        .negative_prompt("n")
        .image_size((64, 64))
        .num_inference_steps(4)
        .guidance_scale(1)
        .strength(0.5)
        .seed(1)
        .sync_mode(true)
        .num_images(1)
        .loras([LoraWeight::new("a").scale(1)])
        .enable_safety_checker(true)
        .expand_prompt(true)
        .build();
    fn keys(value: &Value) -> Vec<String> {
        match value {
            Value::Object(object) => {
                object.iter().flat_map(|(key, value)| [vec![key.clone()], keys(value)].concat()).collect()
            }
            Value::Array(items) => items.iter().flat_map(keys).collect(),
            _ => Vec::new(),
        }
    }
    let sent = keys(&serde_json::to_value(input).unwrap());
    assert!(sent.len() > 18, "{sent:?}");
    assert!(sent.iter().all(|key| named.contains(&key)), "{sent:?}");
}

#[test]
fn every_integer_of_an_output_is_parsed() {
    for text in ["0", "-0", "-1", "3.0", "-9223372036854775808", "18446744073709551615", "1e3", "4294967296"] {
        let output: Output = serde_json::from_str(&format!(r#"{{"images": [], "seed": {text}}}"#)).unwrap();
        let expected: f64 = text.parse().unwrap();
        assert_eq!(output.seed.map(|seed| seed as f64), Some(expected), "{text}");
    }
    assert_eq!(serde_json::from_str::<Output>(r#"{"seed": 1.5}"#).unwrap().seed, None);
}

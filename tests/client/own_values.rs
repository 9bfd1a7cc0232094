//! Defaults and examples of a schema, which are accepted although they break the schema's rules.

use std::collections::BTreeMap;

use fal_client::{Endpoint, FileInput, ImageSize, Nullable};
use fal_emulator::{Emulator, Pace};
use serde_json::{Value, json};

const ENDPOINT: Endpoint<Input, Value> = Endpoint::new("tests/own-values");

/// The endpoint's input.
#[fal_client::input]
pub struct Input {
    /// A file whose default is not a URL.
    #[field(accepts("\"\""))]
    pub mask_url: Option<FileInput>,
    /// Files with an example of local names.
    #[field(accepts("[\"a.png\", \"b.png\"]"), max_items(1))]
    pub image_urls: Option<Vec<FileInput>>,
    /// A number with a default out of its range.
    #[field(range(1, 50), accepts("0", "60.0"))]
    pub steps: Option<Nullable<i64>>,
    /// A size.
    #[field(width(min(64)), accepts("{\"width\": 8, \"height\": 8}"))]
    pub size: Option<ImageSize>,
    /// An enum.
    #[field(accepts("\"c\""))]
    pub style: Option<Style>,
    /// Numbers by name.
    #[field(each(max(3)), accepts("{\"a\": 4, \"b\": null}"))]
    pub weights: Option<BTreeMap<String, f64>>,
}

/// A style.
#[fal_client::open_enum]
pub enum Style {
    #[value("a")]
    A,
}

fn builder() -> InputBuilder {
    Input::builder()
}

#[test]
fn own_values_are_accepted_and_others_are_not() {
    for input in [
        builder().mask_url(""),
        builder().image_urls(["a.png", "b.png"]),
        builder().steps(0).size((8, 8)).style(Style::other("c")),
        builder().steps(60).weights(BTreeMap::from([("a".to_owned(), 4.0)])),
        builder().mask_url(vec![1, 2, 3]).image_urls([FileInput::path("a.png")]),
    ] {
        let input = input.build();
        assert_eq!(input.validate(), Ok(()), "{input:?}");
    }
    for (input, path) in [
        (builder().mask_url("a"), "mask_url"),
        (builder().image_urls(["a.png"]), "image_urls[0]"),
        (builder().image_urls([FileInput::path("a.png"), FileInput::path("b.png")]), "image_urls"),
        (builder().steps(-1), "steps"),
        (builder().steps(61), "steps"),
        (builder().size((8, 9)), "size.width"),
        (builder().style(Style::other("d")), "style"),
        (builder().weights(BTreeMap::from([("a".to_owned(), 4.0), ("b".to_owned(), 1.0)])), "weights.a"),
    ] {
        let error = input.build().validate().expect_err(path);
        let paths: Vec<String> = error.errors().iter().map(|error| error.path()).collect();
        assert_eq!(paths, [path]);
    }
}

#[tokio::test]
async fn own_values_are_sent_as_they_are() {
    let properties = json!({
        "mask_url": { "type": "string", "minLength": 1, "default": "" },
        "image_urls": { "type": "array", "items": { "type": "string" }, "maxItems": 1, "examples": [["a.png", "b.png"]] },
        "steps": { "type": "integer", "minimum": 1, "default": 0 },
        "style": { "type": "string", "enum": ["a"], "default": "c" },
    });
    let document = json!({
        "openapi": "3.0.4",
        "info": { "title": "Own values", "version": "1.0.0", "x-fal-metadata": { "endpointId": "tests/own-values" } },
        "paths": {
            "/tests/own-values": { "post": { "requestBody": { "content": {
                "application/json": { "schema": { "type": "object", "properties": properties } },
            } } } },
            "/tests/own-values/requests/{request_id}": { "get": { "responses": { "200": { "content": {
                "application/json": { "schema": { "type": "object" } },
            } } } } },
        },
    });
    let builder = Emulator::builder().document(document.to_string()).pace(Pace::instant());
    let emulator = builder.start().await.expect("an emulator");
    let sent = json!({ "mask_url": "", "image_urls": ["a.png", "b.png"], "steps": 0, "style": "c" });
    let input: Input = serde_json::from_value(sent.clone()).expect("an input");
    emulator.client().endpoint(ENDPOINT).run(input).await.expect("a response");
    assert_eq!(*emulator.requests()[0].input(), sent);
    assert!(emulator.files().is_empty());
}

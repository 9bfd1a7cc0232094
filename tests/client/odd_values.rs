//! Outputs with single values that do not fit their field. The rest of the output arrives.

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::{Audio, Endpoint, Error, FileInput, Image, Response, Video};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::server::{Reply, Server};

/// A redux output in which every field is as declared.
const GOOD: &str = r#"{"images":[{"url":"https://e.com/a.png","width":944,"height":1104,"content_type":"image/png"}],
    "timings":{"inference":5.8},"seed":7,"has_nsfw_concepts":[false],"prompt":"p"}"#;

async fn run<O: DeserializeOwned + Send + 'static>(body: impl AsRef<[u8]>) -> Result<Response<O>, Error> {
    let reply = Reply::binary(200, "application/json", body.as_ref());
    let server = Server::start(move |_, _| reply.clone()).await;
    server.client().endpoint(Endpoint::<Value, O>::new("a/b")).run(json!({})).await
}

/// Runs an endpoint whose response is the good one with a change.
async fn changed(from: &str, to: &str) -> Response<redux::Output> {
    let body = GOOD.replacen(from, to, 1);
    assert_ne!(body, GOOD);
    let response: Response<redux::Output> = run(&body).await.expect(to);
    assert_eq!(&response.body[..], body.as_bytes());
    assert_eq!(response.data.images[0].url, "https://e.com/a.png", "{to}");
    response
}

async fn skipped(from: &str, to: &str) -> Vec<String> {
    changed(from, to).await.skipped().to_vec()
}

#[tokio::test]
async fn one_odd_value_does_not_cost_the_images() {
    // Kept: the value in another notation.
    let image = async |from, to| changed(from, to).await.data.images.remove(0);
    assert_eq!(image("944", "\"944\"").await.width, Some(944));
    assert_eq!(image("944", "944.0").await.width, Some(944));
    assert_eq!(image("\"image/png\"", "7").await.content_type.as_deref(), Some("7"));
    assert_eq!(changed("7", "\"7\"").await.data.seed, Some(7));
    assert_eq!(changed("\"p\"", "12.5").await.data.prompt, "12.5");
    assert_eq!(changed("\"p\"", "true").await.data.prompt, "true");
    assert_eq!(changed("\"p\"", r#"{"a":[1]}"#).await.data.prompt, r#"{"a":[1]}"#);
    assert_eq!(changed("5.8", "\"5.8\"").await.data.timings["inference"], 5.8);
    for flag in ["\"true\"", "1", "\"True\""] {
        assert_eq!(changed("[false]", &format!("[{flag},false]")).await.data.has_nsfw_concepts, [true, false]);
    }
    assert_eq!(changed("[false]", "true").await.data.has_nsfw_concepts, [true]);
    assert_eq!(changed("\"p\"", r#""fox \ud83e""#).await.data.prompt, "fox \u{fffd}");

    // Empty: nothing but the value is lost.
    for odd in ["944.5", "1e30", "\"wide\"", "true", "[944]", "{}", "NaN", "null", "99999999999999999999999999999"] {
        assert_eq!(image("944", odd).await.width, None, "{odd}");
        assert_eq!(image("944", odd).await.height, Some(1104), "{odd}");
    }
    let seed = changed("7", "18446744073709551615").await.data.seed;
    assert_eq!(seed, Some(i128::from(u64::MAX)));
    for odd in [
        "18446744073709551616",
        "1.25e37",
        "-1e19",
        "\"1e25\"",
        "1.5",
        "1e300",
        "\"seed\"",
        "[7]",
        "{\"a\":1}",
        "NaN",
        "Infinity",
        "null",
        "1e400",
    ] {
        assert_eq!(changed("7", odd).await.data.seed, None, "{odd}");
    }
    for odd in ["null", "NaN", "\"fast\"", "{}", "[]"] {
        assert_eq!(changed("5.8", odd).await.data.timings.len(), 0, "{odd}");
    }
    for odd in ["[null]", "[null,true]", "[\"maybe\"]", "[false,{}]", "\"none\"", "null", "[2]"] {
        assert_eq!(changed("[false]", odd).await.data.has_nsfw_concepts, [false; 0], "{odd}");
    }
    for odd in ["null", "NaN"] {
        assert_eq!(changed("\"p\"", odd).await.data.prompt, "", "{odd}");
    }
}

#[tokio::test]
async fn skipped_values_are_named() {
    assert_eq!(skipped("944", "944.5").await, ["images[0].width"]);
    assert_eq!(skipped("7", "\"seed\"").await, ["seed"]);
    assert_eq!(skipped("5.8", "5.8,\"a\":null,\"b\":[]").await, ["timings.a", "timings.b"]);
    assert_eq!(skipped("[false]", "[false,null]").await, ["has_nsfw_concepts"]);
    assert_eq!(
        skipped("}],", "},null,7,{\"width\":1,\"height\":\"x\"}],").await,
        ["images[1]", "images[2]", "images[3].height"]
    );
    assert_eq!(skipped("7", "null").await, [""; 0]);
    assert_eq!(skipped("944", "\"944\"").await, [""; 0]);
}

#[tokio::test]
async fn a_file_may_be_an_url_an_object_or_a_list_of_one() {
    let url = "https://e.com/a.png";
    for images in [
        json!(url),
        json!([url]),
        json!({ "url": url }),
        json!([{ "url": { "url": url } }]),
        json!([[{ "url": url }]]),
        json!([null, { "url": url }]),
        json!(["flagged", { "url": url }, { "error": "flagged" }]),
    ] {
        let body = json!({ "images": images, "seed": 7 }).to_string();
        let response: Response<redux::Output> = run(&body).await.expect(&body);
        assert_eq!(response.data.images.iter().map(|image| &*image.url).collect::<Vec<_>>(), [url], "{body}");
    }
    let body =
        r#"{"images":{"10":{"url":"c"},"2":{"url":"b"},"0":{"url":"a","width":"x"}},"has_nsfw_concepts":{"0":true}}"#;
    let response: Response<redux::Output> = run(body).await.expect("an object whose keys are indices");
    assert_eq!(response.data.images.iter().map(|image| &*image.url).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(
        (&*response.data.has_nsfw_concepts, response.skipped()),
        (&[true][..], &["images[0].width".to_owned()][..])
    );
    for image in [json!(url), json!({ "url": url }), json!([{ "url": url }]), json!([{ "url": url }, { "url": "b" }])] {
        let body = json!({ "image": image, "text": image, "file": image, "fps": "24" }).to_string();
        let response: Response<Media> = run(&body).await.expect(&body);
        assert_eq!(response.data.image.url, url, "{body}");
        if image.is_object() || image.is_string() {
            assert_eq!(
                (&*response.data.text, response.data.file.as_ref().and_then(FileInput::as_url)),
                (url, Some(url))
            );
        }
    }
}

#[tokio::test]
async fn odd_values_in_every_media_type_are_empty() {
    let odd = json!({ "url": "u", "content_type": [1], "file_name": null, "file_size": "2.5 MB", "width": "3",
        "height": 4.5, "fps": "29.97", "duration": "long", "num_frames": 1e30, "sample_rate": "44100.0", "channels": [],
        "bitrate": 192 });
    let video: Video = serde_json::from_value(odd.clone()).expect("a video");
    assert_eq!((&*video.url, video.content_type.as_deref(), video.file_size), ("u", Some("[1]"), None));
    assert_eq!(
        (video.width, video.height, video.fps, video.duration, video.num_frames),
        (Some(3), None, Some(29.97), None, None)
    );
    let audio: Audio = serde_json::from_value(odd).expect("an audio file");
    assert_eq!((audio.sample_rate, audio.channels, audio.bitrate.as_deref()), (Some(44100), None, Some("192")));
}

#[tokio::test]
async fn items_keep_their_positions_or_are_left_out() {
    let body = r#"{"image":{"url":"u"},"words":["a",null,7,{"b":1}],"box":[0,null,NaN,"3",{}],"ids":[1,null,3],
        "tags":["big",9,null,[]],"nested":[[1],null,5],"free":[null,{"a":1}],"files":{"a":{"url":"u"},"b":null,"c":[]},
        "choice":[null,"a",true,{"url":"u"},{"x":1}]}"#;
    let response: Response<Lists> = run(body).await.expect("an output");
    let data = &response.data;
    assert_eq!(data.words, ["a", "", "7", r#"{"b":1}"#]);
    assert_eq!(format!("{:?}", data.box_), "[0.0, NaN, NaN, 3.0, NaN]");
    assert!(data.ids.is_empty(), "positions would change: {:?}", data.ids);
    assert_eq!(data.tags.iter().map(Tag::as_str).collect::<Vec<_>>(), ["big", "9", "", ""]);
    assert_eq!(data.nested, [vec![1], vec![], vec![5]]);
    assert_eq!(data.free, [json!(null), json!({ "a": 1 })]);
    assert_eq!(data.files.keys().collect::<Vec<_>>(), ["a"]);
    assert_eq!(
        data.choice,
        [
            Choice::Other(json!(null)),
            Choice::Text("a".to_owned()),
            Choice::Other(json!(true)),
            Choice::File(Image::new("u")),
            Choice::Other(json!({ "x": 1 })),
        ]
    );
    assert_eq!(response.skipped(), ["box[4]", "ids", "tags[3]", "files.b", "files.c"]);
}

#[tokio::test]
async fn an_odd_value_does_not_select_another_variant() {
    for (value, expected) in [
        (json!({ "kind": "box", "x": "left", "y": 2 }), Shape::Box(Corner { kind: text("box"), x: None, y: Some(2) })),
        (json!({ "kind": "box", "x": null, "y": [] }), Shape::Box(Corner { kind: text("box"), x: None, y: None })),
        (json!({ "kind": 7, "x": 1, "y": 2 }), Shape::Box(Corner { kind: text("7"), x: Some(1), y: Some(2) })),
        (json!({ "kind": "circle", "r": {} }), Shape::Circle(Circle { kind: text("circle"), r: None })),
        (json!("12"), Shape::Other(json!("12"))),
        (json!(4.5), Shape::Other(json!(4.5))),
        (json!(4.0), Shape::Count(4)),
    ] {
        assert_eq!(serde_json::from_value::<Shape>(value.clone()).expect("a shape"), expected, "{value}");
    }
}

#[tokio::test]
async fn flawed_json_is_read_as_untyped_output() {
    let body = b"\xef\xbb\xbf{\"a\":NaN,\"b\":[-Infinity,1e999],\"c\":\"\\ud83e \xff\n\",\"\\udd8a\":1}";
    let response: Response<Value> = run(body).await.expect("an output");
    let expected = json!({ "a": null, "b": [null, null], "c": "\u{fffd} \u{fffd}\n", "\u{fffd}": 1 });
    assert_eq!((response.data, &response.body[..]), (expected, &body[..]));
    let response: Response<redux::Output> =
        run(GOOD.replace("5.8", "NaN").replace("\"p\"", "\"\\ud83e\"")).await.expect("images");
    assert_eq!((response.data.images.len(), &*response.data.prompt), (1, "\u{fffd}"));
    for body in [&GOOD[..GOOD.len() - 1], "NaN", "<html>", "{\"images\":NaN"] {
        let error = run::<Value>(body).await.expect_err(body);
        assert_eq!(error.body().map(|kept| &kept[..]), Some(body.as_bytes()));
    }
}

#[tokio::test]
async fn a_required_number_has_no_empty_value() {
    for body in [r#"{"count":"many"}"#, r#"{"count":null}"#, "{}", r#"{"count":2.5}"#] {
        run::<Counted>(body).await.expect_err(body);
    }
    assert_eq!(run::<Counted>(r#"{"count":"3"}"#).await.expect("a count").data.count, 3);
}

/// Replaces the leaf at an index, counted in depth-first order. Returns the number of leaves before.
fn replace_leaf(value: &mut Value, index: usize, with: &Value) -> usize {
    let values: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(object) => object.values_mut().collect(),
        leaf => {
            if index == 0 {
                *leaf = with.clone();
            }
            return 1;
        }
    };
    let mut seen = 0;
    for value in values {
        seen += replace_leaf(value, index.wrapping_sub(seen), with);
    }
    seen
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("url|width|[a-c]", inner, 0..3).prop_map(Value::from_iter),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_change_of_one_leaf_leaves_the_images(index in 0..8_usize, with in any_json()) {
        let good: Value = serde_json::from_str(GOOD).expect("JSON");
        let mut changed = good.clone();
        prop_assert_eq!(replace_leaf(&mut changed, index, &with), 8);
        let output: redux::Output = serde_json::from_value(changed.clone()).expect("an output");
        prop_assert_eq!(output.images.len(), 1);
        if changed["images"][0]["url"] == good["images"][0]["url"] {
            prop_assert_eq!(&output.images[0].url, "https://e.com/a.png");
        }
        let written = serde_json::to_value(&output).expect("JSON");
        let again: redux::Output = serde_json::from_value(written).expect("an output");
        prop_assert_eq!(again, output);
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// An output with media in several fields.
#[fal_client::output]
pub struct Media {
    /// An object.
    pub image: Image,
    /// A string.
    pub text: String,
    /// A file that an input declares, too.
    pub file: Option<FileInput>,
    /// A number.
    pub fps: Option<f64>,
}

/// An output with lists of each kind.
#[fal_client::output]
pub struct Lists {
    /// An object.
    pub image: Image,
    /// Strings.
    pub words: Vec<String>,
    /// Numbers.
    #[field(name = "box")]
    pub box_: Vec<f64>,
    /// Integers.
    pub ids: Vec<i64>,
    /// Enum values.
    pub tags: Vec<Tag>,
    /// Lists.
    pub nested: Vec<Vec<i64>>,
    /// Anything.
    pub free: Vec<Value>,
    /// Objects by name.
    pub files: std::collections::BTreeMap<String, Image>,
    /// Values of a union.
    pub choice: Vec<Choice>,
}

/// A size.
#[fal_client::open_enum]
pub enum Tag {
    /// Large.
    #[value("big")]
    Big,
}

/// A string or a file.
#[fal_client::output_union]
pub enum Choice {
    /// A string.
    Text(String),
    /// A file.
    File(Image),
}

/// A box, a circle or a number of them.
#[fal_client::output_union]
pub enum Shape {
    /// A box.
    #[variant(requires("kind", "x", "y"), tag("kind" = "box"))]
    Box(Corner),
    /// A circle.
    #[variant(requires("kind", "r"), tag("kind" = "circle"))]
    Circle(Circle),
    /// A number.
    Count(i64),
}

/// The corner of a box.
#[fal_client::output]
pub struct Corner {
    /// The kind of shape.
    pub kind: Option<String>,
    /// From the left.
    pub x: Option<i64>,
    /// From the top.
    pub y: Option<i64>,
}

/// A circle.
#[fal_client::output]
pub struct Circle {
    /// The kind of shape.
    pub kind: Option<String>,
    /// The radius.
    pub r: Option<i64>,
}

/// An output with a required number.
#[fal_client::output]
pub struct Counted {
    /// The number.
    pub count: i64,
}

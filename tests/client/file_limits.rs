//! Limits of local files, which are checked before anything is uploaded.

use std::collections::BTreeMap;

use fal_client::{Client, Endpoint, Error, ErrorKind, ErrorType, FieldError, FileInput, ImageSize, JsonInput};
use fal_emulator::{Emulator, Pace};
use serde_json::{Value, json};

const ENDPOINT: Endpoint<Input, Value> = Endpoint::new("tests/limits");

const URL: &str = "https://example.com/fox.png";

/// The endpoint's input.
#[fal_client::input]
pub struct Input {
    /// A picture.
    #[field(file(size(max(2000)), width(range(30, 300)), height(range(20, 300)), aspect_ratio(range(0.4, 2.5))))]
    pub image_url: Option<FileInput>,
    /// A wide picture.
    #[field(file(width(min(50)), area(max(6000)), multiple_of(10)))]
    pub wide_url: Option<FileInput>,
    /// Files with limits for each and for all.
    #[field(each(file(size(max(1000)))), files(size(max(1500))))]
    pub file_urls: Option<Vec<FileInput>>,
    /// A nested file.
    pub part: Option<Part>,
    /// Files by name.
    #[field(each(file(size(max(10)))))]
    pub named: Option<BTreeMap<String, FileInput>>,
    /// A file or some.
    pub either: Option<Either>,
    /// A number.
    #[field(max(8))]
    pub count: Option<i64>,
    /// A size of an image.
    #[field(
        width(range(16, 4096), multiple_of(16)),
        height(multiple_of(16)),
        area(range(4096, 1048576)),
        aspect_ratio(range(0.25, 4))
    )]
    pub image_size: Option<ImageSize>,
    /// Sizes of tiles.
    #[field(each(area(max(64))))]
    pub tiles: Option<Vec<ImageSize>>,
}

/// A part.
#[fal_client::input_object]
pub struct Part {
    /// A file.
    #[field(file(size(max(10))))]
    pub url: FileInput,
}

/// A file or some files.
#[fal_client::input_union]
pub enum Either {
    /// A file.
    #[variant(file(size(max(10))))]
    File(FileInput),
    /// Some files.
    #[variant(each(file(size(max(10)))), files(size(max(15))))]
    Files(Vec<FileInput>),
}

/// The same limits as a document, for the emulator.
fn document() -> Value {
    let image = json!({ "max_file_size": 2000, "min_width": 30, "max_width": 300, "min_height": 20, "max_height": 300,
        "min_aspect_ratio": 0.4, "max_aspect_ratio": 2.5, "timeout": 20 });
    let properties = json!({
        "image_url": { "anyOf": [{ "type": "string", "x-fal": image }, { "type": "null" }] },
        "wide_url": { "type": "string", "min_width": 50, "max_pixels": 6000, "x-fal": { "multiple_of": 10 } },
        "file_urls": { "type": "array", "items": { "type": "string", "x-fal": { "max_file_size": 1000 } },
            "x-fal": { "combined": { "max_file_size": 1500, "max_duration": 9 } } },
        "part": { "$ref": "#/components/schemas/Part" },
        "named": { "type": "object", "additionalProperties": { "type": "string" } },
        "either": { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }], "max_file_size": 10 },
        "count": { "type": "integer", "le": 8 },
        "image_size": { "anyOf": [{ "$ref": "#/components/schemas/Size" }, { "type": "string", "enum": ["square"] }],
            "x-fal": { "min_width": 16, "max_width": 4096, "multiple_of": 16, "min_area": 4096, "max_area": 1048576,
                "min_aspect_ratio": 0.25, "max_aspect_ratio": 4 },
            "default": { "width": 8192, "height": 16 } },
        "tiles": { "type": "array", "items": { "$ref": "#/components/schemas/Size", "x-fal": { "max_area": 64 } },
            "default": [{ "width": 8, "height": 16 }] },
    });
    let size =
        json!({ "type": "object", "properties": { "width": { "type": "integer" }, "height": { "type": "integer" } } });
    json!({
        "openapi": "3.0.4",
        "info": { "title": "Limits", "version": "1.0.0", "x-fal-metadata": { "endpointId": "tests/limits" } },
        "components": { "schemas": { "Size": size, "Part": { "type": "object", "properties": { "url": { "type": "string", "max_file_size": 10 } } } } },
        "paths": {
            "/tests/limits": { "post": { "requestBody": { "content": {
                "application/json": { "schema": { "type": "object", "properties": properties } },
            } } } },
            "/tests/limits/requests/{request_id}": { "get": { "responses": { "200": { "content": {
                "application/json": { "schema": { "type": "object" } },
            } } } } },
        },
    })
}

async fn start() -> Emulator {
    Emulator::builder().document(document().to_string()).pace(Pace::instant()).start().await.expect("an emulator")
}

/// The beginning of a PNG with these sides, `length` bytes long.
fn png(width: u32, height: u32, length: usize) -> Vec<u8> {
    let sides = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let mut bytes = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", &sides[..], b"\x08\x02\0\0\0"].concat();
    bytes.resize(length, 0);
    bytes
}

/// A JPEG with these sides that is to be shown turned.
fn turned(width: u8, height: u8) -> Vec<u8> {
    let tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0";
    let start = b"\xff\xd8\xff\xe1\0\x1eExif\0\0";
    [&start[..], tiff, b"\xff\xc0\0\x0b\x08\0", &[height, 0, width], b"\x01\x01\x11\0\xff\xda\0\x02"].concat()
}

fn image(file: impl Into<FileInput>) -> InputBuilder {
    Input::builder().image_url(file)
}

fn wide(file: impl Into<FileInput>) -> InputBuilder {
    Input::builder().wide_url(file)
}

/// Runs a call. Returns the field errors if it failed before anything was sent.
async fn refused(emulator: &Emulator, client: &Client, input: InputBuilder) -> Vec<FieldError> {
    let before = emulator.requests().len();
    match client.endpoint(ENDPOINT).run(input).await {
        Ok(_) => Vec::new(),
        Err(error) => {
            assert_eq!(emulator.requests().len(), before, "{error}");
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            error.field_errors().to_vec()
        }
    }
}

fn essence(errors: &[FieldError]) -> Vec<(String, &str, Value)> {
    let ctx = |error: &FieldError| Value::Object(error.ctx.clone().unwrap_or_default());
    errors.iter().map(|error| (error.path(), error.error_type.as_str(), ctx(error))).collect()
}

#[tokio::test]
async fn each_limit_has_fals_error_type() {
    let emulator = start().await;
    let client = emulator.client();
    let small = json!({ "min_width": 30, "min_height": 20 });
    let large = json!({ "max_width": 300, "max_height": 300 });
    let ratio = json!({ "min_aspect_ratio": 0.4, "max_aspect_ratio": 2.5 });
    for (input, expected) in [
        (image(png(30, 20, 2000)), None),
        (image(png(300, 300, 33)), None),
        (image(png(100, 40, 33)), None),
        (image(png(30, 20, 2001)), Some(("file_too_large", json!({ "max_size": 2000 })))),
        (image(png(29, 20, 33)), Some(("image_too_small", small.clone()))),
        (image(png(30, 19, 33)), Some(("image_too_small", small))),
        (image(png(301, 300, 33)), Some(("image_too_large", large.clone()))),
        (image(png(300, 301, 33)), Some(("image_too_large", large))),
        (image(png(101, 40, 33)), Some(("image_aspect_ratio_error", ratio.clone()))),
        (image(png(39, 100, 33)), Some(("image_aspect_ratio_error", ratio))),
        (wide(png(100, 60, 9000)), None),
        (wide(png(110, 60, 33)), Some(("image_too_large", json!({ "max_area": 6000 })))),
        (wide(png(100, 55, 33)), Some(("multiple_of", json!({ "multiple_of": 10 })))),
        // Other files have no sides.
        (image(b"\0\0\0\x18ftypmp42".to_vec()), None),
        (image(b"".to_vec()), None),
        (image(b"\x89PNG\r\n\x1a\n".to_vec()), None),
    ] {
        let found = refused(&emulator, &client, input.clone()).await;
        let found: Vec<(&str, Value)> = essence(&found).into_iter().map(|(_, kind, ctx)| (kind, ctx)).collect();
        assert_eq!(found, Vec::from_iter(expected), "{input:?}");
    }
}

#[tokio::test]
async fn emulator_judges_the_same_files_by_itself() {
    let emulator = start().await;
    let client = emulator.client();
    for (input, kind) in [
        (image(png(30, 20, 2001)), "file_too_large"),
        (image(png(29, 20, 33)), "image_too_small"),
        (image(png(300, 301, 33)), "image_too_large"),
        (image(png(101, 40, 33)), "image_aspect_ratio_error"),
        (wide(png(110, 60, 33)), "image_too_large"),
        (wide(png(100, 55, 33)), "multiple_of"),
        (Input::builder().file_urls([png(1, 1, 1001)]), "file_too_large"),
        (Input::builder().file_urls([png(1, 1, 1000), png(2, 2, 501)]), "file_too_large"),
        (Input::builder().part(Part::new(png(1, 1, 33))), "file_too_large"),
        (Input::builder().either(Either::File(png(1, 1, 33).into())), "file_too_large"),
    ] {
        let call = client.endpoint(ENDPOINT).run(input.clone()).validate(false).inline_below(40);
        let error = call.await.expect_err("a refusal");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(422), "{error}");
        let kinds: Vec<&str> = error.field_errors().iter().map(|error| error.error_type.as_str()).collect();
        assert_eq!(kinds, [kind], "{input:?}");
        // The client finds the same, apart from what it leaves to the service.
        let [local] = &refused(&emulator, &client, input).await[..] else { panic!("expected one error: {error}") };
        assert_eq!(local.error_type.as_str(), kind);
        assert_eq!(local.loc, error.field_errors()[0].loc);
    }
    client.endpoint(ENDPOINT).run(image(png(30, 20, 33))).await.expect("a response");
}

#[tokio::test]
async fn all_violations_are_reported_with_their_locations() {
    let emulator = start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("large.png");
    std::fs::write(&path, png(10, 400, 300_000)).expect("a file");
    let path = FileInput::path(&path);
    let input = image(path.clone())
        .count(9)
        .file_urls([FileInput::url(URL), path.clone(), FileInput::reader(tokio::io::empty(), 600)])
        .part(Part::new(path.clone()))
        .named([("a".to_owned(), path.clone())].into_iter().collect::<BTreeMap<_, _>>())
        .either(Either::Files(vec![vec![0; 8].into(), vec![1; 8].into()]));
    let errors = refused(&emulator, &emulator.client(), input).await;
    let found: Vec<(String, &str)> = essence(&errors).into_iter().map(|(path, kind, _)| (path, kind)).collect();
    let expected = [
        ("count", "less_than_equal"),
        ("image_url", "file_too_large"),
        ("image_url", "image_too_small"),
        ("image_url", "image_too_large"),
        ("image_url", "image_aspect_ratio_error"),
        ("file_urls", "file_too_large"),
        ("file_urls[1]", "file_too_large"),
        ("part.url", "file_too_large"),
        ("named.a", "file_too_large"),
        ("either", "file_too_large"),
    ];
    assert_eq!(found, expected.map(|(path, kind)| (path.to_owned(), kind)));
    assert_eq!(errors[1].to_string(), "image_url: File has 300000 bytes, but at most 2000 are allowed");
    let small = "image_url: Image is too small: 10 by 400 pixels, but expected at least 30 wide, at least 20 high";
    assert_eq!(errors[2].to_string(), small);
    assert_eq!(errors[5].to_string(), "file_urls: Files have 300600 bytes together, but at most 1500 are allowed");
    assert!(emulator.files().is_empty());
}

#[tokio::test]
async fn all_sources_of_bytes_are_measured() {
    let emulator = start().await;
    let client = emulator.client();
    let data = "data:image/png;base64,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (file, is_refused) in [
        (FileInput::url(data), true),
        (FileInput::url("data:text/plain,twelve bytes"), true),
        (FileInput::url("data:text/plain,ten%20bytes"), false),
        (FileInput::reader(tokio::io::repeat(0), 11), true),
        (FileInput::reader(&[0_u8; 10][..], 10), false),
        // The length of a reader may be unknown.
        (FileInput::reader(&[0_u8; 9][..], None), false),
        (FileInput::url(URL), false),
        (FileInput::bytes(vec![0; 11], "image/png"), true),
    ] {
        let name = format!("{file:?}");
        let errors = refused(&emulator, &client, Input::builder().part(Part::new(file))).await;
        assert_eq!(!errors.is_empty(), is_refused, "{name}");
    }
}

#[tokio::test]
async fn turned_picture_fits_as_stored_or_as_shown() {
    let emulator = start().await;
    let client = emulator.client();
    // The first is wide enough as stored, the second as shown.
    for file in [turned(60, 20), turned(20, 60)] {
        let errors = refused(&emulator, &client, wide(file.clone())).await;
        assert!(errors.is_empty(), "{errors:?}");
        // The emulator accepts both, too.
        client.endpoint(ENDPOINT).run(wide(file)).await.expect("a response");
    }
    // Neither has a valid aspect ratio.
    let errors = refused(&emulator, &client, image(turned(60, 20))).await;
    assert_eq!(essence(&errors).len(), 1, "{errors:?}");
    assert_eq!(errors[0].error_type, ErrorType::ImageAspectRatioError);
}

#[tokio::test]
async fn limits_are_not_checked_without_validation() {
    let emulator = start().await;
    let error: Error = (emulator.client().endpoint(ENDPOINT).run(image(png(1, 1, 33))).validate(false).await)
        .expect_err("the emulator checks them too");
    assert_eq!((error.status().map(|status| status.as_u16()), emulator.files().len()), (Some(422), 1));
    assert!(image(png(1, 1, 33)).build().validate().is_ok(), "`validate` opens no file");
}

#[tokio::test]
async fn unreadable_file_is_named_with_its_field() {
    let emulator = start().await;
    let missing = FileInput::path("no/such/file.png");
    let error = emulator.client().endpoint(ENDPOINT).run(image(missing.clone())).await.expect_err("no file");
    assert_eq!(error.kind(), ErrorKind::File);
    assert!(error.to_string().contains("image_url"), "{error}");
    // Violations come first, because they are about the input.
    let errors = refused(&emulator, &emulator.client(), image(missing).part(Part::new(vec![0; 11]))).await;
    assert_eq!(essence(&errors)[0].0, "part.url");
}

#[tokio::test]
async fn sizes_of_images_are_judged_by_the_client_and_by_the_emulator() {
    let emulator = start().await;
    let client = emulator.client();
    let ge = |bound: Value| ("greater_than_equal", json!({ "ge": bound }));
    let le = |bound: Value| ("less_than_equal", json!({ "le": bound }));
    let multiple = || ("multiple_of", json!({ "multiple_of": 16 }));
    for (width, height, expected) in [
        (64, 64, vec![]),
        (1024, 1024, vec![]),
        (2048, 512, vec![]),
        (128, 512, vec![]),
        (
            0,
            64,
            vec![("image_size.width", ge(json!(16))), ("image_size", ge(json!(4096))), ("image_size", ge(json!(0.25)))],
        ),
        (60, 80, vec![("image_size.width", multiple())]),
        (80, 60, vec![("image_size.height", multiple())]),
        (64, 48, vec![("image_size", ge(json!(4096)))]),
        (1040, 1024, vec![("image_size", le(json!(1048576)))]),
        (2048, 496, vec![("image_size", le(json!(4)))]),
        (128, 528, vec![("image_size", ge(json!(0.25)))]),
        (
            4112,
            1024,
            vec![
                ("image_size.width", le(json!(4096))),
                ("image_size", le(json!(1048576))),
                ("image_size", le(json!(4))),
            ],
        ),
        (
            1_000_000_007,
            1_000_000_007,
            vec![
                ("image_size.width", le(json!(4096))),
                ("image_size.width", multiple()),
                ("image_size.height", multiple()),
                ("image_size", le(json!(1048576))),
            ],
        ),
    ] {
        let local = refused(&emulator, &client, Input::builder().image_size((width, height))).await;
        let untyped = json!({ "image_size": { "width": width, "height": height } });
        let remote = client.endpoint("tests/limits").run(untyped).await.err();
        assert_eq!(remote.is_none(), expected.is_empty(), "{width} {height}: {remote:?}");
        let remote = remote.as_ref().map(Error::field_errors).unwrap_or_default();
        for errors in [&local[..], remote] {
            let mut found: Vec<_> = essence(errors).into_iter().map(|(path, kind, ctx)| (path, (kind, ctx))).collect();
            let mut expected: Vec<_> = expected.iter().map(|(path, of)| ((*path).to_owned(), of.clone())).collect();
            for list in [&mut found, &mut expected] {
                list.sort_by_key(|(path, of)| format!("{path} {of:?}"));
            }
            assert_eq!(found, expected, "{width} {height}");
        }
    }

    let errors = refused(&emulator, &client, Input::builder().image_size((1040, 1024))).await;
    let expected = "image_size: Area 1064960 (1040 × 1024 pixels) should be less than or equal to 1048576";
    assert_eq!(errors[0].to_string(), expected);
    assert_eq!(errors[0].input, Some(json!({ "width": 1040, "height": 1024 })));

    let tiles = Input::builder().tiles([(8, 8), (8, 9)]);
    let errors = refused(&emulator, &client, tiles.clone()).await;
    assert_eq!(essence(&errors), [("tiles[1]".to_owned(), "less_than_equal", json!({ "le": 64 }))]);
    let error = client.endpoint(ENDPOINT).run(tiles).validate(false).await.expect_err("a refusal");
    assert_eq!(essence(error.field_errors()), essence(&errors));

    // The same size is refused elsewhere than in the default.
    for (tiles, is_refused) in [
        (json!([{ "width": 8, "height": 16 }]), false),
        (json!([{ "width": 8, "height": 16 }, { "width": 8, "height": 8 }]), true),
    ] {
        let input = JsonInput::from(json!({ "tiles": tiles }));
        assert_eq!(client.endpoint("tests/limits").run(input).await.is_err(), is_refused, "{tiles}");
    }

    // A size of one side, a preset and the default have no area to judge.
    for size in [json!({ "width": 4096 }), json!("square"), json!({ "width": 8192, "height": 16 })] {
        let input = JsonInput::from(json!({ "image_size": size }));
        client.endpoint("tests/limits").run(input).await.expect("a response");
    }
}

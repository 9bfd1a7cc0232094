use fal_emulator::{Emulator, Pace};
use jsonschema::Draft;
use serde_json::{Value, json};

use crate::fal::{Fal, INPAINTING, document, inpainting_with, object};

/// Generates an output for a schema, and checks that it fits.
async fn made(schema: Value, components: Value, input: Value) -> Value {
    let text = document("me/it", &json!({}), &schema, &components);
    made_by(text, schema, components, input).await
}

async fn made_by(document: String, schema: Value, components: Value, input: Value) -> Value {
    let fal = Fal::start(Emulator::builder().document(document).pace(Pace::instant())).await;
    let reply = fal.run("me/it", &input).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let whole = json!({ "allOf": [schema], "components": { "schemas": components } });
    let validator = jsonschema::options().with_draft(Draft::Draft202012).build(&whole).unwrap();
    if let Err(error) = validator.validate(&reply.body) {
        panic!("{error} in {}", reply.body);
    }
    reply.body
}

#[tokio::test]
async fn output_echoes_the_input() {
    let fal = Fal::instant().await;
    let run = async |fields| fal.run(INPAINTING, &inpainting_with(fields)).await.body;
    assert_eq!(run(json!({ "seed": 7 })).await["seed"], 7);
    assert_eq!(run(json!({ "num_images": 4 })).await["images"].as_array().unwrap().len(), 4);
    for (size, width, height) in [
        (json!("landscape_16_9"), 1024, 576),
        (json!("square"), 512, 512),
        (json!({ "width": 100, "height": 60 }), 100, 60),
        (json!({ "width": 100 }), 100, 512),
        // Larger than the largest image.
        (json!({ "width": 14142, "height": 1 }), 4096, 1),
    ] {
        let image = run(json!({ "image_size": size })).await["images"][0].clone();
        assert_eq!((&image["width"], &image["height"]), (&json!(width), &json!(height)), "{size}");
    }
    // The same input gives the same output, and another input another output.
    let first = run(json!({})).await;
    assert_eq!(first, run(json!({})).await);
    assert_ne!(first["seed"], run(json!({ "prompt": "Fire fortress" })).await["seed"]);

    let schema = object(&json!({ "prompt": { "type": "string" }, "steps": { "type": "integer", "maximum": 5 } }));
    let output = made(schema, json!({}), json!({ "prompt": "mine", "steps": 9 })).await;
    // A value that does not fit is not echoed.
    assert_eq!(output, json!({ "prompt": "mine", "steps": 0 }));
}

#[tokio::test]
async fn incomplete_example_is_completed() {
    let components = json!({ "Image": {
        "type": "object",
        "properties": {
            "url": { "type": "string" },
            "width": { "type": "integer" },
            "height": { "type": "integer" },
            "content_type": { "type": "string" },
        },
        "required": ["url", "width", "height"],
    } });
    let schema = json!({
        "type": "object",
        "properties": {
            "images": { "type": "array", "items": { "$ref": "#/components/schemas/Image" } },
            "timings": { "type": "object", "additionalProperties": { "type": "number" } },
            "note": { "type": "string" },
            "extra": { "type": "string" },
        },
        "required": ["images", "timings"],
    });
    let mut document: Value = serde_json::from_str(&document("me/it", &json!({}), &schema, &components)).unwrap();
    document["paths"]["/me/it/requests/{request_id}"]["get"]["responses"]["200"]["content"]["application/json"]["example"] =
        json!({ "images": [{ "url": "", "content_type": "image/jpeg" }, { "url": "" }], "note": "from the example" });
    let output = made_by(document.to_string(), schema, components, json!({})).await;
    assert_eq!(output["images"].as_array().unwrap().len(), 2);
    assert_eq!(output["images"][1]["width"], 512);
    assert_eq!(output["note"], "from the example");
    // A property that the example lacks is generated only if it is required.
    assert!(output["timings"].is_object());
    assert_eq!(output["extra"], Value::Null);
}

#[tokio::test]
async fn values_without_examples_fit_the_schema() {
    let schema = object(&json!({
        "boolean": { "type": "boolean" },
        "integer": { "type": "integer", "minimum": 3, "multipleOf": 4 },
        "negative": { "type": "integer", "maximum": -5 },
        "between": { "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 2 },
        "text": { "type": "string", "minLength": 50 },
        "short": { "type": "string", "maxLength": 3 },
        "time": { "type": "string", "format": "date-time" },
        "choice": { "type": "string", "enum": ["a", "b"] },
        "fixed": { "const": 5 },
        "preset": { "enum": [null, 3], "examples": [3] },
        "defaulted": { "type": "string", "default": "usual" },
        "wrong_example": { "type": "integer", "examples": ["seven", 7] },
        "list": { "type": "array", "items": { "type": "string" }, "minItems": 3, "maxItems": 4 },
        "empty": { "type": "array", "items": { "type": "string" }, "maxItems": 0 },
        "pair": { "type": "array", "prefixItems": [{ "type": "string" }, { "type": "integer" }] },
        "nullable": { "type": ["integer", "null"] },
        "nothing": { "type": "null" },
        "map": { "type": "object", "additionalProperties": { "type": "integer" }, "minProperties": 2 },
        "free": { "examples": [{ "a": ["b", 1] }] },
        "any": {},
    }));
    let output = made(schema, json!({}), json!({})).await;
    assert_eq!(output["integer"], 4);
    assert_eq!(output["negative"], -5);
    assert_eq!(output["preset"], 3);
    assert_eq!(output["defaulted"], "usual");
    assert_eq!(output["wrong_example"], 7);
    assert_eq!(output["list"].as_array().unwrap().len(), 3);
    assert_eq!(output["free"], json!({ "a": ["b", 1] }));
}

#[tokio::test]
async fn unions_and_compositions_are_generated() {
    let components = json!({
        "Base": { "type": "object", "properties": { "kind": { "type": "string" } }, "required": ["kind"] },
        "Named": { "allOf": [
            { "$ref": "#/components/schemas/Base" },
            { "type": "object", "properties": { "name": { "type": "string" } }, "required": ["name"] },
        ] },
    });
    let schema = object(&json!({
        "either": { "anyOf": [{ "type": "null" }, { "type": "integer" }, { "type": "string" }] },
        "by_example": { "oneOf": [{ "type": "integer" }, { "type": "string" }], "examples": ["text"] },
        "named": { "$ref": "#/components/schemas/Named" },
        "wrapped": { "allOf": [{ "$ref": "#/components/schemas/Base" }], "default": { "kind": "wrapped" } },
        "bounded": { "allOf": [{ "type": "integer", "minimum": 2 }, { "maximum": 9 }] },
        "overlapping": { "allOf": [
            { "properties": { "x": { "type": "integer" } } },
            { "properties": { "x": { "minimum": 3 } }, "required": ["x"] },
        ] },
        "listed": { "anyOf": [{ "type": "string" }, { "type": "integer" }], "enum": ["a", 1] },
        "one_of_keys": {
            "type": "object",
            "properties": { "a": { "type": "integer" }, "b": { "type": "integer" } },
            "anyOf": [{ "required": ["a"] }, { "required": ["b"] }],
        },
    }));
    let output = made(schema, components, json!({})).await;
    assert_eq!(output["either"], 0);
    assert_eq!(output["by_example"], "text");
    assert_eq!(output["wrapped"]["kind"], "wrapped");
    assert_eq!(output["bounded"], 2);
    assert_eq!(output["overlapping"]["x"], 3);
}

#[tokio::test]
async fn recursive_output_schemas_terminate() {
    let components = json!({
        "Tree": {
            "type": "object",
            "properties": {
                "name": { "type": "string" },
                "children": { "type": "array", "items": { "$ref": "#/components/schemas/Tree" } },
                "parent": { "anyOf": [{ "$ref": "#/components/schemas/Tree" }, { "type": "null" }] },
                "twin": { "$ref": "#/components/schemas/Twin" },
            },
            "required": ["name", "children", "parent"],
        },
        "Twin": { "type": "object", "properties": { "tree": { "$ref": "#/components/schemas/Tree" } } },
        "Self": { "$ref": "#/components/schemas/Self" },
    });
    let tree = json!({ "$ref": "#/components/schemas/Tree" });
    let output = made(object(&json!({ "tree": tree })), components.clone(), json!({})).await;
    assert_eq!(output["tree"]["children"], json!([]));
    assert_eq!(output["tree"]["parent"], Value::Null);
    made(json!({ "$ref": "#/components/schemas/Self" }), components, json!({})).await;
}

#[tokio::test]
async fn unsatisfiable_output_schemas_terminate() {
    // Every value contains another of its type. No value satisfies the schema, but there is a response.
    let components = json!({
        "Endless": {
            "type": "object",
            "properties": { "a": { "$ref": "#/components/schemas/Endless" }, "b": { "$ref": "#/components/schemas/Endless" } },
            "required": ["a", "b"],
        },
        "Doubling": { "allOf": [{ "$ref": "#/components/schemas/Twice" }, { "$ref": "#/components/schemas/Twice" }] },
        "Twice": { "allOf": [{ "$ref": "#/components/schemas/Doubling" }, { "$ref": "#/components/schemas/Doubling" }] },
        "Either": { "anyOf": [{ "$ref": "#/components/schemas/Either" }, { "$ref": "#/components/schemas/Either" }] },
        "Wide": { "type": "array", "items": { "$ref": "#/components/schemas/Wide" }, "minItems": 1_000_000 },
    });
    for name in ["Endless", "Doubling", "Either", "Wide"] {
        let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
        let document = document("me/it", &json!({}), &object(&json!({ "x": schema })), &components);
        let fal = Fal::start(Emulator::builder().document(document).pace(Pace::instant())).await;
        assert_eq!(fal.run("me/it", &json!({})).await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn files_have_the_kind_that_the_document_names() {
    let components = json!({ "File": {
        "type": "object",
        "properties": {
            "url": { "type": "string" },
            "content_type": { "anyOf": [{ "type": "string" }, { "type": "null" }], "examples": ["image/png"] },
            "file_name": { "type": "string" },
            "file_size": { "type": "integer", "examples": [4404019] },
        },
        "required": ["url"],
    } });
    let file = json!({ "$ref": "#/components/schemas/File" });
    let schema = object(&json!({
        "image": file,
        "audio": file,
        "video": file,
        "masks": { "type": "array", "items": file },
        "speech_url": { "type": "string" },
        "mesh": { "allOf": [file], "examples": [{ "url": "https://fal.media/a/b.glb" }] },
        "metadata": { "type": "object", "examples": [{ "preview": "https://fal.media/a.png", "homepage": "example.com" }] },
    }));
    let output = made(schema, components, json!({})).await;
    let ending = |value: &Value| value.as_str().unwrap().rsplit('.').next().unwrap().to_owned();
    for (name, kind, content_type) in [
        ("image", "png", "image/png"),
        ("audio", "wav", "audio/wav"),
        ("video", "mp4", "video/mp4"),
        ("mesh", "glb", "model/gltf-binary"),
    ] {
        assert_eq!(ending(&output[name]["url"]), kind, "{name}");
        assert_eq!(output[name]["content_type"], content_type);
        assert!(output[name]["url"].as_str().unwrap().ends_with(output[name]["file_name"].as_str().unwrap()));
    }
    assert_eq!(output["audio"]["file_size"], 441_044);
    assert_eq!(ending(&output["masks"][0]["url"]), "png");
    assert_eq!(ending(&output["speech_url"]), "wav");
    assert_eq!(ending(&output["metadata"]["preview"]), "png");
    assert_eq!(output["metadata"]["homepage"], "example.com");
}

#[tokio::test]
async fn names_and_components_tell_the_kind_of_a_file() {
    let properties = json!({
        "url": { "type": "string" },
        "content_type": { "type": "string", "examples": ["image/png"] },
        "file_data": { "type": "string", "format": "binary" },
    });
    let components = json!({
        "File": { "type": "object", "properties": properties, "required": ["url"] },
        "VideoFile": { "type": "object", "properties": properties, "required": ["url"] },
    });
    let file = json!({ "$ref": "#/components/schemas/File" });
    let song = json!({ "url": "https://fal.media/a", "content_type": "audio/mp4" });
    let output = made(
        object(&json!({
            "config_file": file,
            "caption_file": file,
            "debug_dataset": file,
            "gaussian_splat": file,
            "obj": file,
            "model_stl": file,
            "object": file,
            "image": { "$ref": "#/components/schemas/VideoFile" },
            "result": { "allOf": [file], "examples": [song] },
        })),
        components,
        json!({}),
    )
    .await;
    for (name, extension) in [
        ("config_file", ".json"),
        ("caption_file", ".txt"),
        ("debug_dataset", ".zip"),
        ("gaussian_splat", ".glb"),
        ("obj", ".obj"),
        ("model_stl", ".stl"),
        ("object", ".png"),
        ("image", ".mp4"),
        ("result", ".wav"),
    ] {
        assert!(output[name]["url"].as_str().unwrap().ends_with(extension), "{name}: {}", output[name]);
        assert_eq!(output[name]["file_data"], Value::Null, "{name}");
    }
}

#[tokio::test]
async fn numbers_follow_from_the_video_of_the_output() {
    let video = json!({ "type": "object", "properties": { "url": { "type": "string" } } });
    let schema = object(&json!({
        "duration": { "type": "number" },
        "duration_ms": { "type": "integer" },
        "fps": { "type": "integer" },
        "num_frames": { "type": "integer", "examples": [7] },
        "confidence": { "type": "number" },
        "timestamp": { "type": "array", "items": { "type": "number" }, "minItems": 3, "maxItems": 3 },
        "video": video,
    }));
    let mut output = made(schema, json!({}), json!({ "duration": "3s", "fps": 10 })).await;
    output["video"].take();
    assert_eq!(
        output,
        json!({
            "duration": 3.0,
            "duration_ms": 3000,
            "fps": 10,
            "num_frames": 7,
            "confidence": 0.9,
            "timestamp": [0.0, 1.5, 3.0],
            "video": null,
        })
    );
}

#[tokio::test]
async fn texts_are_sentences_about_the_prompt() {
    let schema = object(&json!({
        "output": { "type": "string" },
        "caption": { "type": "string" },
        "short": { "type": "string" },
        "summary": { "type": "string", "maxLength": 9 },
        "revised_prompt": { "type": "string" },
        "task_id": { "type": "string" },
    }));
    let prompt = "Why is the sky blue?";
    let output = made(schema.clone(), json!({}), json!({ "prompt": prompt, "seed": 4 })).await;
    let text = output["output"].as_str().unwrap();
    assert!(text.contains("“Why is the sky blue”") && text.split(' ').count() > 15, "{text}");
    assert!(output["caption"].as_str().unwrap().split(' ').count() > 10);
    assert_eq!((&output["short"], &output["revised_prompt"]), (&json!("Made by the emulator."), &json!(prompt)));
    assert_eq!(
        (output["summary"].as_str().unwrap().chars().count(), output["task_id"].as_str().unwrap().len()),
        (9, 16)
    );
    assert_eq!(output, made(schema, json!({}), json!({ "prompt": prompt, "seed": 4 })).await);
}

#[tokio::test]
async fn outputs_without_a_schema_follow_the_endpoint() {
    let run = async |id: &str, category: &str, input: Value| {
        let mut text: Value = serde_json::from_str(&document(id, &json!({}), &json!({}), &json!({}))).unwrap();
        text["info"]["x-fal-metadata"]["category"] = json!(category);
        let fal = Fal::start(Emulator::builder().document(text.to_string()).pace(Pace::instant())).await;
        fal.run(id, &input).await.body
    };
    let messages = json!({ "model": "a/b", "messages": [{ "role": "user", "content": "Name a colour" }] });
    let chat = run("me/it/openai/v1/chat/completions", "llm", messages).await;
    assert_eq!((&chat["object"], &chat["model"]), (&json!("chat.completion"), &json!("a/b")));
    assert!(chat["choices"][0]["message"]["content"].as_str().unwrap().contains("“Name a colour”"), "{chat}");
    let parts = json!([{ "role": "user", "content": [{ "type": "text", "text": "Name a colour" }] }]);
    let response = run("me/it/openai/v1/responses", "llm", json!({ "input": parts })).await;
    assert!(response["output"][0]["content"][0]["text"].as_str().unwrap().contains("“Name a colour”"), "{response}");
    let embeddings = run("me/it/openai/v1/embeddings", "llm", json!({ "input": ["one", "two"] })).await;
    let numbers = |index: usize| embeddings["data"][index]["embedding"].as_array().unwrap().clone();
    assert_eq!((embeddings["data"].as_array().unwrap().len(), numbers(0).len()), (2, 16));
    assert!(numbers(0) != numbers(1) && numbers(1).iter().all(|it| it.as_f64().unwrap().abs() <= 1.0));

    let video = run("me/it", "video-to-video", json!({})).await;
    assert_eq!(video["video"]["content_type"], "video/mp4");
    assert!(run("me/it", "speech-to-text", json!({})).await["output"].as_str().unwrap().starts_with("Hello"));
    assert_eq!(run("me/it", "training", json!({})).await, json!({}));
}

//! The forms of a document.

use serde_json::{Value, json};

use crate::project::{Project, document};

fn text(required: bool) -> Value {
    let required: &[&str] = if required { &["text"] } else { &[] };
    json!({ "type": "object", "properties": { "text": { "$ref": "#/$defs/Text" } }, "required": required })
}

#[test]
fn page_of_the_platform_api_has_many_documents() {
    let page = json!({
        "models": [
            { "endpoint_id": "acme/one", "metadata": { "category": "x" }, "openapi": document("acme/one") },
            { "endpoint_id": "acme/two", "openapi": document("acme/two") },
            { "endpoint_id": "acme/live", "openapi": { "error": { "code": "expansion_failed", "message": "no schema" } } },
            { "endpoint_id": "acme/bare", "openapi": null },
        ],
        "next_cursor": null, "has_more": false,
    });
    let project = Project::new(&[("page.json", page.clone())]);
    let summary = project.generate();
    assert_eq!(summary.documents, 2);
    let single = Project::new(&[("one.json", document("acme/one"))]);
    single.generate();
    assert_eq!(project.files()["acme/one.rs"], single.files()["acme/one.rs"]);
    let report = project.files()["REPORT.md"].clone();
    assert!(
        report.contains(
            "## acme/live\n\n- fal has no document of this endpoint (expansion_failed: no schema); it is not generated"
        ),
        "{report}"
    );
    assert!(report.contains("## acme/bare\n\n- fal has no document of this endpoint; it is not generated"), "{report}");
    assert!(project.files()["MANIFEST"].contains("page.json\tacme/live\t-\t"));
    assert!(project.generate().is_current());
    assert!(project.builder().check().unwrap().is_current());

    let mut broken = page;
    broken["models"][1]["openapi"]["paths"] =
        json!({ "/acme/two": { "post": {} }, "/acme/two/requests/{request_id}": {} });
    broken["models"][0]["endpoint_id"] = json!("../one");
    project.put("page.json", broken.to_string());
    let pointers: Vec<String> =
        project.findings().iter().map(|finding| finding.split(' ').nth(2).unwrap_or_default().to_owned()).collect();
    assert_eq!(pointers.len(), 2, "{pointers:?}");
    assert_eq!(pointers[0], "/models/0/endpoint_id:");
    assert!(pointers[1].starts_with("/models/1/openapi/paths/~1acme~1two/post/requestBody/"), "{pointers:?}");
}

#[test]
fn every_form_of_an_endpoint_generates_the_same_module() {
    let single = Project::new(&[("one.json", document("acme/one"))]);
    single.generate();
    let expected = single.files()["acme/one.rs"].clone();
    let model =
        json!({ "endpoint_id": "acme/one", "metadata": { "status": "active" }, "openapi": document("acme/one") });
    for form in
        [model.clone(), json!({ "models": [model] }), json!([document("acme/one")]), json!([{ "models": [model] }])]
    {
        let project = Project::new(&[("any.json", form)]);
        assert_eq!(project.generate().documents, 1);
        assert_eq!(project.files()["acme/one.rs"], expected);
        assert!(project.files()["REPORT.md"].contains("expresses every schema in full"));
    }
}

#[test]
fn missing_output_is_untyped_and_reported() {
    let note = "`Output`: the document has no schema of the output; add it to the document or with a patch; typed as \
                `serde_json::Value`";
    let mut no_result = document("acme/one");
    no_result["paths"].as_object_mut().unwrap().remove("/acme/one/requests/{request_id}");
    let input =
        document("acme/one")["paths"]["/acme/one"]["post"]["requestBody"]["content"]["application/json"]["schema"]
            .clone();
    let short = json!({ "endpointId": "acme/one", "input": input });
    for form in [no_result, short] {
        let project = Project::new(&[("one.json", form)]);
        assert_eq!(project.generate().lost, [format!("acme/one: {note}")]);
        assert!(project.files()["REPORT.md"].contains(&format!("## acme/one\n\n- {note}\n")));
        let module = project.files()["acme/one.rs"].clone();
        assert!(module.contains("pub type Output = ::fal_client::serde_json::Value;"), "{module}");
        assert!(module.contains("pub text: String"), "{module}");
    }
}

#[test]
fn reference_to_another_file_is_reported_with_the_remedy() {
    let outside = |reference: &str| json!({ "$ref": reference });
    let fields = json!({
        "web": outside("https://example.com/common.json#/definitions/Seed"), "file": outside("./common.yaml"),
        "part": outside("common.json#/Seed"), "gone": outside("#/components/schemas/Gone"), "other": outside("#/info/title"),
    });
    let short = json!({ "endpointId": "acme/one", "input": { "properties": fields }, "output": { "properties": { "a": { "type": "string" } } } });
    let project = Project::new(&[("one.json", short)]);
    let lost = project.generate().lost;
    let elsewhere = |reference: &str| {
        format!(
            "references to other files are not followed (`{reference}`): put the schema into the document, or into a patch; typed"
        )
    };
    for (field, expected) in [
        ("web", elsewhere("https://example.com/common.json#/definitions/Seed")),
        ("file", elsewhere("./common.yaml")),
        ("part", elsewhere("common.json#/Seed")),
        ("gone", "the component `Gone` is missing from the document; typed".to_owned()),
        ("other", "the reference `#/info/title` does not lead to a component; typed".to_owned()),
    ] {
        let line = format!("acme/one: `Input.{field}`: {expected}");
        assert!(lost.iter().any(|lost| lost.starts_with(&line)), "{line}\n{lost:#?}");
    }
    // A whole input without a type is an error.
    let project = Project::new(&[("one.json", json!({ "endpointId": "acme/one", "input": outside("common.json") }))]);
    assert_eq!(
        project.findings(),
        [
            "schemas/one.json at /input: the schema of the endpoint's input is in another file (`common.json`), and references to \
          other files are not followed; put the schema into this document, directly or with a patch"
        ]
    );
}

#[test]
fn error_response_is_reported_as_such() {
    let project = Project::new(&[
        ("a.json", json!({ "error": { "code": "expansion_failed", "message": "no schema" } })),
        ("b.json", json!({ "detail": "Not found" })),
    ]);
    assert_eq!(
        project.findings(),
        [
            "schemas/a.json: this file holds an error response of fal, not a document (expansion_failed: no schema); check the URL, and download the document again",
            "schemas/b.json: this file holds an error response of fal, not a document (Not found); check the endpoint id in the URL, and download the document again",
        ]
    );
}

#[test]
fn short_form_describes_a_custom_app() {
    let short = json!({
        "endpointId": "me/app/fast", "input": text(true), "output": text(false),
        "$defs": { "Text": { "type": "string", "minLength": 1 } },
    });
    let project = Project::new(&[("app.json", short.clone())]);
    project.generate();
    let module = project.files()["me/app/fast.rs"].clone();
    assert!(module.contains("#[field(min_length(1))]\n    pub text: String,"), "{module}");

    // As pydantic writes it: each schema brings its own definitions.
    let mut own = short.clone();
    let definitions = own["$defs"].take();
    own["input"]["$defs"] = definitions.clone();
    own["output"]["$defs"] = definitions;
    project.put("app.json", own.to_string());
    project.generate();
    assert_eq!(project.files()["me/app/fast.rs"], module);

    own["output"]["$defs"]["Text"] = json!({ "type": "integer" });
    own.as_object_mut().unwrap().remove("input");
    project.put("app.json", own.to_string());
    assert_eq!(
        project.findings(),
        [
            "schemas/app.json at /input: missing schema of the endpoint's input; write it here, directly or with a patch; `{}` \
          stands for any JSON"
        ]
    );
    own["input"] = short["input"].clone();
    own["endpointId"] = json!("app");
    project.put("app.json", own.to_string());
    assert!(project.findings()[0].starts_with("schemas/app.json at /endpointId: invalid endpoint id `app`"));
}

#[test]
fn every_post_path_of_an_app_document_is_an_endpoint() {
    let body = |schema: Value| json!({ "content": { "application/json": { "schema": schema } } });
    let schema = |name: &str| json!({ "type": "object", "properties": { name: { "type": "string" } } });
    let post = |input: &str, output: &str| json!({ "post": { "requestBody": body(schema(input)), "responses": { "200": body(schema(output)) } } });
    let app = json!({
        "openapi": "3.1.0", "info": { "title": "FastAPI", "version": "0.1.0" },
        "paths": {
            "/": post("prompt", "image"), "/image-to-image": post("image", "image"),
            "/health": { "get": {} }, "/upload": { "post": { "requestBody": { "content": { "multipart/form-data": {} } } } },
        },
    });
    let project = Project::new(&[("me/app.json", app.clone())]);
    assert_eq!(project.generate().documents, 2);
    let files = project.files();
    assert!(
        files["me/app.rs"].contains("Endpoint::new(\n    \"me/app\",\n)") || files["me/app.rs"].contains("\"me/app\"")
    );
    assert!(files["me/app.rs"].contains("pub prompt: Option<String>"));
    assert!(files["me/app/image_to_image.rs"].contains("pub image: Option<String>"));

    let mut elsewhere = app;
    elsewhere["servers"] = json!([{ "url": "https://fal.run/me/app" }]);
    let other = Project::new(&[("anything.json", elsewhere)]);
    other.generate();
    assert_eq!(other.files()["me/app.rs"], files["me/app.rs"]);
}

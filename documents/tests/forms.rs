//! The forms of a document: each gives the same id and the same schemas.

use std::path::PathBuf;

use fal_documents::{Contents, Document, Finding, Source, parse};
use serde_json::{Value, json};

fn read(path: &str, text: impl AsRef<[u8]>) -> Result<Contents, Vec<Finding>> {
    let (file, path) = (PathBuf::from(path), path.to_owned());
    parse(&Source { file, path, text: text.as_ref().to_vec(), patch: None })
}

#[track_caller]
fn documents(value: &Value) -> Vec<Document> {
    read("lamp.json", value.to_string()).unwrap_or_else(|findings| panic!("{findings:?}")).documents
}

#[track_caller]
fn document(value: &Value) -> Document {
    let mut found = documents(value);
    assert_eq!(found.len(), 1);
    found.remove(0)
}

#[track_caller]
fn findings(value: &Value) -> Vec<String> {
    let findings = read("lamp.json", value.to_string()).expect_err("a finding");
    findings.iter().map(Finding::to_string).collect()
}

#[track_caller]
fn mistakes(value: &Value) -> Vec<String> {
    let contents = read("lamp.json", value.to_string()).unwrap_or_else(|findings| panic!("{findings:?}"));
    contents.mistakes.iter().map(Finding::to_string).collect()
}

fn content(schema: &Value) -> Value {
    json!({ "content": { "application/json": { "schema": schema } } })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn components() -> Value {
    json!({
        "LampInput": { "type": "object", "properties": { "watts": { "type": "integer" } } },
        "LampOutput": { "type": "object", "properties": { "lumen": { "type": "integer" } } },
        "QueueStatus": { "type": "object", "properties": { "status": {}, "request_id": {} } },
    })
}

fn open_api(id: &str) -> Value {
    json!({
        "openapi": "3.0.4",
        "info": { "x-fal-metadata": { "endpointId": id, "category": "light" } },
        "components": { "schemas": components() },
        "paths": {
            format!("/{id}"): {
                "post": { "requestBody": content(&reference("LampInput")), "responses": { "200": content(&reference("QueueStatus")) } },
            },
            format!("/{id}/requests/{{request_id}}"): { "get": { "responses": { "200": content(&reference("LampOutput")) } } },
        },
    })
}

#[test]
fn document_of_an_endpoint_has_its_schemas() {
    let found = document(&open_api("acme/lamp"));
    assert_eq!((found.id.as_str(), found.category.as_deref(), found.at.as_str()), ("acme/lamp", Some("light"), ""));
    assert_eq!((found.input, found.output), (reference("LampInput"), reference("LampOutput")));
    assert_eq!(Value::Object(found.components), components());
    assert_eq!(found.components_at, "/components/schemas");
}

#[test]
fn model_and_models_have_the_same_document() {
    let model = |id: &str| json!({ "endpoint_id": id, "metadata": { "status": "active" }, "openapi": open_api(id) });
    let found = document(&model("acme/lamp"));
    assert_eq!((found.id.as_str(), found.at.as_str()), ("acme/lamp", "/openapi"));
    assert_eq!((found.input, found.output), (reference("LampInput"), reference("LampOutput")));
    // As `jq '.models[0] | {openapi}'` leaves it.
    assert_eq!(document(&json!({ "openapi": open_api("acme/lamp") })).id, "acme/lamp");

    let page = json!({ "models": [model("acme/lamp"), model("acme/lamp/dim")], "has_more": false });
    let found = documents(&page);
    assert_eq!(found.iter().map(|found| found.id.as_str()).collect::<Vec<_>>(), ["acme/lamp", "acme/lamp/dim"]);
    assert_eq!(found[1].components_at, "/models/1/openapi/components/schemas");
}

#[test]
fn id_of_a_model_is_that_of_a_document_without_one() {
    let mut bare = open_api("acme/lamp");
    bare["info"] = json!({});
    bare["paths"]["/acme/other"] = json!({ "post": {} });
    bare["paths"]["/acme/other/requests/{request_id}"] = json!({ "get": {} });
    assert_eq!(document(&json!({ "endpoint_id": "acme/lamp", "openapi": bare })).id, "acme/lamp");
    assert_eq!(
        findings(&bare),
        [
            "lamp.json at /info/x-fal-metadata/endpointId: missing endpoint id: there are several POST paths to infer it from; \
          write the id here, or remove the paths of other endpoints"
        ]
    );
}

#[test]
fn models_without_documents_are_undocumented() {
    let page = json!({ "models": [
        { "endpoint_id": "acme/live", "openapi": { "error": { "code": "expansion_failed", "message": "no\nschema" } } },
        { "endpoint_id": "acme/bare", "openapi": null },
    ] });
    let contents = read("page.json", page.to_string()).expect("contents");
    assert!(contents.documents.is_empty());
    let reason = Some("expansion_failed: no schema".to_owned());
    assert_eq!(contents.undocumented, [("acme/live".to_owned(), reason), ("acme/bare".to_owned(), None)]);
}

#[test]
fn models_that_were_not_expanded_are_rejected() {
    let model = |id: &str| json!({ "endpoint_id": id, "metadata": { "display_name": id } });
    for (value, expected) in [
        (
            json!({ "models": [model("acme/lamp"), model("acme/sofa")] }),
            "lamp.json at /models: the documents are missing",
        ),
        (model("acme/lamp"), "lamp.json: the document is missing"),
        (json!([model("acme/lamp")]), "lamp.json at /0: the document is missing"),
        (json!({ "endpoint_id": "acme/lamp", "openapi": null }), "lamp.json: the document is missing"),
        (
            json!({ "models": [{ "endpoint_id": "acme/lamp", "openapi": null }] }),
            "lamp.json at /models: the documents are missing",
        ),
        (json!({ "models": [] }), "lamp.json at /models: the list of models is empty"),
    ] {
        let found = findings(&value);
        assert!(found.len() == 1 && found[0].starts_with(expected), "{found:?}");
        assert!(found[0].contains("expand=openapi-3.0"), "{found:?}");
    }
}

#[test]
fn models_of_other_tools_are_rejected_once() {
    for models in
        [json!([{ "id": "llama", "owned_by": "acme" }, { "id": "other" }]), json!(["llama"]), json!({ "a": 1 })]
    {
        let found = findings(&json!({ "models": models }));
        assert!(found.len() == 1 && found[0].starts_with("lamp.json at /models: "), "{found:?}");
        assert!(found[0].contains("https://api.fal.ai/v1/models?expand=openapi-3.0"), "{found:?}");
    }
}

#[test]
fn array_may_mix_the_forms() {
    let short = json!({ "endpointId": "acme/bulb", "input": {}, "output": {} });
    let found = documents(&json!([open_api("acme/lamp"), { "models": [{ "openapi": open_api("acme/sofa") }] }, short]));
    let places: Vec<(&str, &str)> = found.iter().map(|found| (found.id.as_str(), found.at.as_str())).collect();
    assert_eq!(places, [("acme/lamp", "/0"), ("acme/sofa", "/1/models/0/openapi"), ("acme/bulb", "/2")]);

    let found = findings(&json!([open_api("acme/lamp"), "acme/sofa", 5, { "detail": "Not Found" }]));
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("lamp.json at /1: not a document of an endpoint: expected an object"), "{found:?}");
    assert!(found[2].starts_with("lamp.json at /3: this file holds an error response of fal"), "{found:?}");
    assert!(findings(&json!([]))[0].contains("the array of documents is empty"));
}

#[test]
fn findings_of_a_file_are_bounded() {
    let found = findings(&json!(vec![1; 10_000]));
    assert_eq!(found.len(), 51);
    assert!(found[50].contains("further problems"), "{}", found[50]);
}

#[test]
fn short_form_takes_definitions_from_every_place() {
    let watts = json!({ "type": "integer" });
    let input = |place: &str| json!({ "properties": { "watts": { "$ref": format!("#/{place}/Watts") } } });
    let short = |place: &str| json!({ "endpointId": "acme/lamp", "input": input(place), "output": {} });
    let mut forms = vec![short("$defs"); 5];
    forms[0]["$defs"] = json!({ "Watts": watts });
    forms[1]["definitions"] = json!({ "Watts": watts });
    forms[2]["components"] = json!({ "schemas": { "Watts": watts } });
    forms[3]["input"]["$defs"] = json!({ "Watts": watts });
    forms[4]["output"]["definitions"] = json!({ "Watts": watts });
    let places = ["/$defs", "/definitions", "/components/schemas", "/$defs", "/$defs"];
    for (form, place) in forms.iter().zip(places) {
        let found = document(form);
        assert_eq!(Value::Object(found.components), json!({ "Watts": watts }), "{form}");
        assert_eq!(found.components_at, place);
        assert_eq!(found.input, input("$defs"));
    }
    forms[1]["$defs"] = json!({ "Watts": { "type": "string" } });
    assert_eq!(
        findings(&forms[1]),
        ["lamp.json at /definitions/Watts: conflicting definitions of `Watts`; rename one of them"]
    );
}

#[test]
fn short_form_may_lack_the_output_but_not_the_rest() {
    for form in [
        json!({ "endpointId": "acme/lamp", "input": {} }),
        json!({ "endpointId": "acme/lamp", "input": {}, "output": null }),
    ] {
        assert_eq!(document(&form).output, json!({}));
    }
    for (form, expected) in [
        (
            json!({ "endpointId": "acme/lamp", "output": {} }),
            "at /input: missing schema of the endpoint's input; write it",
        ),
        (json!({ "endpointId": "acme/lamp", "input": true }), "at /input: missing schema of the endpoint's input"),
        (
            json!({ "endpointId": "acme/lamp", "input": {}, "output": "text" }),
            "at /output: the schema of the endpoint's output is",
        ),
        (json!({ "endpointId": 5, "input": {} }), "at /endpointId: invalid endpoint id"),
        (
            json!({ "endpoint_id": "acme/lamp", "input": {} }),
            "at /endpoint_id: the short form calls the id `endpointId`; rename",
        ),
        (json!({ "input": {}, "output": {} }), ": missing `endpointId`; add the id of the endpoint"),
    ] {
        let found = findings(&form);
        assert!(found.len() == 1 && found[0].contains(expected), "{found:?}");
    }
}

#[test]
fn whole_input_must_be_defined_in_the_short_form() {
    let short = |target: &str| json!({ "endpointId": "acme/lamp", "input": { "$ref": target }, "$defs": { "Lamp": { "type": "object" }, "Next": { "$ref": "#/$defs/Lmap" } } });
    assert_eq!(document(&short("#/$defs/Lamp")).input, json!({ "$ref": "#/$defs/Lamp" }));
    for target in ["#/$defs/Lmap", "#/definitions/Lmap", "#/$defs/Next"] {
        assert_eq!(
            findings(&short(target)),
            [
                "lamp.json at /input: the schema of the endpoint's input is `Lmap`, which is not defined; correct the name, or \
              add the definition"
            ]
        );
    }
}

/// fal itself serves such documents.
#[test]
fn openapi_document_without_the_component_of_its_input_is_read_and_reported() {
    let mut open_api = open_api("acme/lamp");
    open_api["components"]["schemas"].as_object_mut().expect("components").remove("LampInput");
    let contents = read("lamp.json", open_api.to_string()).expect("contents");
    assert_eq!(contents.documents.len(), 1);
    let mistakes: Vec<String> = contents.mistakes.iter().map(Finding::to_string).collect();
    assert_eq!(
        mistakes,
        [
            "lamp.json at /paths/~1acme~1lamp/post/requestBody/content/application~1json/schema: the schema of the endpoint's \
          input is `LampInput`, which is missing from the document; it may be any JSON. Add it with a patch"
        ]
    );
}

#[test]
fn unknown_keys_of_the_short_form_are_reported() {
    let short = json!({ "endpointId": "acme/lamp", "input": {}, "ouptut": {}, "$schema": "…", "x-owner": "me", "$defs": {}, "category": "light" });
    let contents = read("lamp.json", short.to_string()).expect("contents");
    let mistakes: Vec<String> = contents.mistakes.iter().map(Finding::to_string).collect();
    assert_eq!(
        mistakes,
        [
            "lamp.json at /ouptut: unknown key `ouptut`, which is not read; the short form has `endpointId`, `input`, `output`, \
          `category` and `$defs`"
        ]
    );
    // It may be why the input is missing.
    let found = findings(&json!({ "endpointId": "acme/lamp", "inptu": {} }));
    assert!(found.len() == 2 && found[1].starts_with("lamp.json at /inptu: unknown key `inptu`"), "{found:?}");
}

#[test]
fn fields_in_place_of_a_schema_are_reported() {
    let short = |schema: Value| json!({ "endpointId": "acme/lamp", "input": schema, "output": { "type": "object" } });
    for schema in [
        json!({ "watts": { "type": "integer" } }),
        json!({ "prompt": "a lamp", "seed": 1 }),
        json!({ "title": "Lamp" }),
    ] {
        let contents = read("lamp.json", short(schema).to_string()).expect("contents");
        let mistakes: Vec<String> = contents.mistakes.iter().map(Finding::to_string).collect();
        assert_eq!(
            mistakes,
            [
                "lamp.json at /input: the endpoint's input has no keyword that describes values, so it is any JSON; write its fields \
              below `properties`: {\"type\": \"object\", \"properties\": {…}}"
            ]
        );
    }
    for schema in
        [json!({}), json!({ "$ref": "#/$defs/Lamp" }), json!({ "type": "object" }), json!({ "$comment": "any" })]
    {
        let mut short = short(schema);
        short["$defs"] = json!({ "Lamp": {} });
        let contents = read("lamp.json", short.to_string()).expect("contents");
        assert!(contents.mistakes.is_empty(), "{:?}", contents.mistakes);
    }
    let mut output = short(json!({}));
    output["output"] = json!({ "images": [] });
    let contents = read("lamp.json", output.to_string()).expect("contents");
    assert!(contents.mistakes[0].to_string().starts_with("lamp.json at /output: the endpoint's output has no keyword"));
}

#[test]
fn place_of_the_id_depends_on_the_form() {
    let mut unnamed = open_api("acme/lamp");
    unnamed["info"] = json!({});
    for (value, place) in [
        (open_api("acme/lamp"), "/info/x-fal-metadata/endpointId"),
        (unnamed.clone(), "/paths/~1acme~1lamp"),
        (json!([{ "endpoint_id": "acme/lamp", "openapi": unnamed }]), "/0/endpoint_id"),
        (json!({ "openapi": open_api("acme/lamp") }), "/openapi/info/x-fal-metadata/endpointId"),
        (json!({ "endpointId": "acme/lamp", "input": {} }), "/endpointId"),
        (json!([{ "endpointId": "acme/lamp", "input": {} }]), "/0/endpointId"),
    ] {
        assert_eq!(document(&value).id_at, place);
    }
}

#[test]
fn document_without_a_result_has_an_empty_output() {
    let mut open_api = open_api("acme/lamp");
    let paths = open_api["paths"].as_object_mut().expect("paths");
    paths.remove("/acme/lamp/requests/{request_id}");
    // The response to the request is the status of the queue.
    assert_eq!(document(&open_api).output, json!({}));
    let response = "/paths/~1acme~1lamp/post/responses/200/content/application~1json/schema";
    *open_api.pointer_mut(response).expect("a response") = reference("LampOutput");
    assert_eq!(document(&open_api).output, reference("LampOutput"));
    open_api["paths"]["/acme/lamp"]["post"]["responses"] = json!({});
    assert_eq!(document(&open_api).output, json!({}));
    open_api["paths"]["/acme/lamp"]["post"]["requestBody"] = json!({});
    assert_eq!(
        findings(&open_api),
        ["lamp.json at /paths/~1acme~1lamp/post/requestBody/content/application~1json/schema: missing schema of the \
          endpoint's input; write it here, directly or with a patch; `{}` stands for any JSON"]
    );
}

#[test]
fn media_type_may_have_parameters_and_other_names() {
    let mut open_api = open_api("acme/lamp");
    let (json, other) = (json!({ "schema": { "type": "object" } }), json!({ "schema": {} }));
    let mut check = |content: Value| {
        *open_api.pointer_mut("/paths/~1acme~1lamp/post/requestBody/content").expect("the content") = content;
        assert_eq!(document(&open_api).input, json!({ "type": "object" }));
    };
    for name in ["application/json; charset=utf-8", "Application/JSON", "application/vnd.acme+json", "*/*"] {
        check(json!({ name: json, "text/plain": other }));
    }
    check(json!({ "*/*": other, "application/json": json }));
    // Endpoints may share a content, so that a search has bounds.
    let long = format!("application/json;{}", "x".repeat(1_000));
    let mut many: serde_json::Map<String, Value> =
        (0..1_000).map(|index| (format!("a/{index}"), other.clone())).collect();
    many.insert("application/json".to_owned(), json);
    for content in [json!({ long: other }), Value::Object(many)] {
        *open_api.pointer_mut("/paths/~1acme~1lamp/post/requestBody/content").expect("the content") = content;
        assert!(findings(&open_api)[0].contains("missing schema of the endpoint's input"));
    }
}

#[test]
fn paths_may_be_written_in_other_ways() {
    let rename = |from: &str, to: &str| -> Value {
        serde_json::from_str(&open_api("acme/lamp").to_string().replace(from, to)).expect("JSON")
    };
    for written in [
        rename("\"/acme/lamp\"", "\"/acme/lamp/\""),
        rename("\"/acme/lamp", "\"acme/lamp"),
        rename("{request_id}\"", "{requestId}\""),
        rename("{request_id}\"", "{request_id}/\""),
    ] {
        let found = document(&written);
        assert_eq!((found.id.as_str(), found.at.as_str()), ("acme/lamp", ""), "{written}");
        assert_eq!((found.input, found.output), (reference("LampInput"), reference("LampOutput")), "{written}");
        let mut unnamed = written.clone();
        unnamed["info"] = json!({});
        assert_eq!(document(&unnamed).id, "acme/lamp", "{unnamed}");
    }
}

#[test]
fn bodies_may_be_components_and_responses_have_other_statuses() {
    let mut open_api = open_api("acme/lamp");
    let request = "/paths/~1acme~1lamp/post/requestBody";
    let responses = "/paths/~1acme~1lamp~1requests~1{request_id}/get/responses";
    let body = open_api.pointer_mut(request).expect("a body").take();
    let response = open_api.pointer_mut(responses).expect("responses")["200"].take();
    open_api["components"]["requestBodies"] = json!({ "Body": body });
    open_api["components"]["responses"] = json!({ "Result": response });
    *open_api.pointer_mut(request).expect("a body") = json!({ "$ref": "#/components/requestBodies/Body" });
    for (status, response) in [
        ("200", json!({ "$ref": "#/components/responses/Result" })),
        ("2XX", response.clone()),
        ("201", response.clone()),
        ("default", response.clone()),
    ] {
        *open_api.pointer_mut(responses).expect("responses") = json!({ status: response, "404": content(&json!({})) });
        let found = document(&open_api);
        assert_eq!((found.input, found.output), (reference("LampInput"), reference("LampOutput")), "{status}");
    }
    // Next to a response of success, the default is that of errors.
    for status in ["200", "204"] {
        *open_api.pointer_mut(responses).expect("responses") =
            json!({ status: { "description": "ok" }, "default": response });
        assert_eq!(document(&open_api).output, json!({}), "{status}");
    }
}

#[test]
fn openapi_document_takes_definitions_from_every_place() {
    let bulb = json!({ "type": "integer" });
    let schema = |place: &str| json!({ "properties": { "bulb": { "$ref": format!("#/{place}/Bulb") } } });
    for place in ["$defs", "definitions"] {
        let mut in_root = open_api("acme/lamp");
        in_root["components"]["schemas"]["LampInput"] = schema(place);
        let (mut in_component, mut in_schema) = (in_root.clone(), in_root.clone());
        in_root[place] = json!({ "Bulb": bulb });
        in_component["components"]["schemas"]["LampInput"][place] = json!({ "Bulb": bulb });
        let input = "/paths/~1acme~1lamp/post/requestBody/content/application~1json/schema";
        let mut inline = schema(place);
        inline[place] = json!({ "Bulb": bulb });
        *in_schema.pointer_mut(input).expect("the input") = inline;
        for written in [&in_root, &in_component, &in_schema] {
            let found = document(written);
            assert_eq!(found.components["Bulb"], bulb, "{written}");
            let is_clean = |schema: &Value| schema.get(place).is_none();
            assert!(is_clean(&found.input) && found.components.values().all(is_clean), "{written}");
        }
        in_component["components"]["schemas"]["Bulb"] = json!({ "type": "string" });
        let conflict = format!(
            "lamp.json at /components/schemas/LampInput/{place}/Bulb: conflicting definitions of `Bulb`, and the component `Bulb` \
             counts; rename one of them"
        );
        assert_eq!(mistakes(&in_component), [conflict]);
        assert_eq!(document(&in_component).components["Bulb"], json!({ "type": "string" }));
    }
}

#[test]
fn equal_definitions_do_not_conflict() {
    // Each tool refers to definitions in its own way, and a recursive schema defines itself again.
    let lamp = |place: &str| json!({ "properties": { "next": { "$ref": format!("#/{place}/Lamp") }, "bulbs": [{ "$ref": format!("#/{place}/Bulb") }] } });
    let bulb = json!({ "type": "integer" });
    let with = |mut schema: Value, definitions: Value| {
        schema["$defs"] = definitions;
        schema
    };
    let itself = with(lamp("$defs"), json!({ "Lamp": with(lamp("$defs"), json!({ "Bulb": bulb })), "Bulb": bulb }));
    let input = with(json!({ "$ref": "#/$defs/Lamp" }), json!({ "Lamp": lamp("$defs") }));
    for lamp in [lamp("components/schemas"), itself] {
        let mut open_api = open_api("acme/lamp");
        // Before and after the lamp in the order of names.
        for name in ["Hall", "Sofa"] {
            open_api["components"]["schemas"][name] = input.clone();
        }
        open_api["components"]["schemas"]["Lamp"] = lamp.clone();
        open_api["components"]["schemas"]["Bulb"] = bulb.clone();
        open_api["paths"]["/acme/lamp"]["post"]["requestBody"] = content(&input);
        assert_eq!(mistakes(&open_api), [""; 0]);
        let found = document(&open_api);
        assert_eq!(found.components["Bulb"], bulb);
        assert!(found.components.values().all(|schema| schema.get("$defs").is_none()), "{:?}", found.components);
        let short = json!({ "endpointId": "acme/lamp", "input": input, "$defs": { "Lamp": lamp, "Bulb": bulb } });
        assert_eq!(document(&short).components.keys().collect::<Vec<_>>(), ["Bulb", "Lamp"]);
    }
}

#[test]
fn definitions_inside_of_definitions_are_components() {
    let inner = json!({ "type": "object", "$defs": { "Watts": { "type": "integer", "definitions": { "Unit": {} } } } });
    let short = json!({ "endpointId": "acme/lamp", "input": { "$ref": "#/$defs/Bulb" }, "$defs": { "Bulb": inner } });
    let mut open_api = open_api("acme/lamp");
    open_api["paths"]["/acme/lamp"]["post"]["requestBody"] =
        content(&json!({ "$ref": "#/$defs/Bulb", "$defs": { "Bulb": inner } }));
    for written in [short, open_api] {
        let found = document(&written).components;
        assert_eq!((&found["Bulb"], &found["Watts"]), (&json!({ "type": "object" }), &json!({ "type": "integer" })));
        assert_eq!(found["Unit"], json!({}));
        assert!(found.keys().is_sorted(), "also with `preserve_order` of serde_json");
    }
}

#[test]
fn definitions_are_reported_where_they_are() {
    let other = |name: &str| json!({ "$ref": format!("#/$defs/{name}"), "$defs": { name: { "type": "null" } } });
    let mut queue = open_api("acme/lamp");
    queue["components"]["requestBodies"] = json!({ "Body": content(&other("LampInput")) });
    queue["paths"]["/acme/lamp"]["post"]["requestBody"] = json!({ "$ref": "#/components/requestBodies/Body" });
    queue["paths"]["/acme/lamp/requests/{request_id}"]["get"]["responses"] =
        json!({ "201": { "content": { "text/json+json": { "schema": other("LampOutput") } } } });
    let mut app = queue.clone();
    let result = app["paths"]["/acme/lamp/requests/{request_id}"]["get"]["responses"].take();
    app["paths"] = json!({ "/": app["paths"]["/acme/lamp"], "/dim": app["paths"]["/acme/lamp"] });
    app["components"]["responses"] = json!({ "Result": result["201"] });
    for path in ["/", "/dim"] {
        app["paths"][path]["post"]["responses"] = json!({ "200": { "$ref": "#/components/responses/Result" } });
    }
    for written in [queue, app] {
        let found = read("lamp.json", json!([written]).to_string()).expect("contents").mistakes;
        assert_eq!(found.len(), 2, "{found:?}");
        let file = json!([written]);
        for (mistake, name) in found.iter().zip(["LampInput", "LampOutput"]) {
            assert!(mistake.reason.contains(&format!("`{name}`")), "{mistake}");
            assert_eq!(file.pointer(&mistake.pointer), Some(&json!({ "type": "null" })), "{mistake}");
        }
    }
}

#[test]
fn endpoints_that_share_large_bodies_are_bounded() {
    let long = "a".repeat(1 << 20);
    let large = content(&json!({ "description": long }));
    let shared = |kind: &str| json!({ "$ref": format!("#/components/{kind}/Large") });
    for (body, response) in
        [(shared("requestBodies"), json!({})), (content(&json!({})), json!({ "200": shared("responses") }))]
    {
        let post = json!({ "post": { "requestBody": body, "responses": response } });
        let app = |count: usize| {
            let paths: serde_json::Map<String, Value> =
                (0..count).map(|index| (format!("/{index}"), post.clone())).collect();
            json!({
                "info": { "x-fal-metadata": { "endpointId": "acme/lamp" } },
                "components": { "requestBodies": { "Large": large }, "responses": { "Large": large } },
                "paths": paths,
            })
        };
        assert_eq!(documents(&app(60)).len(), 60);
        let found = findings(&app(64));
        assert!(found.len() == 1 && found[0].contains("too many endpoints share"), "{found:?}");
    }
}

#[test]
fn example_of_a_result_is_kept() {
    for (key, value) in [
        ("example", json!({ "lumen": 5 })),
        ("examples", json!([{ "lumen": 5 }, { "lumen": 6 }])),
        ("examples", json!({ "bright": { "value": { "lumen": 5 } } })),
    ] {
        let mut open_api = open_api("acme/lamp");
        let media = "/paths/~1acme~1lamp~1requests~1{request_id}/get/responses/200/content/application~1json";
        open_api.pointer_mut(media).expect("the result")[key] = value;
        assert_eq!(document(&open_api).example, Some(json!({ "lumen": 5 })));
    }
    assert_eq!(document(&open_api("acme/lamp")).example, None);
}

#[test]
fn app_is_named_by_its_document_its_server_or_its_file() {
    let post = json!({ "post": { "requestBody": content(&reference("LampInput")), "responses": { "200": content(&reference("LampOutput")) } } });
    let app = |info: Value, server: Option<&str>| {
        let mut app = json!({ "info": info, "paths": { "/": post, "/dim": post, "/health": { "get": {} } }, "components": { "schemas": components() } });
        if let Some(url) = server {
            app["servers"] = json!([{ "url": url }]);
        }
        app
    };
    let ids = |path: &str, value: &Value| {
        let contents = read(path, value.to_string()).map_err(|findings| findings[0].to_string())?;
        assert!(contents.documents.iter().all(|found| found.output == reference("LampOutput")));
        Ok::<_, String>(contents.documents.into_iter().map(|found| found.id).collect::<Vec<_>>().join(" "))
    };
    let stated = json!({ "x-fal-metadata": { "endpointId": "acme/stated" } });
    assert_eq!(ids("x.json", &app(stated, None)).as_deref(), Ok("acme/stated acme/stated/dim"));
    for url in
        ["https://fal.run/acme/served", "https://queue.fal.run/acme/served/", "http://localhost:8000/acme/served"]
    {
        assert_eq!(ids("x.json", &app(json!({}), Some(url))).as_deref(), Ok("acme/served acme/served/dim"), "{url}");
    }
    for server in [None, Some("/"), Some("http://127.0.0.1:8000")] {
        assert_eq!(
            ids("acme/file.json", &app(json!({}), server)).as_deref(),
            Ok("acme/file acme/file/dim"),
            "{server:?}"
        );
    }
    assert_eq!(
        ids("comfy/acme/file.json", &app(json!({}), None)).as_deref(),
        Ok("comfy/acme/file comfy/acme/file/dim")
    );
    // The first folder may be the user's own.
    for path in ["x.json", "deep/acme/file.json", "comfy/file.json"] {
        let unnamed = ids(path, &app(json!({}), None)).expect_err("no name");
        assert!(
            unnamed.contains("missing app id: write `owner/app` here, or name the file after the app"),
            "{unnamed}"
        );
    }
    for url in ["https://api.example.com/v1", "https://notfal.run/acme/x", "https://fal.run.example.com/acme/x"] {
        let other = ids("acme/file.json", &app(json!({}), Some(url))).expect_err("another service");
        assert!(other.contains(&format!("the document of another service (`{url}`)")), "{other}");
    }
}

#[test]
fn paths_below_the_root_of_fal_are_ids() {
    let mut open_api = open_api("acme/lamp");
    open_api["info"] = json!({});
    open_api["servers"] = json!([{ "url": "https://queue.fal.run" }]);
    open_api["paths"].as_object_mut().expect("paths").remove("/acme/lamp/requests/{request_id}");
    let found = document(&open_api);
    assert_eq!((found.id.as_str(), found.output), ("acme/lamp", json!({})));
}

#[test]
fn arrays_may_be_inside_of_arrays() {
    let found = documents(
        &json!([[open_api("acme/lamp")], { "models": [{ "endpoint_id": "acme/sofa", "openapi": open_api("acme/sofa") }] }]),
    );
    let places: Vec<(&str, &str)> = found.iter().map(|found| (found.id.as_str(), found.at.as_str())).collect();
    assert_eq!(places, [("acme/lamp", "/0/0"), ("acme/sofa", "/1/models/0/openapi")]);
    assert!(findings(&json!([[]]))[0].starts_with("lamp.json at /0: the array of documents is empty"));
}

#[test]
fn invalid_ids_are_shown_as_they_are() {
    for (id, shown) in [
        (json!(null), "null"),
        (json!(3), "3"),
        (json!("lamp"), "lamp"),
        (json!("comfy/acme"), "comfy/acme"),
        (json!("acme/../lamp"), "acme/../lamp"),
    ] {
        let found = findings(&json!({ "endpointId": id, "input": {} }));
        assert!(found[0].starts_with(&format!("lamp.json at /endpointId: invalid endpoint id `{shown}`")), "{found:?}");
    }
}

#[test]
fn openapi_of_a_model_says_why_it_is_not_read() {
    let found = |openapi: Value| findings(&json!({ "endpoint_id": "acme/lamp", "openapi": openapi })).concat();
    let swagger = found(json!({ "swagger": "2.0", "paths": {} }));
    assert!(swagger.starts_with("lamp.json at /openapi: this is Swagger `2.0`"), "{swagger}");
    let string = found(json!(open_api("acme/lamp").to_string()));
    assert!(string.starts_with("lamp.json at /openapi: this is JSON inside of a JSON string"), "{string}");
    let number = found(json!(3));
    assert!(number.contains("expected an object; download the models again"), "{number}");
}

#[test]
fn input_in_another_file_is_rejected() {
    for reference in
        ["common.json#/Lamp", "./common.json", "https://example.com/lamp.json#/definitions/Lamp", "../lamp.yaml"]
    {
        let outside = json!({ "$ref": reference });
        let mut through_component = open_api("acme/lamp");
        through_component["components"]["schemas"]["LampInput"] = json!({ "allOf": [outside] });
        let mut direct = open_api("acme/lamp");
        *direct
            .pointer_mut("/paths/~1acme~1lamp/post/requestBody/content/application~1json/schema")
            .expect("the input") = outside.clone();
        let short = json!({ "endpointId": "acme/lamp", "input": outside });
        for value in [through_component, direct, short] {
            let found = findings(&value);
            assert!(found.len() == 1 && found[0].contains(&format!("is in another file (`{reference}`)")), "{found:?}");
            assert!(found[0].contains("put the schema into this document, directly or with a patch"), "{found:?}");
        }
    }
    // fal's own documents have inputs whose component is missing, and fields may be anywhere.
    let mut missing = open_api("acme/lamp");
    missing["components"]["schemas"].as_object_mut().expect("components").remove("LampInput");
    assert_eq!(document(&missing).input, reference("LampInput"));
    let mut field = open_api("acme/lamp");
    field["components"]["schemas"]["LampInput"]["properties"]["watts"] = json!({ "$ref": "common.json#/Watts" });
    assert_eq!(document(&field).id, "acme/lamp");
    let mut cycle = open_api("acme/lamp");
    cycle["components"]["schemas"]["LampInput"] = reference("LampInput");
    assert_eq!(document(&cycle).id, "acme/lamp");
}

#[test]
fn duplicate_key_is_reported_and_the_last_one_counts() {
    let text = open_api("acme/lamp").to_string();
    let twice = text.replacen("\"integer\"", "\"string\",\"type\":\"integer\"", 1);
    let contents = read("lamp.json", &twice).expect("contents");
    assert_eq!(Value::Object(contents.documents[0].components.clone()), components());
    let duplicate = contents.mistakes[0].to_string();
    assert!(duplicate.starts_with("lamp.json at /components/schemas/LampInput/properties/watts/type: "), "{duplicate}");
    assert!(duplicate.contains("the key `type` twice"), "{duplicate}");
    assert!(read("lamp.json", &text).expect("contents").mistakes.is_empty());

    let emptied = format!("{}, \"paths\": {{}}}}", text.strip_suffix('}').expect("an object"));
    let found = read("lamp.json", emptied).expect_err("nothing is left");
    assert!(found[0].to_string().contains("no endpoint found"), "{found:?}");
    assert_eq!(found[1].pointer, "/paths");
}

#[test]
fn a_built_document_has_the_same_schemas() {
    let example = json!({ "watts": 3 });
    let mut open = open_api("acme/lamp");
    open["paths"]["/acme/lamp/requests/{request_id}"]["get"]["responses"]["200"]["content"]["application/json"]["example"] =
        example.clone();
    let original = document(&open);
    assert_eq!(original.example, Some(example));
    let built = document(&original.to_openapi());
    let parts = |document: &Document| (document.id.clone(), document.category.clone(), document.input.clone());
    assert_eq!(parts(&built), parts(&original));
    assert_eq!((&built.output, &built.example), (&original.output, &original.example));
    assert_eq!(built.components, original.components);
}

//! `cargo fal add`

use std::fs;
use std::time::Duration;

use fal_emulator::{Emulator, Fault, ModelEntry, Operation, Pace};
use serde_json::{Value, json};

use crate::support::{Project, Run, assert_golden, in_time};

const REDUX: &str = "fal-ai/flux/dev/redux";
const ROUTER: &str = "openrouter/router";

/// Returns a document in the short form.
fn short(id: &str) -> Value {
    let input = json!({ "required": ["prompt"], "properties": { "prompt": { "type": "string" } } });
    json!({ "endpointId": id, "input": input, "output": { "properties": { "text": { "type": "string" } } } })
}

/// Starts an emulator of these endpoints.
async fn serving(ids: impl IntoIterator<Item = impl AsRef<str>>) -> Project {
    let builder = Emulator::builder().pace(Pace::instant());
    let add = |builder: fal_emulator::EmulatorBuilder, id: String| builder.document(short(&id).to_string());
    Project::with(ids.into_iter().map(|id| id.as_ref().to_owned()).fold(builder, add)).await
}

/// Returns the files below the schemas folder, sorted.
fn files(project: &Project) -> Vec<String> {
    fn collect(folder: &std::path::Path, found: &mut Vec<String>, root: &std::path::Path) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => collect(&path, found, root),
                false => found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned()),
            }
        }
    }
    let (root, mut found) = (project.path("schemas"), Vec::new());
    collect(&root, &mut found, &root);
    found.sort();
    found
}

#[tokio::test]
async fn an_endpoint_is_added_with_its_module_and_an_example() {
    let project = Project::new().await;
    let stdout = project.run(&["add", REDUX]).await.success();
    assert_golden("add_endpoint.txt", &stdout);
    let text = fs::read_to_string(project.path("schemas/fal-ai/flux/dev/redux.json")).unwrap();
    let mut json: Value = serde_json::from_str(&text).unwrap();
    json.sort_all_objects();
    assert_eq!(text, format!("{json:#}\n"), "canonical");
    assert_eq!(json["info"]["x-fal-metadata"]["endpointId"], REDUX);
    project.run(&["generate"]).await.success();
    let again = project.run(&["add", REDUX]).await;
    assert_eq!(again.success(), format!("unchanged {REDUX}: schemas/{REDUX}.json\n"));
}

fn read(project: &Project, path: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(project.path(path)).unwrap()).unwrap()
}

/// Runs the tool with a text on stdin.
async fn run_with(project: &Project, arguments: &[&str], stdin: impl AsRef<[u8]>) -> Run {
    project.write("stdin", stdin);
    let mut command = project.command(arguments);
    command.stdin(fs::File::open(project.path("stdin")).unwrap());
    Run::of(command).await
}

#[tokio::test]
async fn facts_are_printed_as_json() {
    let project = Project::new().await;
    let json = project.run(&["add", REDUX, "--json"]).await.json();
    let added = &json["added"][0];
    assert_eq!((&added["id"], &added["module"]), (&json!(REDUX), &json!("fal_ai::flux::dev::redux")));
    assert_eq!((&added["required"], &added["changes"]), (&json!(["image_url"]), &Value::Null));
    assert!(added["example"].as_str().unwrap().contains("redux::Input::builder()"));
    let again = project.run(&["add", REDUX, "--json"]).await.json();
    assert_eq!((&again["added"], &again["unchanged"]), (&json!([]), &json!([REDUX])));
}

#[tokio::test]
async fn unknown_endpoints_have_similar_ones_and_do_not_keep_others_out() {
    let project = Project::new().await;
    let stderr = project.run(&["add", "fal-ai/flux/dev/reduxx"]).await.failure(7);
    assert!(stderr.contains("fal has no endpoint `fal-ai/flux/dev/reduxx`"), "{stderr}");
    assert!(stderr.contains("did you mean") && stderr.contains(REDUX), "{stderr}");
    assert_eq!(files(&project), [""; 0]);
    let run = project.run(&["add", "fal-ai/flux/dev/reduxx", REDUX, "openrouter/rooter"]).await;
    assert!(run.stdout.contains(&format!("added {REDUX}")), "{run:?}");
    let stderr = run.failure(7);
    assert!(stderr.contains("`fal-ai/flux/dev/reduxx`, `openrouter/rooter`") && stderr.contains(ROUTER), "{stderr}");
}

#[tokio::test]
async fn the_website_is_used_where_the_platform_api_fails() {
    let project = Project::new().await;
    project.emulator.set_model(REDUX, ModelEntry::default().without_expansion());
    project.run(&["add", REDUX]).await.success();
    project.emulator.inject_fault(Operation::Models, Fault::respond(200).json(&json!("maintenance")).repeat());
    let run = project.run(&["add", ROUTER]).await;
    assert!(run.stderr.contains("fetching from fal's website"), "{run:?}");
    run.success();
    assert_eq!(files(&project), ["fal-ai/flux/dev/redux.json", "openrouter/router.json"]);
    let stderr = project.run(&["add", "fal-ai/none"]).await.failure(7);
    assert!(stderr.contains("fal has no endpoint `fal-ai/none`"), "{stderr}");
}

#[tokio::test]
async fn an_endpoint_without_a_document_is_an_error() {
    let project = Project::new().await;
    project.emulator.set_model(REDUX, ModelEntry::default().without_document());
    let stderr = project.run(&["add", REDUX]).await.failure(7);
    assert!(stderr.contains(&format!("fal has no document of `{REDUX}`: expansion_failed")), "{stderr}");
    assert_eq!(files(&project), [""; 0]);
}

#[tokio::test]
async fn a_key_is_optional() {
    let project = Project::with(Emulator::builder().key("id:secret")).await;
    let with = |key: Option<&str>| {
        let mut command = project.command(&["add", REDUX]);
        match key {
            Some(key) => command.env("FAL_KEY", key),
            None => command.env_remove("FAL_KEY"),
        };
        command
    };
    let stderr = Run::of(with(Some("id:wrong-secret"))).await.failure(4);
    assert!(stderr.contains("FAL_KEY") && !stderr.contains("wrong-secret"), "{stderr}");
    Run::of(with(None)).await.success();
}

#[tokio::test]
async fn rate_limits_are_waited_out_if_they_are_short() {
    let project = Project::new().await;
    project.emulator.inject_fault(Operation::Models, Fault::respond(429).retry_after(Duration::ZERO));
    project.run(&["add", REDUX]).await.success();
    project.emulator.inject_fault(Operation::Models, Fault::respond(429).retry_after(Duration::from_secs(3600)));
    let stderr = project.run(&["add", ROUTER]).await.failure(5);
    assert!(stderr.contains("429") && stderr.contains("run the command again"), "{stderr}");
}

#[tokio::test]
async fn every_form_of_a_document_is_accepted() {
    let project = Project::new().await;
    let page: Value = {
        let documents: Vec<Value> = ["me/page", "me/page/fast"].iter().map(|id| openapi(id)).collect();
        let model = |document: &Value| {
            let id = document["info"]["x-fal-metadata"]["endpointId"].clone();
            json!({ "endpoint_id": id, "metadata": { "category": "x" }, "openapi": document })
        };
        json!({ "models": [model(&documents[0]), model(&documents[1]),
            { "endpoint_id": "me/realtime", "openapi": { "error": { "code": "expansion_failed", "message": "none" } } }] })
    };
    let app = json!({ "openapi": "3.0.4", "info": { "x-fal-metadata": { "endpointId": "me/app" } }, "paths": {
        "/": { "post": body("prompt") }, "/fast": { "post": body("text") } } });
    let mut without_id = openapi("me/by-page");
    without_id["info"] = json!({});
    without_id["paths"]["/other"] = json!({ "post": body("x") });
    let wrapped = json!({ "endpoint_id": "me/by-page", "openapi": without_id });
    project.write("page.json", page.to_string());
    project.write("array.json", json!([short("me/one"), [openapi("me/two")]]).to_string());
    project.write("me/app.json", app.to_string());
    project.write("wrapped.json", wrapped.to_string());
    let run = project.run(&["add", "page.json", "array.json", "./me/app.json", "wrapped.json"]).await;
    assert!(run.stderr.contains("page.json has no document of `me/realtime`"), "{}", run.stderr);
    run.success();
    let mark = "\u{feff}".to_owned();
    run_with(&project, &["add", "-"], mark + &short("me/stdin").to_string()).await.success();
    let expected = ["app", "app/fast", "by-page", "one", "page", "page/fast", "stdin", "two"];
    let expected = expected.map(|name| format!("me/{name}.json"));
    let mut found = files(&project);
    found.sort_by_key(|file| file.trim_end_matches(".json").to_owned());
    assert_eq!(found, expected);
    assert_eq!(read(&project, "schemas/me/one.json")["endpointId"], "me/one");
    assert_eq!(read(&project, "schemas/me/app/fast.json")["info"]["x-fal-metadata"]["endpointId"], "me/app/fast");
    project.run(&["generate"]).await.success();
    for source in ["page.json", "array.json", "me/app.json", "wrapped.json"] {
        let run = project.run(&["add", source]).await.success();
        assert!(!run.contains("added"), "{run}");
    }
}

/// Returns the operation of a path.
fn body(field: &str) -> Value {
    let schema = json!({ "type": "object", "required": [field], "properties": { field: { "type": "string" } } });
    let content = json!({ "content": { "application/json": { "schema": schema } } });
    json!({ "requestBody": content, "responses": { "200": content } })
}

/// Returns an OpenAPI document, as fal serves it.
fn openapi(id: &str) -> Value {
    let post = json!({ "post": body("prompt") });
    let get = json!({ "get": body("prompt") });
    json!({ "openapi": "3.0.4", "info": { "x-fal-metadata": { "endpointId": id } },
        "paths": { format!("/{id}"): post, format!("/{id}/requests/{{request_id}}"): get } })
}

#[tokio::test]
async fn other_documents_are_replaced_only_on_demand() {
    let project = serving(["me/app"]).await;
    let mut old = short("me/app");
    old["input"]["properties"]["steps"] = json!({ "type": "integer" });
    project.write("schemas/any name.json", old.to_string());
    let run = project.run(&["add", "me/app"]).await;
    assert!(run.stdout.contains("Breaking: 1 change\n  me/app\n    input.steps: field removed\n"), "{run:?}");
    assert!(run.failure(1).contains("--force"));
    assert_eq!(read(&project, "schemas/any name.json"), old);
    let stdout = project.run(&["add", "me/app", "--force"]).await.success();
    assert!(stdout.contains("replaced me/app: schemas/any name.json"), "{stdout}");
    assert_eq!(files(&project), ["any name.json"]);
    assert!(read(&project, "schemas/any name.json")["paths"].is_object());
    // A file that is not a document is not kept, either.
    project.write("schemas/any name.json", "{");
    project.write("schemas/me/app.json", "<html>");
    let run = project.run(&["add", "me/app"]).await;
    assert!(run.stderr.contains("invalid document: schemas/any name.json"), "{run:?}");
    assert!(run.failure(1).contains("schemas/me/app.json is not valid"));
    project.run(&["add", "me/app", "--yes"]).await.success();
    assert!(read(&project, "schemas/me/app.json")["paths"].is_object());
}

#[tokio::test]
async fn patches_of_replaced_documents_still_apply() {
    let project = serving(["me/app"]).await;
    project.write("schemas/me/app.json", short("me/app").to_string());
    project.write("schemas/me/app.patch.json", r#"[{ "op": "remove", "path": "/output/properties/text" }]"#);
    let run = project.run(&["add", "me/app", "--force"]).await;
    assert!(run.failure(1).contains("app.patch.json"));
    assert_eq!(read(&project, "schemas/me/app.json"), short("me/app"));
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let project = Project::new().await;
    let stdout = project.run(&["add", REDUX, "--dry-run"]).await.success();
    assert!(stdout.contains(&format!("would have added {REDUX}")), "{stdout}");
    let stdout = project.run(&["add", "--all", "--dry-run"]).await.success();
    assert!(stdout.contains(&format!("would fetch {REDUX}")), "{stdout}");
    assert!(!project.path("schemas").exists());
}

#[tokio::test]
async fn selections_are_by_category_and_owner() {
    let project = Project::new().await;
    project.emulator.set_model(REDUX, ModelEntry::default().deprecated());
    project.run(&["add", "--owner", "openrouter"]).await.success();
    assert_eq!(files(&project), ["openrouter/router.json"]);
    project.run(&["add", "--category", "image-to-image", "--owner", "fal-ai"]).await.success();
    let found = files(&project);
    assert!(found.len() > 2 && !found.contains(&format!("{REDUX}.json")), "{found:?}");
    let stderr = project.run(&["add", "--category", "no-such"]).await.failure(7);
    assert!(stderr.contains("no active endpoints"), "{stderr}");
    project.run(&["add", "--all", REDUX]).await.failure(2);
    project.run(&["add"]).await.failure(2);
}

/// 1,200 ids, of several owners.
fn many() -> Vec<String> {
    (0..1_200).map(|index| format!("owner-{}/app-{index:04}", index % 7)).collect()
}

#[tokio::test]
async fn all_endpoints_are_added_and_an_interrupted_run_continues() {
    let project = serving(many()).await;
    for id in ["owner-0/app-0007", "owner-1/app-0001"] {
        project.emulator.set_model(id, ModelEntry::default().without_document());
    }
    // The list has two pages of ids. The documents come in batches of 50.
    for _ in 0..5 {
        project.emulator.inject_fault(Operation::Models, Fault::none());
    }
    project.emulator.inject_fault(Operation::Models, Fault::respond(429).retry_after(Duration::from_secs(3600)));
    let stderr = project.run(&["add", "--all"]).await.failure(5);
    assert!(stderr.contains("run the command again"), "{stderr}");
    assert_eq!(files(&project).len(), 149, "three batches, one without a document");
    let run = project.run(&["add", "--all"]).await;
    assert!(run.stderr.contains("no document of owner-1/app-0001: expansion_failed"), "{}", run.stderr);
    let stdout = run.success();
    let summary = "1049 documents added to schemas, 149 there before, 2 without a document\n";
    assert!(stdout.ends_with(summary), "{stdout}");
    assert_eq!(files(&project).len(), 1_198);
    let stdout = project.run(&["add", "--all"]).await.success();
    assert_eq!(stdout, "0 documents added to schemas, 1198 there before, 2 without a document\n");
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_leaves_whole_documents() {
    let project = serving(many().into_iter().take(120)).await;
    let arrived = std::sync::Arc::new(tokio::sync::Notify::new());
    let notify = std::sync::Arc::clone(&arrived);
    project.emulator.inject_fault(Operation::Models, Fault::none());
    project.emulator.inject_fault(Operation::Models, Fault::none());
    let stalled = Fault::none().delay(Duration::from_secs(3600)).when(move |_| {
        notify.notify_one();
        true
    });
    project.emulator.inject_fault(Operation::Models, stalled);
    let mut command = tokio::process::Command::from(project.command(&["add", "--all"]));
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).kill_on_drop(true);
    let process = command.spawn().unwrap();
    arrived.notified().await;
    let id = process.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
    let output = in_time(process.wait_with_output()).await.unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(String::from_utf8(output.stderr).unwrap().contains("added 50 documents"));
    assert_eq!(files(&project).len(), 50);
    project.run(&["add", "--all"]).await.success();
    assert_eq!(files(&project).len(), 120);
}

#[tokio::test]
async fn hostile_ids_are_refused() {
    let project = Project::new().await;
    let ids = [
        "../../etc/passwd",
        "..",
        "me/../../x",
        "me",
        "me/.hidden",
        "me//app",
        "me/a b",
        "me/a\u{1b}[31m",
        "me/\u{202e}a",
    ];
    for id in ids {
        let run = project.run(&["add", "--", id]).await;
        assert!(matches!(run.code, Some(1 | 2)), "{id}: {run:?}");
        assert!(!run.stderr.contains(['\u{1b}', '\u{202e}']), "{}", run.stderr);
    }
    for id in ids {
        let run = run_with(&project, &["add", "-"], short(id).to_string()).await;
        assert!(!run.stderr.contains(['\u{1b}', '\u{202e}']), "{}", run.stderr);
        run.failure(1);
    }
    assert!(!project.path("schemas").exists());
    let stderr = project.run(&["add", "https://fal.ai/models/fal-ai/flux/dev/api?x=1"]).await.failure(2);
    assert!(stderr.contains("the id of that page is `fal-ai/flux/dev`"), "{stderr}");
}

#[tokio::test]
async fn hostile_lists_add_nothing_outside_of_the_folder() {
    let project = Project::new().await;
    let list = json!({ "models": [{ "endpoint_id": "../../evil" }, { "endpoint_id": "me/\u{1b}[31mred" }, { "endpoint_id": ROUTER },
        { "endpoint_id": REDUX }] });
    let redirected = json!({ "models": [{ "endpoint_id": REDUX, "openapi": openapi("me/other") },
        { "endpoint_id": ROUTER, "openapi": { "openapi": "3", "paths": [] } }] });
    project.emulator.inject_fault(Operation::Models, Fault::respond(200).json(&list));
    project.emulator.inject_fault(Operation::Models, Fault::respond(200).json(&redirected));
    let run = project.run(&["add", "--all"]).await;
    assert!(!run.stderr.contains('\u{1b}') && !run.stdout.contains('\u{1b}'), "{run:?}");
    assert!(run.stderr.contains("that of another endpoint"), "{}", run.stderr);
    run.failure(1);
    assert_eq!(files(&project), [""; 0]);
}

#[tokio::test]
async fn names_that_collide_are_refused() {
    let project = Project::new().await;
    let add = async |document: Value| run_with(&project, &["add", "-"], document.to_string()).await;
    add(json!([short("me/app"), short("me/app/slow")])).await.success();
    for (id, reason) in [
        ("me/App", "differ only in case"),
        ("Me/other", "differ only in case"),
        ("me/APP/fast", "differ only in case"),
        ("me/tool.patch", "would be a patch"),
    ] {
        let stderr = add(short(id)).await.failure(1);
        assert!(stderr.contains(reason), "{id}: {stderr}");
    }
    add(short("me/v2.1")).await.success();
    let stderr = add(short("me/v2-1")).await.failure(1);
    assert!(stderr.contains("would have the same module, me::v2_1"), "{stderr}");
    let two = json!([short("me/twice"), openapi("me/twice")]);
    assert!(add(two).await.failure(1).contains("two different documents of `me/twice`"));
    assert_eq!(files(&project), ["me/app.json", "me/app/slow.json", "me/v2.1.json"]);
}

#[cfg(unix)]
#[tokio::test]
async fn links_to_folders_are_not_written_through() {
    let project = Project::new().await;
    fs::create_dir_all(project.path("elsewhere")).unwrap();
    fs::create_dir_all(project.path("schemas")).unwrap();
    std::os::unix::fs::symlink(project.path("elsewhere"), project.path("schemas/fal-ai")).unwrap();
    let stderr = project.run(&["add", REDUX]).await.failure(1);
    assert!(stderr.contains("`schemas/fal-ai` is a link"), "{stderr}");
    assert!(fs::read_dir(project.path("elsewhere")).unwrap().next().is_none());
}

#[tokio::test]
async fn documents_that_the_generator_refuses_are_not_written() {
    let project = Project::new().await;
    let cycle = json!({ "endpointId": "me/cycle", "input": { "$ref": "#/$defs/A" }, "$defs": {
        "A": { "$ref": "#/$defs/B" }, "B": { "$ref": "#/$defs/A" } } });
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let large = format!("[{}\"\"]", "\"\",".repeat(24 << 20));
    for text in ["", "null", "[]", "{}", "<html>", "{\"models\": []}", "openapi: 3.0.4", &deep, &large] {
        let run = run_with(&project, &["add", "-"], text).await;
        assert!(run.stderr.contains("stdin"), "{run:?}");
        run.failure(1);
    }
    // A cycle ends as untyped JSON, or is refused. It never hangs.
    let run = run_with(&project, &["add", "-"], cycle.to_string()).await;
    assert!(matches!(run.code, Some(0 | 1)), "{run:?}");
    for source in ["missing.json", "."] {
        let stderr = project.run(&["add", source]).await.failure(1);
        assert!(stderr.contains(&format!("cannot read `{source}`")), "{stderr}");
    }
    assert!(files(&project).len() <= 1);
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_cannot_be_written_stays_as_it_is() {
    let project = Project::new().await;
    project.write("schemas/fal-ai", "a file");
    let stderr = project.run(&["add", REDUX]).await.failure(1);
    assert!(stderr.contains("schemas/fal-ai"), "{stderr}");
    // A limit of the file size stands in for a full disk.
    fs::remove_file(project.path("schemas/fal-ai")).unwrap();
    let tool = project.command(&[]).get_program().to_owned();
    let mut command = project.command(&[]);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" add \"$1\""]).arg(tool).arg(REDUX);
    shell.current_dir(command.get_current_dir().unwrap()).env_clear().stdin(std::process::Stdio::null());
    let environment: Vec<_> =
        command.get_envs().map(|(name, value)| (name.to_owned(), value.unwrap().to_owned())).collect();
    shell.envs(environment).env("PATH", "/usr/bin:/bin");
    command = shell;
    let stderr = Run::of(command).await.failure(1);
    assert!(stderr.contains("cannot write `schemas/fal-ai/flux/dev/redux.json`"), "{stderr}");
    assert_eq!(files(&project), [""; 0]);
}

#[tokio::test]
async fn a_folder_is_refused_with_the_remedy() {
    let project = Project::new().await;
    let error = project.run(&["add", "."]).await.failure(1);
    assert!(error.contains("cannot read `.`") && error.contains("help: name the files"), "{error}");
}

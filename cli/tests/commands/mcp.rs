//! `cargo fal mcp`, by messages of JSON-RPC. `interop/` has the tests with an SDK.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fal_emulator::{Decimal, Emulator, EmulatorBuilder, Operation, Pace, Price};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::support::Project;

const REDUX: &str = "fal-ai_flux_dev_redux";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n, and the rest does not matter";
/// A server that hangs fails its test.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client of the server.
struct Agent {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    next_id: u64,
    /// The messages that were read while another one was expected.
    seen: Vec<Value>,
}

impl Agent {
    fn start(project: &Project, options: &[&str]) -> Self {
        let mut command = project.command(&[&["mcp"], options].concat());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Agent::of(command)
    }

    fn of(command: std::process::Command) -> Self {
        let mut child = Command::from(command).kill_on_drop(true).spawn().unwrap();
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()).lines());
        Agent { child, input, output, next_id: 0, seen: Vec::new() }
    }

    /// Starts a server, and initializes it with capabilities of the client.
    async fn connect(project: &Project, options: &[&str], capabilities: Value) -> Self {
        let mut agent = Agent::start(project, options);
        agent.initialize("2025-11-25", capabilities).await;
        agent
    }

    async fn initialize(&mut self, version: &str, capabilities: Value) -> Value {
        let client = json!({ "name": "test", "version": "1" });
        let params = json!({ "protocolVersion": version, "capabilities": capabilities, "clientInfo": client });
        let initialized = self.request("initialize", params).await;
        self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        initialized
    }

    async fn send(&mut self, message: &Value) {
        self.send_line(&message.to_string()).await;
    }

    async fn send_line(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(line.as_bytes()).await.unwrap();
        input.write_all(b"\n").await.unwrap();
    }

    /// Sends a request, and returns its id.
    async fn post(&mut self, method: &str, params: Value) -> u64 {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        id
    }

    /// Sends a request, and returns the whole response.
    async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.post(method, params).await;
        self.response(id).await
    }

    async fn response(&mut self, id: u64) -> Value {
        self.find(|message| message["id"] == id && message.get("method").is_none()).await
    }

    /// Returns the next message of a kind. Others are kept.
    async fn find(&mut self, is_meant: impl Fn(&Value) -> bool) -> Value {
        if let Some(index) = self.seen.iter().position(&is_meant) {
            return self.seen.remove(index);
        }
        loop {
            let line = tokio::time::timeout(PATIENCE, self.output.next_line()).await.expect("a message in time");
            let line = line.unwrap().expect("a message");
            let message: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            if is_meant(&message) {
                return message;
            }
            self.seen.push(message);
        }
    }

    /// Calls a tool, and returns its result.
    async fn call(&mut self, name: &str, arguments: Value) -> Value {
        let response = self.request("tools/call", json!({ "name": name, "arguments": arguments })).await;
        response.get("result").cloned().unwrap_or_else(|| panic!("{response}"))
    }

    /// Ends the input, and returns how the server ends, with its stderr. Stdout has only messages.
    async fn end(mut self) -> (ExitStatus, String) {
        drop(self.input.take());
        while let Some(line) = tokio::time::timeout(PATIENCE, self.output.next_line()).await.unwrap().unwrap() {
            serde_json::from_str::<Value>(&line).unwrap();
        }
        let mut errors = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).await.unwrap();
        (self.child.wait().await.unwrap(), errors)
    }
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{result}"))
}

/// Returns the message of a failed call.
#[track_caller]
fn error(result: &Value) -> &str {
    assert_eq!(result["isError"], true, "{}", text(result));
    text(result)
}

/// Returns the structured content of a successful call.
#[track_caller]
fn data(result: &Value) -> &Value {
    assert_ne!(result["isError"], true, "{}", text(result));
    &result["structuredContent"]
}

fn submissions(project: &Project) -> usize {
    project.emulator.requests().iter().filter(|request| request.operation() == Operation::Submit).count()
}

#[tokio::test]
async fn every_endpoint_is_a_tool() {
    let project = Project::new().await;
    let mut agent = Agent::start(&project, &[]);
    let initialized = agent.initialize("2025-11-25", json!({})).await;
    assert_eq!(initialized["result"]["serverInfo"]["name"], "fal");
    let listed = agent.request("tools/list", json!({})).await;
    let tools = listed["result"]["tools"].as_array().unwrap();
    assert_eq!(tools.len(), 5 + 8);
    let redux = tools.iter().find(|tool| tool["name"] == REDUX).unwrap();
    assert_eq!(redux["inputSchema"]["required"], json!(["image_url"]));
    assert!(redux["description"].as_str().unwrap().contains("paths of local files"));
    assert_eq!(redux["annotations"]["readOnlyHint"], false);
    let printed = project.run(&["tools", "fal-ai/flux/dev/redux"]).await.json();
    assert_eq!(printed[0]["inputSchema"], redux["inputSchema"]);
    assert_eq!(printed[0]["outputSchema"], redux["outputSchema"]);
    let (status, errors) = agent.end().await;
    assert_eq!((status.code(), errors.as_str()), (Some(0), "serving 8 endpoints over stdio until stdin closes\n"));
}

#[tokio::test]
async fn many_tools_are_listed_in_pages() {
    let project = Project::new().await;
    for number in 0..120 {
        let document = json!({ "endpointId": format!("me/app/{number}"), "input": { "type": "object" }, "output": {} });
        project.write(&format!("schemas/{number}.json"), document.to_string());
    }
    let mut agent = Agent::connect(&project, &[], json!({})).await;
    let first = agent.request("tools/list", json!({})).await;
    assert_eq!(first["result"]["tools"].as_array().unwrap().len(), 100);
    let cursor = &first["result"]["nextCursor"];
    let second = agent.request("tools/list", json!({ "cursor": cursor })).await;
    assert_eq!(second["result"]["tools"].as_array().unwrap().len(), 25);
    assert_eq!(second["result"].get("nextCursor"), None);
    for cursor in ["", "0", "125", "-1", "99999999999999999999999", "x"] {
        let response = agent.request("tools/list", json!({ "cursor": cursor })).await;
        assert_eq!(response["error"]["code"], -32602, "{cursor}: {response}");
    }
}

#[tokio::test]
async fn a_local_file_becomes_an_image() {
    let project = Project::new().await;
    project.write("pictures/room.png", PNG);
    let mut agent = Agent::connect(&project, &[], json!({})).await;
    let params = json!({ "name": REDUX, "arguments": { "image_url": "pictures/room.png", "seed": null, "num_images": 2 },
        "_meta": { "progressToken": "p" } });
    let result = agent.request("tools/call", params).await["result"].clone();
    let output = data(&result);
    assert_eq!(output["status"], "completed");
    let (name, bytes) =
        (output["files"][0]["path"].as_str().unwrap(), STANDARD.decode(result["content"][1]["data"].as_str().unwrap()));
    let saved = std::fs::read(name).unwrap();
    assert!(
        saved.starts_with(b"\xff\xd8\xff")
            && name.starts_with(project.path("fal-output").canonicalize().unwrap().to_str().unwrap())
    );
    assert_eq!(bytes.unwrap(), saved);
    assert!(text(&result).contains(name) && text(&result).contains(output["request_id"].as_str().unwrap()), "{result}");
    let files = project.emulator.files();
    assert!(files.iter().any(|file| file.bytes().unwrap() == PNG), "the room is uploaded");

    let link = result["content"].as_array().unwrap().iter().find(|block| block["type"] == "resource_link").unwrap();
    let read = agent.request("resources/read", json!({ "uri": link["uri"] })).await;
    assert_eq!(STANDARD.decode(read["result"]["contents"][0]["blob"].as_str().unwrap()).unwrap(), saved);
    let missing = agent.request("resources/read", json!({ "uri": "file:///etc/passwd" })).await;
    assert!(missing["error"]["message"].as_str().unwrap().contains("no result has the file"), "{missing}");
    let progress: Vec<f64> = agent.seen.iter().filter_map(|message| message["params"]["progress"].as_f64()).collect();
    assert!(!progress.is_empty() && progress.is_sorted_by(|one, next| one < next), "{progress:?}");

    // The file of a result is the input of the next call.
    let result = agent.call(REDUX, json!({ "image_url": output["files"][0]["uri"] })).await;
    assert_eq!(data(&result)["status"], "completed");
    // Jobs are in the journal of the project.
    let history = project.run(&["history", "--json"]).await;
    assert!(history.stdout.contains("fal-ai/flux/dev/redux"), "{history:?}");
}

#[tokio::test]
async fn wrong_arguments_name_the_fields() {
    let project = Project::new().await;
    project.write("room.png", PNG);
    project.write(".env", "FAL_KEY=secret");
    let mut agent = Agent::connect(&project, &[], json!({})).await;
    for (arguments, expected) in [
        (json!({}), "image_url: missing"),
        (json!({ "image_url": "room.png", "num_images": 5 }), "num_images = 5: expected at most 4"),
        (
            json!({ "image_url": "room.png", "num_imagess": 1 }),
            "num_imagess: unknown field, which fal would ignore; did you mean `num_images`?",
        ),
        (json!({ "image_url": "room.png", "image_size": { "width": "wide" } }), "image_size"),
        (json!({ "image_url": 7 }), "image_url = 7: expected a string"),
        (json!({ "image_url": "missing.png" }), "image_url: no file `missing.png` in the allowed folders"),
        (json!({ "image_url": "/etc/passwd" }), "image_url: no file `/etc/passwd` in the allowed folders"),
        (json!({ "image_url": "../../etc/passwd" }), "no file `../../etc/passwd` in the allowed folders"),
        (json!({ "image_url": "@.env" }), "no file `@.env` in the allowed folders"),
        (json!({ "image_url": "file:///etc/passwd" }), "no file `file:///etc/passwd` in the allowed folders"),
        (json!({ "image_url": "\u{1b}[2J" }), r"no file `\u{1b}[2J` in the allowed folders"),
    ] {
        let result = agent.call(REDUX, arguments.clone()).await;
        assert_eq!(result["isError"], true, "{arguments}");
        assert!(error(&result).contains(expected), "{expected}: {result}");
    }
    assert_eq!(project.emulator.requests().len(), 0, "nothing is sent");
    for (name, arguments, expected) in [
        ("price", json!({}), "missing argument `ids`"),
        ("price", json!({ "ids": [] }), "invalid argument `ids`"),
        ("search_models", json!({ "query": 7 }), "invalid argument `query`"),
        ("search_models", json!({ "query": "x", "limit": 1000 }), "invalid argument `limit`"),
        ("show_model", json!({ "id": "x", "y": 1 }), "unknown argument `y`: expected `id`"),
        ("show_model", json!({ "id": "flux" }), "invalid endpoint id `flux`"),
        ("show_model", json!({ "id": "fal-ai/flux/dev/reduxx" }), "fal-ai/flux/dev/redux"),
        ("job_result", json!({ "job": "unknown" }), "no job `unknown` in the journal"),
        ("job_cancel", json!({ "job": "unknown" }), "no job `unknown` in the journal"),
    ] {
        let result = agent.call(name, arguments).await;
        assert!(error(&result).contains(expected), "{expected}: {result}");
    }
    let unknown = agent.request("tools/call", json!({ "name": "run_shell", "arguments": {} })).await;
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
}

#[tokio::test]
async fn models_are_found_shown_and_priced() {
    let project = Project::with(priced(Pace::instant())).await;
    let mut agent = Agent::connect(&project, &["fal-ai/flux/dev/redux"], json!({})).await;
    let found = agent.call("search_models", json!({ "query": "redux" })).await;
    assert_eq!(data(&found)["models"][0]["id"], "fal-ai/flux/dev/redux");
    assert_eq!(data(&found)["models"][0]["tool"], REDUX);
    let shown = agent.call("show_model", json!({ "id": "fal-ai/flux/dev/image-to-image" })).await;
    assert_eq!(data(&shown)["input_schema"]["required"], json!(["image_url", "prompt"]));
    assert!(data(&shown)["how_to_run"].as_str().unwrap().contains("cargo fal add"), "{shown}");
    let prices = agent.call("price", json!({ "ids": ["fal-ai/flux/dev/redux", "me/unknown"] })).await;
    assert_eq!(data(&prices)["prices"][0]["price"], "$0.0250 per image");
    assert_eq!(data(&prices)["prices"][1]["note"], "fal has no price of it");
}

fn priced(pace: Pace) -> EmulatorBuilder {
    Emulator::builder().pace(pace).price("fal-ai/flux/dev/redux", Price::usd(Decimal::new(25, 3), "image"))
}

#[tokio::test]
async fn calls_beyond_the_limit_are_not_sent() {
    let project = Project::with(priced(Pace::instant())).await;
    let mut agent = Agent::connect(&project, &["--max-cost", "0.03"], json!({})).await;
    let input = |seed: u64| json!({ "image_url": "https://example.com/fox.png", "seed": seed });
    let result = agent.call(REDUX, input(1)).await;
    assert_eq!(data(&result)["cost"], "$0.0250");
    let result = agent.call(REDUX, input(2)).await;
    let message = error(&result);
    assert!(message.contains("over budget") && message.contains("--max-cost"), "{message}");
    assert_eq!(submissions(&project), 1);
    // Another server has a limit of its own.
    let mut agent = Agent::connect(&project, &["--max-cost", "0.03"], json!({})).await;
    assert_eq!(data(&agent.call(REDUX, input(2)).await)["status"], "completed");
}

#[tokio::test]
async fn the_user_confirms_calls() {
    let project = Project::with(priced(Pace::instant())).await;
    let mut agent = Agent::connect(&project, &[], json!({ "elicitation": {} })).await;
    let call = json!({ "name": REDUX, "arguments": { "image_url": "https://example.com/fox.png" } });
    for (response, is_run, is_last) in [
        (json!({ "action": "decline" }), false, false),
        (json!({ "action": "cancel" }), false, false),
        (json!({ "action": "accept", "content": {} }), true, false),
        (json!({ "action": "accept", "content": { "always": true } }), true, true),
    ] {
        let before = submissions(&project);
        let id = agent.post("tools/call", call.clone()).await;
        let request = agent.find(|message| message["method"] == "elicitation/create").await;
        let message = request["params"]["message"].as_str().unwrap();
        assert!(
            message.starts_with("Run fal-ai/flux/dev/redux on fal.ai?") && message.contains("$0.0250"),
            "{message}"
        );
        agent.send(&json!({ "jsonrpc": "2.0", "id": request["id"], "result": response })).await;
        let result = agent.response(id).await["result"].clone();
        assert_eq!(result["isError"] != true, is_run, "{result}");
        assert_eq!(submissions(&project) - before, usize::from(is_run));
        if is_last {
            assert_eq!(data(&agent.call(REDUX, call["arguments"].clone()).await)["status"], "completed");
        }
    }
    let before = submissions(&project);
    let mut agent = Agent::connect(&project, &["--require-confirmation"], json!({})).await;
    let refused = agent.call(REDUX, call["arguments"].clone()).await;
    assert!(error(&refused).contains("--require-confirmation"), "{refused}");
    assert_eq!(submissions(&project), before);
    let mut agent = Agent::connect(&project, &["--no-confirm"], json!({ "elicitation": {} })).await;
    assert_eq!(data(&agent.call(REDUX, call["arguments"].clone()).await)["status"], "completed");
}

/// The metadata of each request since protocol version 2026-07-28.
fn modern(params: Value, capabilities: Value) -> Value {
    let mut params = params;
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    });
    params
}

#[tokio::test]
async fn a_confirmation_holds_for_its_arguments() {
    let project = Project::with(priced(Pace::instant())).await;
    let mut agent = Agent::start(&project, &[]);
    let capabilities = json!({ "elicitation": { "form": {} } });
    let call = json!({ "name": REDUX, "arguments": { "image_url": "https://example.com/fox.png" } });
    let first = agent.request("tools/call", modern(call.clone(), capabilities.clone())).await["result"].clone();
    assert_eq!(first["resultType"], "input_required", "{first}");
    assert_eq!(first["inputRequests"]["confirm"]["method"], "elicitation/create");
    let mut retry = call.clone();
    retry["requestState"] = first["requestState"].clone();
    retry["inputResponses"] = json!({ "confirm": { "action": "accept", "content": {} } });
    let mut other = retry.clone();
    other["arguments"]["num_images"] = json!(4);
    let again = agent.request("tools/call", modern(other, capabilities.clone())).await["result"].clone();
    assert_eq!((&again["resultType"], submissions(&project)), (&json!("input_required"), 0));
    let done = agent.request("tools/call", modern(retry.clone(), capabilities.clone())).await["result"].clone();
    assert_eq!(data(&done)["status"], "completed");
    retry["inputResponses"]["confirm"] = json!({ "action": "decline" });
    let declined = agent.request("tools/call", modern(retry, capabilities)).await["result"].clone();
    assert!(error(&declined).contains("declined"), "{declined}");
}

#[tokio::test]
async fn a_cancelled_call_cancels_its_job() {
    let project = Project::with(Emulator::builder().pace(Pace::manual())).await;
    let mut agent = Agent::connect(&project, &[], json!({})).await;
    let arguments = json!({ "image_url": "https://example.com/fox.png" });
    let call = json!({ "name": REDUX, "arguments": arguments, "_meta": { "progressToken": 1 } });
    let id = agent.post("tools/call", call).await;
    let progress = agent.find(|message| message["method"] == "notifications/progress").await;
    assert_eq!(progress["params"]["message"], "in the queue, 1 ahead");
    let cancelled = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } });
    agent.send(&cancelled).await;
    let is_cancelled = || project.emulator.requests().iter().any(|request| request.operation() == Operation::Cancel);
    while !is_cancelled() {
        agent.request("ping", json!({})).await;
    }
    let (status, _) = agent.end().await;
    assert!(status.success());
}

#[tokio::test]
async fn an_unfinished_job_is_waited_for_by_another_tool() {
    let project = Project::with(Emulator::builder().pace(Pace::manual())).await;
    let mut agent = Agent::connect(&project, &["--wait", "1"], json!({})).await;
    let result = agent.call(REDUX, json!({ "image_url": "https://example.com/fox.png" })).await;
    let job = data(&result)["job"].clone();
    assert!(data(&result)["status"] == "running" && text(&result).contains("job_result"), "{result}");
    let id = agent.post("tools/call", json!({ "name": "job_result", "arguments": { "job": job } })).await;
    project.emulator.complete(data(&result)["request_id"].as_str().unwrap());
    let mut result = agent.response(id).await["result"].clone();
    while data(&result)["status"] == "running" {
        result = agent.call("job_result", json!({ "job": job })).await;
    }
    assert_eq!(data(&result)["status"], "completed");
    assert_eq!(result["content"][1]["type"], "image");

    let result = agent.call(REDUX, json!({ "image_url": "https://example.com/wolf.png" })).await;
    let job = data(&result)["job"].clone();
    assert_eq!(data(&agent.call("job_cancel", json!({ "job": job })).await)["status"], "cancelled");
    let result = agent.call("job_result", json!({ "job": job })).await;
    assert!(error(&result).contains("cancelled"), "{result}");
    assert_eq!(submissions(&project), 2);
}

#[tokio::test]
async fn a_lost_connection_neither_loses_nor_repeats_a_job() {
    let project = Project::with(Emulator::builder().pace(Pace::manual())).await;
    project.write("room.png", PNG);
    let call = json!({ "name": REDUX, "arguments": { "image_url": "room.png" }, "_meta": { "progressToken": 1 } });
    let mut agent = Agent::connect(&project, &[], json!({})).await;
    agent.post("tools/call", call.clone()).await;
    agent.find(|message| message["method"] == "notifications/progress").await;
    let (status, _) = agent.end().await;
    assert!(status.success());

    let [job] = &project.emulator.jobs()[..] else { panic!("one job") };
    project.emulator.complete(job.request_id());
    let mut agent = Agent::connect(&project, &[], json!({})).await;
    let result = agent.request("tools/call", call).await["result"].clone();
    assert_eq!(data(&result)["request_id"], job.request_id());
    assert_eq!(project.emulator.accepted_jobs(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_the_server_and_its_jobs_continue() {
    let project = Project::with(Emulator::builder().pace(Pace::manual())).await;
    let call = json!({ "name": REDUX, "arguments": { "image_url": "https://example.com/fox.png" }, "_meta": { "progressToken": 1 } });
    let mut agent = Agent::connect(&project, &[], json!({})).await;
    agent.post("tools/call", call.clone()).await;
    agent.find(|message| message["method"] == "notifications/progress").await;
    let id = agent.child.id().unwrap().to_string();
    std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap();
    let status = tokio::time::timeout(PATIENCE, agent.child.wait()).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
    project.emulator.complete(project.emulator.jobs()[0].request_id());
    let mut agent = Agent::connect(&project, &[], json!({})).await;
    assert_eq!(data(&agent.request("tools/call", call).await["result"])["status"], "completed");
    assert_eq!(project.emulator.accepted_jobs(), 1);
}

#[tokio::test]
async fn files_that_cannot_be_saved_do_not_lose_the_result() {
    let project = Project::new().await;
    let mut agent = Agent::connect(&project, &[], json!({})).await;
    let image = json!({ "url": "http://127.0.0.1:9/gone.png", "width": 1, "height": 1, "content_type": "image/png" });
    let output = json!({ "images": [image], "prompt": "\u{1b}[2J", "surprise": [null], "timings": {}, "seed": 1,
        "has_nsfw_concepts": [false] });
    project.emulator.answer("fal-ai/flux/dev/redux", &output).unwrap();
    let result = agent.call(REDUX, json!({ "image_url": "https://example.com/fox.png" })).await;
    assert_eq!(data(&result)["status"], "completed");
    assert_eq!(data(&result)["output"]["surprise"], json!([null]));
    assert_eq!(data(&result)["files"], json!([]));
    assert!(text(&result).contains("Not all files could be saved"), "{}", text(&result));
    assert!(!text(&result).contains('\u{1b}'));
}

#[tokio::test]
async fn failures_of_the_model_are_errors_of_the_tool() {
    let project = Project::new().await;
    let mut agent = Agent::connect(&project, &[], json!({})).await;
    project.emulator.inject_fault(Operation::Submit, fal_emulator::Fault::respond(422));
    let result = agent.call(REDUX, json!({ "image_url": "https://example.com/fox.png" })).await;
    assert!(!error(&result).is_empty());
    // What fal did not accept is sent again.
    let result = agent.call(REDUX, json!({ "image_url": "https://example.com/fox.png" })).await;
    assert_eq!(data(&result)["status"], "completed");

    let project = Project::with(Emulator::builder().pace(Pace::instant()).key("id:other")).await;
    let mut command = project.command(&["mcp"]);
    command.env("FAL_KEY", "id:wrong").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut agent = Agent::of(command);
    agent.initialize("2025-11-25", json!({})).await;
    let result = agent.call(REDUX, json!({ "image_url": "https://example.com/fox.png" })).await;
    let message = error(&result);
    assert!(message.contains("FAL_KEY") && !message.contains("id:wrong"), "{message}");
}

#[tokio::test]
async fn long_jobs_are_tasks_of_clients_that_have_them() {
    let project = Project::with(Emulator::builder().pace(Pace::manual())).await;
    let mut agent = Agent::start(&project, &[]);
    let capabilities = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
    let modern = |params: Value| modern(params, capabilities.clone());
    let call =
        |seed: u64| json!({ "name": REDUX, "arguments": { "image_url": "https://example.com/fox.png", "seed": seed } });
    let created = agent.request("tools/call", modern(call(1))).await["result"].clone();
    assert_eq!((&created["resultType"], &created["status"]), (&json!("task"), &json!("working")), "{created}");
    let get = json!({ "taskId": created["taskId"] });
    let working = agent.request("tasks/get", modern(get.clone())).await["result"].clone();
    assert_eq!(working["status"], "working", "{working}");
    project.emulator.complete(project.emulator.jobs()[0].request_id());
    let result = loop {
        let task = agent.request("tasks/get", modern(get.clone())).await["result"].clone();
        match task["status"].as_str() {
            Some("working") => {}
            _ => break task,
        }
    };
    assert_eq!(result["status"], "completed", "{result}");
    assert_eq!(data(&result["result"])["status"], "completed");
    assert_eq!(result["result"]["content"][1]["type"], "image");

    let created = agent.request("tools/call", modern(call(2))).await["result"].clone();
    let get = json!({ "taskId": created["taskId"] });
    agent.request("tasks/cancel", modern(get.clone())).await;
    while agent.request("tasks/get", modern(get.clone())).await["result"]["status"] == "working" {}
    let cancelled = agent.request("tasks/get", modern(get)).await["result"].clone();
    assert_eq!(cancelled["status"], "cancelled", "{cancelled}");
    assert!(project.emulator.requests().iter().any(|request| request.operation() == Operation::Cancel));
    let unknown = agent.request("tasks/get", modern(json!({ "taskId": "x" }))).await;
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
}

#[tokio::test]
async fn hostile_messages_do_not_end_the_server() {
    let project = Project::new().await;
    let mut agent = Agent::connect(&project, &["--concurrency", "2"], json!({})).await;
    let deep = "[".repeat(100_000);
    let huge = format!(r#"{{"jsonrpc":"2.0","id":9,"method":"ping","params":{{"x":"{}"}}}}"#, "x".repeat(17 << 20));
    let nested = format!(r#"{{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{deep}"#);
    for line in [
        "",
        "not JSON",
        "{",
        "null",
        "7",
        "[]",
        "{}",
        "\u{0}",
        r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":77,"result":{}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":12345}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/unknown"}"#,
        &deep,
        &nested,
        &huge,
    ] {
        agent.send_line(line).await;
    }
    assert!(agent.request("ping", json!({})).await.get("result").is_some());
    let unknown = agent.request("tools/delete", json!({})).await;
    assert_eq!(unknown["error"]["code"], -32601, "{unknown}");
    let wrong = agent.request("tools/call", json!({ "name": 7 })).await;
    assert!(wrong.get("error").is_some(), "{wrong}");

    // More calls than may run in parallel.
    let mut ids = Vec::new();
    for seed in 0..20 {
        let size = json!({ "width": 64, "height": 64 });
        let arguments = json!({ "image_url": "https://example.com/fox.png", "seed": seed, "image_size": size });
        ids.push(agent.post("tools/call", json!({ "name": REDUX, "arguments": arguments })).await);
    }
    for id in ids {
        assert_eq!(data(&agent.response(id).await["result"])["status"], "completed");
    }
    let (status, errors) = agent.end().await;
    assert!(status.success());
    assert!(errors.contains("exceeds 16 MiB"), "{errors}");
}

#[tokio::test]
async fn every_protocol_version_is_negotiated() {
    let project = Project::new().await;
    for (version, negotiated) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
        ("tomorrow", "2025-11-25"),
    ] {
        let mut agent = Agent::start(&project, &[]);
        let initialized = agent.initialize(version, json!({})).await;
        assert_eq!(initialized["result"]["protocolVersion"], negotiated, "{initialized}");
        let result = agent.call(REDUX, json!({ "image_url": "https://example.com/fox.png" })).await;
        let has_link = result["content"].as_array().unwrap().iter().any(|block| block["type"] == "resource_link");
        assert_eq!(has_link, version != "2024-11-05", "{result}");
    }
}

#[tokio::test]
async fn a_server_that_cannot_serve_says_why() {
    let project = Project::new().await;
    let error = project.run(&["mcp", "fal-ai/flux/dev/reduxx"]).await.failure(7);
    assert!(error.contains("fal-ai/flux/dev/redux"), "{error}");
    let error = project.run(&["mcp", "--allow-folder", "missing"]).await.failure(1);
    assert!(error.contains("cannot read the folder `missing`"), "{error}");
    project.run(&["mcp", "--max-cost", "much"]).await.failure(2);
    project.run(&["mcp", "--no-confirm", "--require-confirmation"]).await.failure(2);
    // Without a client.
    assert_eq!(project.run(&["mcp"]).await.success(), "");

    let mut command = project.command(&["mcp"]);
    command.env_remove("FAL_KEY").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut agent = Agent::of(command);
    agent.initialize("2025-11-25", json!({})).await;
    let result = agent.call(REDUX, json!({ "image_url": "https://example.com/fox.png" })).await;
    assert!(self::error(&result).contains("FAL_KEY"), "{result}");
    assert_eq!(data(&agent.call("search_models", json!({ "query": "redux" })).await)["models"][0]["tool"], REDUX);
}

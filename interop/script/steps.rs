//! Takes the steps of a section of `steps.json` with fal-client, and prints what it received, a JSON line each.

use std::collections::HashMap;
use std::time::Duration;

use fal_client::{Access, Client, Error, ErrorKind, FileInput, JsonInput, Lifecycle, Priority, QueueUpdate, Response};
use futures_util::StreamExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let section: usize = std::env::args().nth(1).ok_or("missing section")?.parse()?;
    let sections: Value = serde_json::from_str(include_str!("steps.json"))?;
    let mut script = Script {
        client: Client::from_env()?,
        saved: HashMap::from([("none".to_owned(), json!("8a2b7a2e-0000-4000-8000-000000000000"))]),
    };
    for step in sections[section]["steps"].as_array().ok_or("missing steps")? {
        let received = match script.take(step).await {
            Ok(received) => received,
            Err(error) => json!({ "error": error_of(&error) }),
        };
        println!("{}", json!({ "step": step["step"], "received": received }));
    }
    Ok(())
}

struct Script {
    client: Client,
    /// The request ids of submissions, and the outputs of other steps.
    saved: HashMap<String, Value>,
}

impl Script {
    async fn take(&mut self, step: &Value) -> Result<Value, Error> {
        let client = match step["key"].as_str() {
            Some(key) => Client::builder().env().key(key).build()?,
            None => self.client.clone(),
        };
        let endpoint = client.endpoint(text(step, "endpoint"));
        let input = step["input"].clone();
        let saved = self.saved.get(text(step, "of")).cloned().unwrap_or_default();
        let request = saved.as_str().unwrap_or_default();
        Ok(match text(step, "call") {
            "run" => {
                let mut call = endpoint.run(input);
                if let Some(seconds) = step["start_timeout"].as_f64() {
                    call = call.start_timeout(Duration::from_secs_f64(seconds));
                }
                if let Some(hint) = step["hint"].as_str() {
                    call = call.hint(hint);
                }
                let response = call.await?;
                self.saved.insert(text(step, "as").to_owned(), response.data.clone());
                named(response)
            }
            "submit" => {
                let mut call = endpoint.submit(input);
                if let Some(seconds) = step["start_timeout"].as_f64() {
                    call = call.start_timeout(Duration::from_secs_f64(seconds));
                }
                if let Some(hint) = step["hint"].as_str() {
                    call = call.hint(hint);
                }
                if step["priority"] == "low" {
                    call = call.priority(Priority::Low);
                }
                if let Some(url) = step["webhook_url"].as_str() {
                    call = call.webhook(url);
                }
                let request_id = Value::from(call.await?.request_id);
                self.saved.insert(text(step, "as").to_owned(), request_id.clone());
                json!({ "request_id": request_id })
            }
            "status" => status_of(&endpoint.status(request).logs(step["logs"] == true).await?),
            "follow" => {
                let mut seen = Seen::default();
                endpoint.wait(request).logs(true).on_update(|update| seen.add(&update)).await?;
                seen.into()
            }
            "result" => named(endpoint.result(request).await?),
            "cancel" => {
                endpoint.cancel(request).await?;
                Value::Null
            }
            "subscribe" => {
                let mut seen = Seen::default();
                let mut call = endpoint.subscribe(input).logs(true).on_update(|update| seen.add(&update));
                if let Some(seconds) = step["start_timeout"].as_f64() {
                    call = call.start_timeout(Duration::from_secs_f64(seconds));
                }
                if let Some(seconds) = step["client_timeout"].as_f64() {
                    call = call.timeout(Duration::from_secs_f64(seconds));
                }
                let mut received = named(call.await?);
                if let (Some(fields), Value::Object(seen)) = (received.as_object_mut(), Value::from(seen)) {
                    fields.extend(seen);
                }
                received
            }
            "stream" => {
                let mut stream = endpoint.stream(input);
                let mut events = Vec::new();
                while let Some(event) = stream.next().await {
                    events.extend(event?.into_output());
                }
                json!({ "events": events, "request_id": stream.request_id() })
            }
            "realtime" => {
                let mut call = endpoint.realtime();
                if text(step, "auth") == "token" {
                    call = call.token_auth();
                }
                if let Some(inputs) = step["max_buffering"].as_u64() {
                    call = call.max_buffering(inputs as u32);
                }
                let mut connection = call.await?;
                let mut results = Vec::new();
                for input in step["inputs"].as_array().into_iter().flatten() {
                    connection.send(input.clone()).await?;
                    results.extend(connection.next().await.transpose()?);
                }
                connection.close().await?;
                json!({ "results": results })
            }
            "upload" => {
                let mut call = client.storage().upload(file(step));
                if let Some(access) = step["access"].as_str() {
                    let access = if access == "forbid" { Access::Forbid } else { Access::Allow };
                    let time = Duration::from_secs(step["expires_in"].as_u64().unwrap_or_default());
                    call = call.lifecycle(Lifecycle::expires_after(time).access(access));
                }
                downloaded(&client, &call.await?.url).await?
            }
            "upload_in_input" => {
                named(endpoint.run(JsonInput::from(input).file(text(step, "field"), file(step))?).await?)
            }
            "encode" => {
                let input = JsonInput::from(input).file(text(step, "field"), file(step))?;
                named(endpoint.run(input).inline_below(1 << 20).await?)
            }
            "download" => downloaded(&client, saved["images"][0]["url"].as_str().unwrap_or_default()).await?,
            other => panic!("unknown call `{other}`"),
        })
    }
}

fn text<'a>(step: &'a Value, name: &str) -> &'a str {
    step[name].as_str().unwrap_or_default()
}

fn file(step: &Value) -> FileInput {
    let bytes = text(step, "text").repeat(step["repeat"].as_u64().unwrap_or(1) as usize);
    FileInput::bytes(bytes, text(step, "content_type")).name(text(step, "name"))
}

fn named(response: Response<Value>) -> Value {
    json!({ "data": response.data, "request_id": response.request_id })
}

/// The statuses of a request, and its logs.
#[derive(Default)]
struct Seen {
    statuses: Vec<Value>,
    logs: Vec<Value>,
}

impl Seen {
    fn add(&mut self, update: &QueueUpdate) {
        let status = status_of(update);
        if self.statuses.last() != Some(&status["status"]) {
            self.statuses.push(status["status"].clone());
        }
        self.logs.extend(status["logs"].as_array().cloned().unwrap_or_default());
    }
}

impl From<Seen> for Value {
    fn from(seen: Seen) -> Self {
        json!({ "statuses": seen.statuses, "logs": seen.logs })
    }
}

fn status_of(update: &QueueUpdate) -> Value {
    let logs: Vec<&str> = update.logs().iter().map(|log| log.message.as_str()).collect();
    let mut status = match update {
        QueueUpdate::InQueue { position, .. } => json!({ "status": "IN_QUEUE", "position": position }),
        QueueUpdate::InProgress { .. } => json!({ "status": "IN_PROGRESS" }),
        QueueUpdate::Completed { metrics, failure: None, .. } => {
            json!({ "status": "COMPLETED", "has_metrics": !metrics.all.is_empty() })
        }
        QueueUpdate::Completed { failure: Some(failure), .. } => {
            let of_type = failure.error_type.as_ref().map(|of_type| of_type.as_str());
            json!({ "status": "COMPLETED", "error": failure.error, "error_type": of_type })
        }
        other => panic!("unexpected status {other:?}"),
    };
    status["logs"] = json!(logs);
    status
}

async fn downloaded(client: &Client, url: &str) -> Result<Value, Error> {
    let mut media = match client.open_media(url).await {
        Ok(media) => media,
        Err(error) => return Ok(json!({ "url": url, "status": error.status().map(|status| status.as_u16()) })),
    };
    let content_type = media.content_type().map(str::to_owned);
    let mut hash = Sha256::new();
    while let Some(bytes) = media.next().await? {
        hash.update(&bytes);
    }
    let sha256: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(json!({ "url": url, "status": 200, "content_type": content_type, "sha256": sha256 }))
}

fn error_of(error: &Error) -> Value {
    match error.status() {
        Some(status) => {
            let body = error.body().and_then(|body| serde_json::from_slice::<Value>(body).ok());
            json!({ "status": status.as_u16(), "body": body })
        }
        None if error.is_timeout() => json!("timeout"),
        None if error.kind() == ErrorKind::Transport => json!("lost connection"),
        None => json!(error.error_type().map(|of_type| of_type.as_str())),
    }
}

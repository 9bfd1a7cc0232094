//! `cargo fal trigger`

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use fal_emulator::{Emulator, webhook};
use serde_json::{Value, json};

use crate::catalog::{Catalog, Entry};
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::layout::plain;
use crate::online::block_on;
use crate::webhooks::{Attempt, Delivery, Event, Keys, Target, signer};

/// The largest payload, in bytes.
const MAX_PAYLOAD: u64 = 64 << 20;

/// Send a signed webhook to your program
///
/// The webhook of a success has an output that fits the document of the endpoint. Its files can be downloaded until the command
/// ends. Nothing is sent to fal.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Kind of the webhook
    #[arg(value_enum)]
    kind: Kind,
    /// URL of your program. A port means localhost
    #[arg(long, value_name = "URL", default_value = "http://localhost:3000/hook")]
    to: String,
    /// Endpoint of the request. Default: the first one of the schemas folder, or else an endpoint that fal-client ships
    #[arg(long, value_name = "ENDPOINT")]
    endpoint: Option<String>,
    /// File with the payload as JSON, or `-` for stdin. Default: an output, or the details of a failure
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Request id. Default: a new one
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Id of the user in the header of the webhook
    #[arg(long, value_name = "ID", default_value = "local")]
    user_id: String,
    /// Port on the loopback interface that serves the public key meanwhile, unless `cargo fal listen` does so
    #[arg(long, value_name = "N", default_value_t = 8788)]
    port: u16,
    /// Send to a host outside of this computer and its network, too
    #[arg(long)]
    allow_remote: bool,
}

/// The webhooks to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// The request succeeded
    Ok,
    /// The request failed, because its input is invalid
    Error,
    /// The request succeeded, and its output cannot be part of the webhook
    PayloadError,
    /// One of each kind
    All,
}

const EXAMPLES: &str = "\
Examples:
  cargo fal trigger ok
  cargo fal trigger all --to http://localhost:3000/hook
  cargo fal trigger ok --to 3000 --endpoint fal-ai/flux/dev --data output.json";

/// The exit code is 1 unless each webhook is accepted.
pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    block_on(trigger(arguments, context))
}

async fn trigger(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let terminal = &context.terminal;
    let data = arguments.data.as_deref().map(payload).transpose()?;
    let events: &[Event] = match (arguments.kind, &data) {
        (Kind::PayloadError | Kind::All, Some(_)) => {
            return Err(Error::new(Exit::Usage, "--data needs one webhook with a payload: choose `ok` or `error`"));
        }
        (Kind::Ok, _) => &[Event::Ok],
        (Kind::Error, _) => &[Event::Error],
        (Kind::PayloadError, _) => &[Event::PayloadError],
        (Kind::All, _) => &[Event::Ok, Event::Error, Event::PayloadError],
    };
    let target = Target::new(&arguments.to, arguments.allow_remote).await?;
    let entry = entry(arguments.endpoint.as_deref(), context)?;
    let endpoint = entry.document.id.as_str();
    let signer = signer(&context.settings)?;
    // If the port is taken, `cargo fal listen` serves the same key.
    let keys = Keys::serve(arguments.port, &signer).await.ok();
    let emulator = emulator(&entry, context).await?;
    let (mut are_accepted, mut is_reached, mut facts) = (true, true, Vec::new());
    for event in events {
        let request_id = arguments.request_id.clone().unwrap_or_else(webhook::request_id);
        let (error, payload) = match (event, &data) {
            (Event::Ok, Some(data)) => (None, data.clone()),
            (Event::Ok, None) => (None, output(&emulator, endpoint)?),
            (Event::Error, Some(data)) => (Some(FAILURE), data.clone()),
            (Event::Error, None) => (Some(FAILURE), failure()),
            (Event::PayloadError, _) => (None, Vec::new()),
        };
        let delivery = Delivery::new(&request_id, error, &payload);
        let attempt = delivery.post(&target, &signer, &arguments.user_id, 0).await;
        are_accepted &= attempt.is_accepted();
        is_reached &= attempt.status.is_ok();
        match terminal.json {
            true => facts.push(fact(endpoint, &delivery, &attempt)),
            false => terminal.print(described(endpoint, &target, &delivery, &attempt))?,
        }
    }
    if terminal.json {
        terminal.print_json(&facts)?;
    }
    if !are_accepted {
        let port = arguments.port;
        let host = keys.map_or_else(|| format!("http://127.0.0.1:{port}"), |keys| keys.host());
        let error = Error::new(Exit::Failed, format!("not accepted by {}", target.shown()));
        if !is_reached {
            return Err(error.help("start your program, or name its address with --to"));
        }
        return Err(error.help(format!(
            "if your program could not verify the signature, start it with `FAL_REST_HOST={host}`, from where it fetches the key"
        )));
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads a payload.
fn payload(file: &Path) -> Result<Vec<u8>, Error> {
    let read = match file == Path::new("-") {
        true => bytes(io::stdin().lock()),
        false => File::open(file).and_then(bytes),
    };
    let bytes = read.map_err(|error| Error::io("read", file, &error))?;
    serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).map_err(|error| {
        Error::new(Exit::Invalid, format!("the payload in `{}` is not JSON: {error}", file.display()))
    })?;
    Ok(bytes)
}

/// Reads a payload, whose size is limited.
fn bytes(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(MAX_PAYLOAD + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MAX_PAYLOAD {
        true => Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {} MiB", MAX_PAYLOAD >> 20))),
        false => Ok(bytes),
    }
}

/// Returns the endpoint's entry, or a default one.
fn entry(endpoint: Option<&str>, context: &Context) -> Result<Entry, Error> {
    let catalog = Catalog::load(&context.settings)?;
    if let Some(endpoint) = endpoint {
        return catalog.require(endpoint).cloned();
    }
    let own = catalog.entries().find(|entry| !entry.is_shipped);
    let entry = own.or_else(|| catalog.entries().next());
    entry.cloned().ok_or_else(|| Error::new(Exit::NotFound, "no document of an endpoint here"))
}

/// Starts an emulator that makes the output, and serves its files.
async fn emulator(entry: &Entry, context: &Context) -> Result<Emulator, Error> {
    let builder = match entry.is_shipped {
        true => Emulator::builder(),
        false => Emulator::builder().schemas(&context.settings.schemas),
    };
    builder.start().await.map_err(|error| Error::new(Exit::Failed, error.to_string()))
}

fn output(emulator: &Emulator, endpoint: &str) -> Result<Vec<u8>, Error> {
    let output = emulator.sample_output(endpoint, &json!({})).map_err(|error| {
        let error = Error::new(Exit::Failed, error.to_string());
        error.help("pass the output with --data")
    })?;
    Ok(output.to_string().into_bytes())
}

/// The message of a failed request, as fal has it.
const FAILURE: &str = "Invalid status code: 422";

/// Returns the payload of a request whose prompt is missing.
fn failure() -> Vec<u8> {
    let details = json!({ "detail": [{
        "loc": ["body", "prompt"],
        "msg": "Field required",
        "type": "missing",
        "input": {},
        "url": "https://docs.fal.ai/errors/#missing",
    }] });
    details.to_string().into_bytes()
}

fn fact(endpoint: &str, delivery: &Delivery, attempt: &Attempt) -> Value {
    json!({
        "event": delivery.event.name(),
        "endpoint": endpoint,
        "request_id": delivery.request_id,
        "body": serde_json::from_slice::<Value>(&delivery.body).unwrap_or_default(),
        "status": attempt.status.as_ref().ok().map(|status| status.as_u16()),
        "error": attempt.status.as_ref().err(),
        "is_accepted": attempt.is_accepted(),
        "milliseconds": attempt.duration.as_millis(),
        "response": String::from_utf8_lossy(&attempt.response),
    })
}

/// Describes a delivery and the response, in lines.
fn described(endpoint: &str, target: &Target, delivery: &Delivery, attempt: &Attempt) -> String {
    let status = match &attempt.status {
        Ok(status) => format!("{status} in {} ms", attempt.duration.as_millis()),
        Err(reason) => plain(reason),
    };
    let (event, url) = (delivery.event.name(), target.shown());
    let size = indicatif::DecimalBytes(delivery.body.len() as u64);
    let mut text = format!("{event} to {url}: {status}\n  request {} of {endpoint}, {size}", delivery.request_id);
    for line in String::from_utf8_lossy(&attempt.response).trim_end().lines() {
        text.push_str("\n  < ");
        text.push_str(&plain(line));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_is_limited() {
        assert_eq!(bytes(&b"{}"[..]).expect("a small payload"), b"{}");
        let error = bytes(io::repeat(b' ')).expect_err("an endless payload");
        assert_eq!(error.to_string(), "more than 64 MiB");
    }
}

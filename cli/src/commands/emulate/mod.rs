//! `cargo fal emulate`

mod failure;
mod money;

use std::borrow::Cow;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use fal_emulator::{Decimal, Emulator, Pace};

use self::failure::Failure;
use self::money::{EndpointPrice, dollars};
use crate::commands::folders::count;
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::layout::plain;
use crate::online::{Signals, block_on};

/// Run a local emulator of fal, which needs neither a key nor the internet
///
/// Without --schemas, it serves the endpoints that fal-client ships.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Port on the loopback interface. 0 chooses a free port
    #[arg(long, value_name = "N", default_value_t = 8787)]
    port: u16,
    /// Folder of the documents to serve
    #[arg(long, value_name = "DIR")]
    schemas: Option<PathBuf>,
    /// Name, in addition to loopback names, under which the emulator may be called. Can be repeated
    #[arg(long, value_name = "HOST", value_parser = host_name)]
    allow_host: Vec<String>,
    /// The only key that is accepted. Default: any key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Time that each job runs, such as 30s or 2m. Default: 600ms
    #[arg(long, value_name = "TIME", value_parser = duration)]
    running: Option<Duration>,
    /// Make submissions, direct runs and streams fail. Can be repeated
    ///
    /// FAILURE is an HTTP status (400 to 599) or one of these: rate-limit, content-policy, drop (the connection closes),
    /// accepted-drop (the request is accepted and billed, and the connection closes without its response), locked (the account has no balance), no-permission (of the key). With 422, 500 and content-policy, the request is
    /// accepted and its job fails. COUNT limits the failure to the next requests.
    ///
    /// Examples: 500, 3x503, fal-ai/flux/dev/redux=content-policy
    #[arg(long, value_name = "[ENDPOINT=][COUNTx]FAILURE")]
    fail: Vec<Failure>,
    /// Price of an endpoint, or of all endpoints that have no other. Can be repeated. Default: jobs cost nothing
    ///
    /// A job is billed one unit, or the number of images that its input requests.
    ///
    /// Examples: 0.01/unit, fal-ai/flux/dev/redux=0.025/image
    #[arg(long, value_name = "[ENDPOINT=]USD/UNIT")]
    price: Vec<EndpointPrice>,
    /// Balance of the account. When it is used up, the account is locked, as fal does. Default: never locked
    #[arg(long, value_name = "USD", value_parser = dollars)]
    balance: Option<Decimal>,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    block_on(serve(arguments, context))
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "expected a number with a unit, such as 30s or 2m".to_owned())
}

async fn serve(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let terminal = &context.terminal;
    let mut signals = Signals::new()?;
    let log = terminal.clone();
    let mut builder = Emulator::builder().port(arguments.port).on_request(move |request| {
        let status = request.status().map_or("no response".to_owned(), |status| status.to_string());
        let mistake = request.mistake().map(|mistake| format!(" ({mistake})")).unwrap_or_default();
        log.note(plain(&format!("{} {} -> {status}{mistake}", request.method(), request.path())));
    });
    builder = builder.allow_hosts(&arguments.allow_host);
    if let Some(schemas) = &arguments.schemas {
        builder = builder.schemas(schemas);
    }
    if let Some(key) = &arguments.key {
        builder = builder.key(key);
    }
    if let Some(running) = arguments.running {
        builder = builder.pace(Pace::default().running(running));
    }
    builder = arguments.price.iter().fold(builder, |builder, price| price.apply(builder));
    if let Some(balance) = arguments.balance {
        builder = builder.balance(balance).lock_when_exhausted();
    }
    let emulator = builder.start().await.map_err(|error| Error::new(Exit::Failed, error.to_string()))?;
    emulator.hints().for_each(|hint| terminal.note(hint));
    let priced = arguments.price.iter().try_for_each(|price| price.check(&emulator));
    let injected = priced.and_then(|()| arguments.fail.iter().try_for_each(|failure| failure.inject(&emulator)));
    injected.map_err(|error| Error::new(Exit::Usage, error))?;
    let endpoints = count(emulator.endpoints().count(), "endpoint");
    terminal.print(format_args!("{} serves {endpoints}; press Ctrl-C to stop", emulator.base_url()))?;
    terminal.print("\nTo use it from programs with fal-client, set:\n")?;
    for (name, value) in emulator.environment() {
        terminal.print(format_args!("export {name}={}", quoted(&value)))?;
    }
    signals.next().await;
    Ok(ExitCode::SUCCESS)
}

/// Checks that the emulator serves an endpoint.
fn served(emulator: &Emulator, endpoint: &str) -> Result<(), String> {
    if emulator.endpoints().any(|other| other == endpoint) {
        return Ok(());
    }
    let served = emulator.endpoints().next().unwrap_or_default();
    Err(format!("the emulator does not serve the endpoint `{endpoint}`: choose another, such as `{served}`"))
}

/// Reads a name or an address of `--allow-host`. Anything else, such as a URL, could never be the host of a request.
fn host_name(text: &str) -> Result<String, String> {
    let is_address = |text: &str| text.parse::<Ipv6Addr>().is_ok();
    let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let is_name = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    match is_name || bracketed.is_some_and(is_address) {
        true => Ok(text.to_owned()),
        false => Err("expected a host name without scheme, port or path, such as fal.internal".to_owned()),
    }
}

/// Quotes a value for a shell, if it has to be.
fn quoted(value: &str) -> Cow<'_, str> {
    match value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/@".contains(c)) {
        true => value.into(),
        false => format!("'{}'", value.replace('\'', r"'\''")).into(),
    }
}

//! Sends each line of the input as a prompt over a realtime connection, and saves the images as they come.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use fal_client::realtime::SendPolicy;
use fal_client::{Client, Media};
use fal_emulator::Emulator;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::timeout;

const HELP: &str = "\
Sends each line of the standard input as a prompt over a realtime connection, and saves the images of the results in the
folder `realtime`. It ends 5 seconds after the input and the last result.

If the environment variable FAL_KEY is set, the example calls fal, which bills the session. Otherwise it starts the
emulator of this repository, which needs no network and draws placeholders.

Usage: cargo run --features realtime --example realtime -- [ENDPOINT]      default: fal-ai/fast-lcm-diffusion";

/// The time without a result after which the model has finished all prompts.
const QUIET: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let endpoint = match &arguments[..] {
        [] => "fal-ai/fast-lcm-diffusion",
        [endpoint] if !endpoint.starts_with('-') => endpoint,
        _ => {
            println!("{HELP}");
            return if arguments == ["--help"] { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
    };
    match talk(endpoint).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn talk(endpoint: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    // The emulator lives as long as this variable.
    let emulator;
    let client = if std::env::var("FAL_KEY").is_ok_and(|key| !key.trim().is_empty()) {
        Client::from_env()?
    } else {
        emulator = Emulator::start().await?;
        eprintln!("FAL_KEY is not set. Calling the emulator at {}.", emulator.base_url());
        emulator.client()
    };

    let connecting = client.endpoint(endpoint).realtime();
    // A new prompt replaces one that is still waiting.
    let (mut sink, mut stream) = connecting.send_policy(SendPolicy::NewestWins).send_queue(1).await?.split();
    let sending = tokio::spawn(async move {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while let Some(prompt) = lines.next_line().await? {
            sink.send(json!({ "prompt": prompt })).await?;
        }
        Ok::<_, Box<dyn Error + Send + Sync>>(sink)
    });
    loop {
        match timeout(QUIET, stream.next()).await {
            Ok(Some(Ok(result))) => {
                for saved in client.download_all(result.media(), "realtime").await? {
                    println!("Saved: {}", saved.path.display());
                }
            }
            Ok(Some(Err(error))) => eprintln!("{error}"),
            // The connection has ended before the standard input.
            Ok(None) => {
                sending.abort();
                return Ok(());
            }
            Err(_) if sending.is_finished() => break,
            Err(_) => {}
        }
    }
    sending.await??.close().await?;
    Ok(())
}

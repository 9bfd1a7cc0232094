//! Sends each line of the input as a prompt over a realtime connection, and prints the results.

use std::error::Error;
use std::process::ExitCode;

use fal_client::Client;
use fal_client::realtime::SendPolicy;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};

const HELP: &str = "\
Sends each line of the standard input as a prompt over a realtime connection, and prints the results. Needs a key in FAL_KEY.

Usage: cargo run --features realtime --example realtime -- [ENDPOINT]      default: fal-ai/fast-lcm-diffusion";

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
    let connecting = Client::from_env()?.endpoint(endpoint).realtime();
    // A new prompt replaces one that is still waiting.
    let (mut sink, mut stream) = connecting.send_policy(SendPolicy::NewestWins).send_queue(1).await?.split();
    let sending = tokio::spawn(async move {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while let Some(prompt) = lines.next_line().await? {
            sink.send(json!({ "prompt": prompt })).await?;
        }
        // The other half receives what is still on its way.
        sink.close().await?;
        Ok::<_, Box<dyn Error + Send + Sync>>(())
    });
    while let Some(result) = stream.next().await {
        match result {
            Ok(result) => println!("{result}"),
            Err(error) => eprintln!("{error}"),
        }
    }
    sending.abort();
    match sending.await {
        Ok(sent) => sent,
        // The connection has ended before the standard input.
        Err(_) => Ok(()),
    }
}

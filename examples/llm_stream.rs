//! Prints the text of a language model as it is written.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use fal_client::endpoints::Endpoints;
use fal_client::endpoints::openrouter::router;
use fal_client::{Client, EventData};
use fal_emulator::Emulator;
use futures_util::TryStreamExt;

const HELP: &str = "\
Prints the text of a language model as it is written, with openrouter/router.

If the environment variable FAL_KEY is set, the example calls fal, which bills the request. Otherwise it starts the
emulator of this repository, which needs no network and makes up a text.

Usage: cargo run --example llm_stream -- [PROMPT]";

const PROMPT: &str = "Tell a story of a fox in three sentences.";

const MODEL: &str = "google/gemini-2.5-flash";

#[tokio::main]
async fn main() -> ExitCode {
    let prompt: Vec<String> = std::env::args().skip(1).collect();
    if prompt == ["--help"] {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let prompt = if prompt.is_empty() { PROMPT.to_owned() } else { prompt.join(" ") };
    match print(prompt).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn print(prompt: String) -> Result<(), Box<dyn Error>> {
    // The emulator lives as long as this variable.
    let emulator;
    let client = if std::env::var("FAL_KEY").is_ok_and(|key| !key.trim().is_empty()) {
        Client::from_env()?
    } else {
        emulator = Emulator::start().await?;
        eprintln!("FAL_KEY is not set. Calling the emulator at {}.", emulator.base_url());
        emulator.client()
    };

    let input = router::Input::builder().prompt(prompt).model(MODEL);
    let mut events = client.openrouter().router().stream(input);
    let mut printed = String::new();
    while let Some(event) = events.try_next().await? {
        let EventData::Output(output) = event.data else { continue };
        if let Some(reason) = output.error.filter(|reason| !reason.is_empty()) {
            println!();
            return Err(reason.into());
        }
        // Each event has the whole text so far.
        match output.output.strip_prefix(&printed) {
            Some(more) => print!("{more}"),
            None => print!("\n{}", output.output),
        }
        std::io::stdout().flush()?;
        printed = output.output;
    }
    println!();
    if let Some(request_id) = events.request_id() {
        eprintln!("request {request_id}");
    }
    Ok(())
}

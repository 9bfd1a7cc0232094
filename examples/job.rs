//! Submits a request in one process and fetches its result in another.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::{Client, Job};

const HELP: &str = "\
Submits a request in one process and fetches its result in another. Both need a key in FAL_KEY. To use a local emulator,
run `cargo run -p cargo-fal -- emulate` and set the variables that it prints.

Usage: cargo run --example job -- submit IMAGE_URL      submits, prints the job as a line of JSON, waits for the result
       cargo run --example job -- resume JOB            waits for the result of a job printed by `submit`";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["submit", image_url] => submit(image_url).await,
        ["resume", job] => resume(job).await,
        _ => {
            println!("{HELP}");
            return if matches!(arguments[..], ["--help"]) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn submit(image_url: &str) -> Result<(), Box<dyn Error>> {
    let client = Client::from_env()?;
    let job = client.endpoint(redux::ENDPOINT).submit(redux::Input::builder().image_url(image_url)).await?;
    let saved = serde_json::to_string(&job)?;
    println!("{saved}");
    std::io::stdout().flush()?;
    // From here on, the printed line suffices to fetch the result if this process ends.
    resume(&saved).await
}

async fn resume(saved: &str) -> Result<(), Box<dyn Error>> {
    let job: Job<redux::Output> = serde_json::from_str(saved)?;
    let response = Client::from_env()?.resume(job).wait().await?;
    for image in &response.data.images {
        println!("{}", image.url);
    }
    Ok(())
}

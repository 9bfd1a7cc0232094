//! A fleet: programs that enqueue jobs, workers that send them, and a server that receives the results.

use std::error::Error;
use std::process::ExitCode;

use axum::Router;
use axum::routing::post;
use fal_client::Client;
use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::webhook::Verifier;
use fal_jobs::{Filter, Journal, State};
use tokio::net::TcpListener;
use tokio::signal::ctrl_c;

const HELP: &str = "\
Shares jobs between programs. Needs a PostgreSQL database, whose URL is in DATABASE_URL, and a key in FAL_KEY or an emulator.
README.md next to this file has the commands for a trial.

Usage: cargo run -p fal-jobs --example fleet -- COMMAND

  enqueue COUNT        records COUNT jobs
  work NAME [URL]      runs jobs until Ctrl-C. fal posts the results to URL. Without it, the worker follows its requests
  receive [ADDRESS]    receives webhooks at http://ADDRESS/fal. Default: 127.0.0.1:3000
  show                 prints the number of jobs in each state";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let journal = || async {
        let url = std::env::var("DATABASE_URL").map_err(|_| "DATABASE_URL is not set")?;
        Ok::<_, Box<dyn Error>>(Journal::open(url).await?)
    };
    match arguments {
        ["enqueue", count] => enqueue(&journal().await?, count.parse()?).await,
        ["work", name] => work(&journal().await?, name, None).await,
        ["work", name, url] => work(&journal().await?, name, Some(url)).await,
        ["receive"] => receive(&journal().await?, "127.0.0.1:3000").await,
        ["receive", address] => receive(&journal().await?, address).await,
        ["show"] => show(&journal().await?).await,
        _ => {
            println!("{HELP}");
            Ok(())
        }
    }
}

async fn enqueue(journal: &Journal, count: usize) -> Result<(), Box<dyn Error>> {
    let redux = Client::from_env()?.endpoint(redux::ENDPOINT);
    for number in 0..count {
        let input = redux::Input::builder().image_url(format!("https://example.com/{number}.png"));
        // Enqueuing a key twice changes nothing, so this program can be interrupted and started again.
        journal.enqueue(&redux, input).key(format!("photo-{number}")).label("photos").await?;
    }
    println!("enqueued {count} jobs");
    Ok(())
}

async fn work(journal: &Journal, name: &str, webhook: Option<&str>) -> Result<(), Box<dyn Error>> {
    let client = Client::from_env()?;
    let printed = name.to_owned();
    let mut worker = journal
        .worker(&client)
        .label("photos")
        .concurrency(4)
        .on_finished(move |job| println!("{printed}: {} is {}", job.key, job.state))
        .stop_when(ctrl_c());
    if let Some(url) = webhook {
        worker = worker.webhook(url);
    }
    let report = worker.run().await?;
    println!("{name}: {report}");
    Ok(())
}

async fn receive(journal: &Journal, address: &str) -> Result<(), Box<dyn Error>> {
    let client = Client::from_env()?;
    // A program for the real fal also sets its own user id, because fal signs the webhooks of all its users.
    let handler = journal.webhook_handler(&client, Verifier::new(&client));
    let app: Router = Router::new().route("/fal", post(handler));
    let listener = TcpListener::bind(address).await?;
    println!("waiting for webhooks at http://{}/fal", listener.local_addr()?);
    axum::serve(listener, app).with_graceful_shutdown(async { drop(ctrl_c().await) }).await?;
    Ok(())
}

async fn show(journal: &Journal) -> Result<(), Box<dyn Error>> {
    let counts = journal.count(Filter::new().label("photos")).await?;
    for state in State::ALL {
        println!("{state:<10} {}", counts.of(state));
    }
    Ok(())
}

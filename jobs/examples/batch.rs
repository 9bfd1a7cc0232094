//! Runs the rows of a CSV file, saves the images and a file of results, and continues where it was stopped.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;

use fal_client::Client;
use fal_client::endpoints::fal_ai::fast_lcm_diffusion as diffusion;
use fal_client::money::{Cost, IntoAmount, Price, PriceTable};
use fal_client::serde_json::json;
use fal_emulator::Emulator;
use fal_jobs::{Journal, Snapshot};
use serde::Deserialize;

const HELP: &str = "\
Draws an image for each row of a CSV file with fal-ai/fast-lcm-diffusion. Stop it with Ctrl-C, and start it again: rows with a
result are not sent again. A second Ctrl-C does not wait for the rows that run.

If the environment variable FAL_KEY is set, the example calls fal, which bills the requests. Otherwise it starts the emulator of
this repository, which needs no network and draws placeholders.

Usage: cargo run -p fal-jobs --example batch -- [OPTIONS]

Options:
  --csv FILE         The rows: the columns `name`, `prompt` and, optionally, `seed` [default: 60 rows of its own]
  --out FOLDER       The folder of the images, of `results.jsonl` and of the journal [default: batch]
  --journal URL      Another journal, such as postgres://localhost/jobs
  --budget DOLLARS   The limit for all runs with the journal [default: 1]
  --price DOLLARS    The price of a unit, from fal.ai or the platform API [default: 0.001]
  --concurrency N    The number of requests at the same time [default: 4]
  --help             Print help";

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => draw(options).await,
        Ok(None) => {
            println!("{HELP}");
            Ok(())
        }
        Err(wrong) => Err(wrong.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn draw(options: Options) -> Result<(), Box<dyn Error>> {
    let images = options.out.join("images");
    std::fs::create_dir_all(&options.out)?;
    // The emulator lives as long as this variable.
    let emulator;
    let client = if std::env::var("FAL_KEY").is_ok_and(|key| !key.trim().is_empty()) {
        println!("Calling fal with the key from the environment.");
        Client::from_env()?
    } else {
        emulator = Emulator::start().await?;
        println!("FAL_KEY is not set. Calling the emulator at {}.", emulator.base_url());
        emulator.client()
    };

    let prices: PriceTable =
        [Price::new(diffusion::ENDPOINT.id(), options.price.into_amount()?, "unit")].into_iter().collect();
    let journal = match &options.journal {
        Some(url) => Journal::builder().prices(prices.clone()).open(url).await?,
        None => {
            let file = options.out.join("jobs.db");
            Journal::builder().prices(prices.clone()).open(format!("sqlite://{}", file.display())).await?
        }
    };
    // A row has one image, which is at most two units.
    let budget = journal.budget("batch", Cost::usd(options.budget)?).await?;
    let budget = budget.estimate(&prices.estimate(diffusion::ENDPOINT.id(), 2)?)?;

    let mut items = journal
        .batch(&client.endpoint(diffusion::ENDPOINT))
        .label("batch")
        .concurrency(options.concurrency)
        .budget(&budget)
        .download_to(&images)
        .stop_when(tokio::signal::ctrl_c())
        .on_progress(show)
        .run_all(rows(options.csv.clone()))
        .await?;
    // Results of earlier runs are handed out again, so the file is complete after each run.
    let mut results = BufWriter::new(File::create(options.out.join("results.jsonl"))?);
    // The first Ctrl-C stops the batch, which finishes the rows that run. The second one leaves them to the next run.
    let mut second = pin!(async {
        tokio::signal::ctrl_c().await?;
        tokio::signal::ctrl_c().await
    });
    loop {
        let item = tokio::select! {
            item = items.next() => item,
            signal = &mut second => {
                signal?;
                return Err("interrupted: start it again to continue".into());
            }
        };
        let Some(item) = item else { break };
        let line = match &item.result {
            Ok(completed) => {
                let files: Vec<_> = completed.record.files().into_iter().filter_map(|file| file.file_name).collect();
                let cost = completed.record.cost().map(|cost| cost.to_string());
                json!({ "name": item.key, "images": files, "cost": cost })
            }
            Err(error) => json!({ "name": item.key, "row": item.index + 1, "error": error.to_string() }),
        };
        writeln!(results, "{line}")?;
        results.flush()?;
    }
    eprintln!();
    let Snapshot { done, failed, not_started, total, .. } = items.progress().snapshot();
    let usage = budget.usage().await?;
    println!("{done} of {} rows have a result, {failed} have failed.", total.unwrap_or(done));
    if items.is_stopped() {
        println!("Stopped: {not_started} rows were not started. Start it again to continue.");
    }
    println!("All runs together have spent {} of {}.", usage.spent, usage.limit);
    println!("The results are in {}.", options.out.display());
    match items.stopped_by() {
        Some(error) => Err(error.to_string().into()),
        None => Ok(()),
    }
}

/// A row of the CSV file.
#[derive(Deserialize)]
struct Row {
    name: String,
    prompt: String,
    seed: Option<i64>,
}

/// A name as the key of the job, and its input. An error if the row is invalid.
type NewItem = Result<(String, diffusion::Input), Box<dyn Error + Send + Sync>>;

/// Returns a function that reads the rows. The batch reads them twice: it validates all rows before it sends the first one.
fn rows(csv: Option<PathBuf>) -> impl Fn() -> Box<dyn Iterator<Item = NewItem> + Send> {
    move || match &csv {
        Some(path) => match csv::Reader::from_path(path) {
            Ok(reader) => Box::new(reader.into_deserialize().map(|row: Result<Row, csv::Error>| Ok(item(row?)))),
            Err(error) => Box::new(std::iter::once(Err(error.into()))),
        },
        None => Box::new((1..=60).map(|number| {
            let (name, prompt) = (format!("card-{number}"), format!("A greeting card with the number {number}"));
            Ok(item(Row { name, prompt, seed: Some(number) }))
        })),
    }
}

fn item(Row { name, prompt, seed }: Row) -> (String, diffusion::Input) {
    // The default returns the image as a data URI, which the journal would record with the output.
    (name, diffusion::Input::builder().prompt(prompt).maybe_seed(seed).sync_mode(false).into())
}

fn show(progress: &Snapshot) {
    let total = progress.total.unwrap_or_default();
    let left = progress.remaining.map_or(String::new(), |left| format!(", {} s left", left.as_secs()));
    eprint!("\r{} of {total}, {} failed, {} spent{left}   ", progress.done, progress.failed, progress.spent);
}

struct Options {
    csv: Option<PathBuf>,
    out: PathBuf,
    journal: Option<String>,
    budget: String,
    price: String,
    concurrency: usize,
}

impl Options {
    /// Parses the command line. Returns `None` for `--help`.
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Options {
            csv: None,
            out: PathBuf::from("batch"),
            journal: None,
            budget: "1".to_owned(),
            price: "0.001".to_owned(),
            concurrency: 4,
        };
        while let Some(name) = args.next() {
            if matches!(name.as_str(), "--help" | "-h") {
                return Ok(None);
            }
            let is_known =
                ["--csv", "--out", "--journal", "--budget", "--price", "--concurrency"].contains(&name.as_str());
            if !is_known {
                return Err(format!("unknown option {name:?}: see `--help`"));
            }
            let value = args.next().ok_or_else(|| format!("missing value of {name}: see `--help`"))?;
            match name.as_str() {
                "--csv" => options.csv = Some(PathBuf::from(value)),
                "--out" => options.out = PathBuf::from(value),
                "--journal" => options.journal = Some(value),
                "--budget" => options.budget = value,
                "--price" => options.price = value,
                _ => {
                    let invalid = |_| format!("invalid concurrency {value:?}: expected a number");
                    options.concurrency = value.parse().map_err(invalid)?;
                }
            }
        }
        Ok(Some(options))
    }
}

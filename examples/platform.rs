//! Prints models, their prices, and what the account has done.

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use fal_client::Client;
use fal_client::platform::ModelStatus;
use futures_util::{StreamExt, TryStreamExt};

const HELP: &str = "\
Prints models, their prices, and what the account has done. It needs a key in FAL_KEY.

Usage: cargo run --features platform --example platform -- models WORDS        the first 20 models that match, with prices
       cargo run --features platform --example platform -- estimate ID CALLS   the estimated cost of calls
       cargo run --features platform --example platform -- requests ID         the requests of the last hour
       cargo run --features platform --example platform -- account             credits and lock, with a key of an administrator";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["models", words] => models(words).await,
        ["estimate", id, calls] => estimate(id, calls).await,
        ["requests", id] => requests(id).await,
        ["account"] => account().await,
        _ => {
            eprintln!("{HELP}");
            return if arguments == ["--help"] { ExitCode::SUCCESS } else { ExitCode::FAILURE };
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

async fn models(words: &str) -> Result<(), Box<dyn Error>> {
    let platform = Client::from_env()?.platform();
    let models = platform.models().search(words).status(ModelStatus::Active).limit(20).stream();
    let ids: Vec<String> = models.take(20).map_ok(|model| model.endpoint_id).try_collect().await?;
    let prices = platform.prices(&ids).skip_unknown(true).await?;
    for id in &ids {
        match prices.get(id) {
            Some(price) => println!("{id}: {} {} per {}", price.unit_price, price.currency, price.unit),
            None => println!("{id}: no price"),
        }
    }
    Ok(())
}

async fn estimate(id: &str, calls: &str) -> Result<(), Box<dyn Error>> {
    let estimate = Client::from_env()?.platform().estimate(id, calls.parse()?).await?;
    let units = estimate.units_per_call().map_or_else(|| "unknown".to_owned(), |units| units.to_string());
    println!("{} for {} calls, from past calls (units per call: {units})", estimate.cost, estimate.calls);
    Ok(())
}

async fn requests(id: &str) -> Result<(), Box<dyn Error>> {
    let an_hour_ago = SystemTime::now() - Duration::from_secs(3600);
    let mut requests = Client::from_env()?.platform().requests([id]).start(an_hour_ago).stream();
    while let Some(request) = requests.try_next().await? {
        let started_at = request.started_at.as_ref().map_or("?", |time| time.as_str());
        let status = request.status_code.map_or_else(|| "running".to_owned(), |status| status.to_string());
        println!("{started_at} {} {status}", request.request_id);
    }
    Ok(())
}

async fn account() -> Result<(), Box<dyn Error>> {
    let platform = Client::from_env()?.platform();
    let lock = platform.lock_state().await?;
    match lock.lock_reason {
        Some(reason) => println!("locked: {reason}"),
        None => println!("locked: {}", lock.is_locked),
    }
    if let Some(credits) = platform.account().await?.credits {
        println!("credits: {} {}", credits.current_balance, credits.currency);
    }
    Ok(())
}

//! `cargo fal price`

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::Args;
use fal_client::Client;
use fal_client::money::{Cost, Decimal, Estimate, IntoAmount, Price, PriceTable};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use crate::catalog::Catalog;
use crate::context::Context;
use crate::error::{Error, Exit};
use crate::fetch::{self, Fetcher};
use crate::layout::plain;
use crate::online;
use crate::terminal::Terminal;

/// The number of estimates that are requested in parallel.
const PARALLEL: usize = 4;

/// Show the prices of endpoints
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Endpoint ids, such as fal-ai/flux/dev
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Estimate the cost of this many calls of each endpoint, from the average of past calls
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    calls: Option<u64>,
    /// Estimate the cost of this many units of each endpoint, such as images or seconds
    #[arg(long, value_name = "N", conflicts_with = "calls", allow_negative_numbers = true, value_parser = units)]
    units: Option<Decimal>,
}

const EXAMPLES: &str = "\
Examples:
  cargo fal price fal-ai/flux/dev
  cargo fal price fal-ai/flux/dev fal-ai/flux/schnell --calls 1000
  cargo fal price fal-ai/kling-video/v2/master/image-to-video --units 10
  cargo fal price fal-ai/flux/dev --json";

/// Prints what an estimate means.
const BASIS: &str = "A CALL is the average cost of past calls, as fal reports it. Your calls may cost more or less.";

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    online::block_on(async {
        arguments.ids.iter().try_for_each(|id| fetch::check_id(id.trim()))?;
        let client = online::client()?;
        let report = Report::fetch(&client, arguments).await?;
        match context.terminal.json {
            true => context.terminal.print_json(&report)?,
            false if report.prices.is_empty() => {}
            false => context.terminal.print(report.to_text(arguments, &context.terminal))?,
        }
        match report.unknown.is_empty() {
            true => Ok(ExitCode::SUCCESS),
            false => Err(unknown(&client, &report.unknown, context).await),
        }
    })
}

/// The prices of the requested endpoints.
#[derive(Debug, Serialize)]
struct Report {
    prices: Vec<Row>,
    /// The sum of the estimates. `None` without estimates, or if the currencies differ.
    total: Option<Cost>,
    /// The ids of which fal has no price.
    unknown: Vec<String>,
}

/// The price of an endpoint.
#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    price: Price,
    /// The average cost of past calls. `None` if fal knows no past calls.
    cost_per_call: Option<Cost>,
    /// The estimate of the requested calls or units.
    estimate: Option<Estimate>,
}

async fn row(client: &Client, prices: &PriceTable, id: &str, arguments: &Arguments) -> Result<Row, Error> {
    let price = prices.get(id).cloned();
    let price = price.ok_or_else(|| Error::new(Exit::NotFound, format!("no price of the endpoint `{}`", plain(id))))?;
    if let Some(units) = arguments.units {
        return Ok(Row { price, cost_per_call: None, estimate: Some(prices.estimate(id, units)?) });
    }
    let calls = arguments.calls.unwrap_or(1);
    let cost = match client.platform().cost_of_calls([(id, calls)]).await {
        Ok(cost) => cost,
        Err(error) if error.is_not_found() => return Ok(Row { price, cost_per_call: None, estimate: None }),
        Err(error) => return Err(error.into()),
    };
    let estimate = Estimate::historical(id, cost, calls, Some(&price))?;
    // fal estimates nothing for an endpoint without past calls.
    let is_known = !estimate.cost.amount.is_zero() || price.unit_price.is_zero();
    let estimate = Some(estimate).filter(|_| is_known);
    let cost_per_call = estimate.as_ref().map(Estimate::cost_per_call).transpose()?;
    Ok(Row { price, cost_per_call, estimate: estimate.filter(|_| arguments.calls.is_some()) })
}

impl Report {
    async fn fetch(client: &Client, arguments: &Arguments) -> Result<Self, Error> {
        let ids: BTreeSet<&str> = arguments.ids.iter().map(|id| id.trim()).collect();
        let prices = client.platform().prices(ids.iter().copied()).skip_unknown(true).await?;
        let (known, unknown): (Vec<&str>, Vec<&str>) = ids.into_iter().partition(|id| prices.get(id).is_some());
        let rows: Vec<Row> =
            stream::iter(known).map(|id| row(client, &prices, id, arguments)).buffered(PARALLEL).try_collect().await?;
        let estimates: Vec<Cost> = rows.iter().filter_map(|row| Some(row.estimate.as_ref()?.cost.clone())).collect();
        // A total of some endpoints only would mislead.
        let total = if estimates.len() == rows.len() { Cost::total(estimates).ok().flatten() } else { None };
        Ok(Report { prices: rows, total, unknown: unknown.into_iter().map(str::to_owned).collect() })
    }

    fn to_text(&self, arguments: &Arguments, terminal: &Terminal) -> String {
        let mut header = vec!["ENDPOINT", "PRICE", "UNIT"];
        let of_calls = arguments.calls.map(|calls| format!("{calls} {}", if calls == 1 { "CALL" } else { "CALLS" }));
        let of_units = arguments.units.map(|units| format!("{units} UNITS"));
        if of_units.is_none() {
            header.push("A CALL");
        }
        header.extend(of_calls.as_deref().or(of_units.as_deref()));
        let numbers: Vec<usize> = std::iter::once(1).chain(3..header.len()).collect();
        let columns = header.len();
        let mut rows: Vec<Vec<String>> = self
            .prices
            .iter()
            .map(|row| {
                let Price { endpoint, unit_price, unit, currency, .. } = &row.price;
                let price = Cost::new(*unit_price, currency).to_string();
                let unit = if unit.trim().is_empty() { "unit" } else { unit };
                let mut cells = vec![endpoint.clone(), price, unit.to_owned()];
                if arguments.units.is_none() {
                    cells.push(amount(row.cost_per_call.as_ref()));
                }
                if columns > cells.len() {
                    cells.push(amount(row.estimate.as_ref().map(|estimate| &estimate.cost)));
                }
                cells
            })
            .collect();
        if let Some(total) = self.total.as_ref().filter(|_| self.prices.len() > 1) {
            let mut cells = vec![String::new(); columns];
            cells[0] = "total".to_owned();
            cells[columns - 1] = total.to_string();
            rows.push(cells);
        }
        let table = terminal.aligned_table(&header, &numbers, rows);
        match arguments.units {
            Some(_) => table,
            None => format!("{table}\n\n{}", terminal.wrap(BASIS, 0)),
        }
    }
}

fn amount(cost: Option<&Cost>) -> String {
    cost.map_or_else(|| "unknown".to_owned(), Cost::to_string)
}

/// Creates the error of unknown endpoints, with the names that are most similar.
async fn unknown(client: &Client, ids: &[String], context: &Context) -> Error {
    let names: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
    let error = Error::new(Exit::NotFound, format!("fal has no price of {}", names.join(", ")));
    // Invalid documents are what `cargo fal check` is for.
    let catalog = Catalog::load(&context.settings).unwrap_or_default();
    let fetcher = Fetcher::new(client);
    let mut nearest: Vec<String> = Vec::new();
    for id in ids {
        // An endpoint that fal has may have no price.
        let names = fetcher.nearest(id, catalog.ids()).await;
        nearest.extend(names.into_iter().next().filter(|name| name != id).map(|name| format!("`{name}`")));
    }
    nearest.sort();
    nearest.dedup();
    match nearest.is_empty() {
        true => error.help("check the id, or find it with `cargo fal search WORDS`"),
        false => error.help(format!("did you mean {}?", nearest.join(", "))),
    }
}

fn units(text: &str) -> Result<Decimal, String> {
    let units = text.into_amount().map_err(|error| error.to_string())?;
    match units > Decimal::ZERO {
        true => Ok(units),
        false => Err("expected a number above 0".to_owned()),
    }
}

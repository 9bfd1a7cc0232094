//! `cargo fal usage`

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::{Args, ValueEnum};
use fal_client::Client;
use fal_client::money::{Cost, Decimal};
use fal_client::platform::{Timeframe, Timestamp, UsageRecord};
use futures_util::TryStreamExt;
use serde::Serialize;

use crate::context::Context;
use crate::error::{Error, Exit};
use crate::layout::plain;
use crate::online;
use crate::terminal::Terminal;

/// The width of a bar, in characters.
const BAR: usize = 12;

/// The fewest columns of a terminal in which tables have bars.
const MIN_WIDTH_OF_BARS: usize = 100;

/// The most units that a row names.
const MAX_UNITS: usize = 2;

/// Show what the account used and spent
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Beginning: an age such as 24h or 30d, a date, or a time. Dates are in UTC
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = time)]
    since: Timestamp,
    /// End, in the same forms, which is excluded. Default: now
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// One row for each
    #[arg(long, value_name = "GROUP", default_value = "endpoint")]
    by: By,
    /// Only this endpoint. Can be repeated. Default: all
    #[arg(long, value_name = "ID")]
    endpoint: Vec<String>,
    /// Maximum number of rows. The others are added up in one row. `--json` has all of them
    #[arg(long, value_name = "N", default_value = "30", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

const EXAMPLES: &str = "\
Examples:
  cargo fal usage
  cargo fal usage --since 2026-11-01 --until 2026-12-01 --by day
  cargo fal usage --since 24h --endpoint fal-ai/flux/dev --by key
  cargo fal usage --since 90d --json

The key needs the permission of an administrator.";

/// The groups of usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum By {
    /// Day, in UTC
    Day,
    /// Endpoint
    Endpoint,
    /// API key or login
    Key,
}

pub(crate) fn run(arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let end = arguments.until.as_ref().and_then(Timestamp::to_system_time);
    if end.is_some_and(|end| arguments.since.to_system_time().is_some_and(|start| start >= end)) {
        return Err(Error::new(Exit::Usage, "invalid time range: `--since` is not before `--until`"));
    }
    online::block_on(async {
        let records = fetch(&online::client()?, arguments).await?;
        let report = Report::of(records, arguments)?;
        match context.terminal.json {
            true => context.terminal.print_json(&report)?,
            false => context.terminal.print(report.to_text(arguments, &context.terminal))?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn fetch(client: &Client, arguments: &Arguments) -> Result<Vec<UsageRecord>, Error> {
    let mut usage = client.platform().usage().start(arguments.since.clone()).timeframe(Timeframe::Day);
    if let Some(end) = &arguments.until {
        usage = usage.end(end.clone());
    }
    if !arguments.endpoint.is_empty() {
        usage = usage.endpoints(&arguments.endpoint);
    }
    let usage = match arguments.by {
        By::Day => usage,
        By::Endpoint => usage.summary(true),
        By::Key => usage.summary(true).auth_method(true),
    };
    usage.stream().try_collect().await.map_err(|error: fal_client::Error| {
        let is_denied = error.is_permission_denied();
        let error = Error::from(error);
        match is_denied {
            true => error.help(
                "usage needs a key with the permission of an administrator (ADMIN): create one at \
                 https://fal.ai/dashboard/keys, and set FAL_KEY to it for this command",
            ),
            false => error,
        }
    })
}

/// The usage of a time range.
#[derive(Debug, Serialize)]
struct Report {
    since: Timestamp,
    until: Option<Timestamp>,
    by: By,
    rows: Vec<Row>,
    /// One sum for each currency.
    totals: Vec<Cost>,
    /// The rows of fal, each with its price.
    records: Vec<UsageRecord>,
}

/// The usage of a group in one currency.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    quantities: Vec<Quantity>,
    cost: Cost,
    /// The part of the total in percent.
    #[serde(serialize_with = "as_text")]
    percent: Decimal,
}

/// A number of units.
#[derive(Debug, Serialize)]
struct Quantity {
    #[serde(serialize_with = "as_text")]
    quantity: Decimal,
    unit: String,
}

fn as_text<S: serde::Serializer>(number: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

/// The sums of a group.
#[derive(Default)]
struct Sums {
    cost: Decimal,
    quantities: BTreeMap<String, Decimal>,
}

impl Report {
    fn of(records: Vec<UsageRecord>, arguments: &Arguments) -> Result<Self, Error> {
        let overflow = || Error::new(Exit::Failed, "the sum of the usage is out of range");
        let mut groups = BTreeMap::<(String, String), Sums>::new();
        let mut totals = BTreeMap::<String, Decimal>::new();
        for record in &records {
            let currency = record.currency.as_deref().unwrap_or("USD").to_ascii_uppercase();
            let cost = record.cost_total.unwrap_or_default();
            let total = totals.entry(currency.clone()).or_default();
            *total = total.checked_add(cost).ok_or_else(overflow)?;
            let sums = groups.entry((name(record, arguments.by), currency)).or_default();
            sums.cost = sums.cost.checked_add(cost).ok_or_else(overflow)?;
            let quantity = sums.quantities.entry(record.unit.clone().unwrap_or_default()).or_default();
            *quantity = quantity.checked_add(record.quantity.unwrap_or_default()).ok_or_else(overflow)?;
        }
        let mut rows: Vec<Row> = groups
            .into_iter()
            .map(|((name, currency), sums)| {
                let total = totals.get(&currency).copied().unwrap_or_default();
                let part = sums.cost.checked_div(total).and_then(|part| part.checked_mul(Decimal::ONE_HUNDRED));
                let quantities =
                    sums.quantities.into_iter().map(|(unit, quantity)| Quantity { quantity, unit }).collect();
                let percent = part.unwrap_or_default().round_dp(1);
                Row { name, quantities, cost: Cost::new(sums.cost, currency), percent }
            })
            .collect();
        if arguments.by != By::Day {
            rows.sort_by_key(|row| std::cmp::Reverse(row.cost.amount));
        }
        let totals = totals.into_iter().map(|(currency, total)| Cost::new(total, currency)).collect();
        let (since, until) = (arguments.since.clone(), arguments.until.clone());
        Ok(Report { since, until, by: arguments.by, rows, totals, records })
    }

    fn to_text(&self, arguments: &Arguments, terminal: &Terminal) -> String {
        let until = self.until.as_ref().map_or_else(|| "now".to_owned(), short);
        let range = format!("from {} until {until}", short(&self.since));
        if self.rows.is_empty() {
            return format!("no usage {range}");
        }
        let group = match self.by {
            By::Day => "DAY",
            By::Endpoint => "ENDPOINT",
            By::Key => "KEY",
        };
        let has_bars = terminal.width.is_some_and(|width| width >= MIN_WIDTH_OF_BARS);
        let limit = usize::try_from(arguments.limit).unwrap_or(usize::MAX);
        let (shown, others) = self.rows.split_at(self.rows.len().min(limit));
        let row = |name: String, units: String, cost: String, percent: Option<Decimal>| {
            let mut cells =
                vec![name, units, cost, percent.map(|percent| format!("{percent:.1}%")).unwrap_or_default()];
            if has_bars {
                cells.push(percent.map(|percent| bar(percent, terminal.is_unicode())).unwrap_or_default());
            }
            cells
        };
        let mut rows: Vec<Vec<String>> = shown
            .iter()
            .map(|part| row(part.name.clone(), part.units(), part.cost.to_string(), Some(part.percent)))
            .collect();
        if !others.is_empty() {
            let costs = costs(others);
            rows.push(row(format!("{} others", others.len()), String::new(), costs, None));
        }
        for total in &self.totals {
            rows.push(row("total".to_owned(), String::new(), total.to_string(), None));
        }
        let mut header = vec![group, "UNITS", "COST", "SHARE"];
        if has_bars {
            header.push("");
        }
        format!("usage {range}\n\n{}", terminal.aligned_table(&header, &[2, 3], rows))
    }
}

impl Row {
    fn units(&self) -> String {
        let mut units: Vec<String> =
            self.quantities.iter().map(|part| format!("{} {}", part.quantity.normalize(), part.unit)).collect();
        if units.len() > MAX_UNITS {
            units.truncate(MAX_UNITS);
            units.push("…".to_owned());
        }
        units.join(", ")
    }
}

/// Returns the sums of rows, one for each currency.
fn costs(rows: &[Row]) -> String {
    let mut sums = BTreeMap::<&str, Decimal>::new();
    for row in rows {
        let sum = sums.entry(&row.cost.currency).or_default();
        *sum = sum.saturating_add(row.cost.amount);
    }
    let sums: Vec<String> = sums.into_iter().map(|(currency, sum)| Cost::new(sum, currency).to_string()).collect();
    sums.join(", ")
}

fn name(record: &UsageRecord, by: By) -> String {
    match by {
        By::Day => record.bucket.as_ref().map(short).unwrap_or_default(),
        By::Endpoint => record.endpoint_id.clone(),
        By::Key => match &record.auth_method {
            Some(method) if !method.detail.is_empty() => method.detail.clone(),
            Some(method) => method.api_key_id.clone().or(method.login_username.clone()).unwrap_or_default(),
            None => "unknown".to_owned(),
        },
    }
}

/// Returns the date of a time.
fn short(time: &Timestamp) -> String {
    let text = plain(time.as_str());
    text.split(['T', ' ']).next().unwrap_or_default().to_owned()
}

fn bar(percent: Decimal, is_unicode: bool) -> String {
    let filled = percent.clamp(Decimal::ZERO, Decimal::ONE_HUNDRED) * Decimal::from(BAR) / Decimal::ONE_HUNDRED;
    let filled = usize::try_from(filled.round()).unwrap_or_default().min(BAR);
    if is_unicode { "█".repeat(filled) } else { "#".repeat(filled) }
}

/// Parses an age, a date or a time.
fn time(text: &str) -> Result<Timestamp, String> {
    if let Ok(age) = humantime::parse_duration(text) {
        let time = SystemTime::now().checked_sub(age);
        return time.map(Timestamp::from).ok_or_else(|| "the age is out of range".to_owned());
    }
    let time = Timestamp::from(text);
    match time.to_system_time() {
        Some(_) => Ok(time),
        None => Err("expected an age such as 24h or 30d, a date such as 2026-11-01, or a time (RFC 3339)".to_owned()),
    }
}

//! A batch that is checked and estimated, and not sent.

use std::collections::HashMap;
use std::process::ExitCode;

use fal_client::money::{Cost, Decimal, Estimate};
use fal_jobs::{Filter, State};
use futures_util::TryStreamExt;
use serde_json::json;

use super::course::file_stem;
use super::{Arguments, Batch, hash};
use crate::context::Context;
use crate::error::Error;
use crate::layout::plain;
use crate::online::{self, budget};
use crate::settings;

/// The numbers of a batch's rows by the state of their jobs.
struct Counts {
    done: u64,
    failed: u64,
    unfinished: u64,
    new: u64,
}

/// Checks a batch and estimates its cost.
pub(super) async fn report(batch: &Batch, arguments: &Arguments, context: &Context) -> Result<ExitCode, Error> {
    let counts = count(batch, context).await?;
    let estimate = match online::client() {
        Ok(client) => budget::estimate(&client, &batch.endpoint).await.map(|(_, estimate)| estimate),
        Err(error) => Err(error),
    };
    let total = estimate.as_ref().ok().and_then(|estimate| {
        let amount = estimate.cost.amount.checked_mul(Decimal::from(counts.new))?;
        Some(Cost::new(amount, estimate.cost.currency.clone()))
    });
    let first = batch.jobs.iter()?.find_map(Result::ok);
    let example = first.map(|job| format!("{}-*", file_stem(job.row, job.key.as_deref())));
    if context.terminal.json {
        context.terminal.print_json(&json!({
            "endpoint": batch.endpoint,
            "label": batch.label,
            "rows": batch.plan.total,
            "completed": counts.done,
            "failed": counts.failed,
            "unfinished": counts.unfinished,
            "new": counts.new,
            "estimate": estimate.as_ref().ok(),
            "estimated_cost": total.as_ref().map(|cost| cost.amount.normalize().to_string()),
            "max_cost": arguments.max_cost.as_ref().map(|cost| cost.amount.to_string()),
            "out": batch.out,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut facts = vec![("rows", format!("{} valid", batch.plan.total)), ("to send", counts.new.to_string())];
    for (name, count) in
        [("completed", counts.done), ("failed earlier", counts.failed), ("unfinished", counts.unfinished)]
    {
        if count > 0 {
            facts.push((name, count.to_string()));
        }
    }
    facts.push((
        "estimate",
        match (&total, &estimate) {
            (Some(total), Ok(estimate)) => format!("{total}: {}", basis(estimate)),
            (None, Ok(estimate)) => basis(estimate),
            (_, Err(error)) => format!("unknown: {}", error.message()),
        },
    ));
    facts.extend(arguments.max_cost.as_ref().map(|limit| ("limit", format!("{limit} by `--max-cost`"))));
    facts.extend(context.settings.budget.as_ref().map(|limit| ("budget", format!("${limit} by {}", settings::FILE))));
    facts.push(("label", batch.label.clone()));
    facts.push(("results", batch.out.display().to_string()));
    facts.extend(example.map(|example| ("files", example)));
    print(context, facts)?;
    if let (Some(limit), Some(total), Ok(estimate)) = (&arguments.max_cost, &total, &estimate)
        && total.amount > limit.amount
    {
        let rows = limit.amount.checked_div(estimate.cost.amount).unwrap_or_default().trunc();
        let message =
            format!("the limit of {limit} is enough for about {rows} rows; the batch stops when it is reached");
        context.terminal.note(context.terminal.wrap(&message, 0));
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints names and values in two columns.
pub(super) fn print(context: &Context, facts: Vec<(&str, String)>) -> Result<(), Error> {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines = facts.iter().map(|(name, value)| format!("{name:width$}  {}", plain(value)));
    context.terminal.print(lines.collect::<Vec<_>>().join("\n"))
}

/// Describes the estimate of a row.
fn basis(estimate: &Estimate) -> String {
    let units = estimate.units_per_call().filter(|units| *units != Decimal::ONE);
    let units = units.map(|units| format!(" for {} units", units.round_dp(3).normalize())).unwrap_or_default();
    format!("{} a row{units}, the average of past calls", estimate.cost)
}

/// Counts the rows by the state of their jobs in the journal.
async fn count(batch: &Batch, context: &Context) -> Result<Counts, Error> {
    let journal = online::journal(&context.settings).await?;
    let mut states = HashMap::new();
    let mut records = journal.list(Filter::new().endpoint(&batch.endpoint).label(&batch.label));
    while let Some(record) = records.try_next().await? {
        states.insert(hash(record.key.as_bytes()), record.state);
    }
    let mut counts = Counts { done: 0, failed: 0, unfinished: 0, new: 0 };
    for job in batch.jobs.iter()?.flatten() {
        *match states.get(&hash(job.journal_key.as_bytes())) {
            None | Some(State::Waiting) => &mut counts.new,
            Some(State::Completed) => &mut counts.done,
            Some(State::Failed) => &mut counts.failed,
            Some(_) => &mut counts.unfinished,
        } += 1;
    }
    Ok(counts)
}

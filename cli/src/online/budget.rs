//! The money of commands that run jobs: the setting `budget`, and the option `--max-cost`.

use std::time::Duration;

use fal_client::Client;
use fal_client::money::{Cost, Estimate, Price, PriceTable};
use fal_jobs::{Budget, BudgetUsage, Journal};

use super::journal::{self, journal_builder};
use crate::error::{Error, Exit};
use crate::settings::{self, Settings};

/// The budget of the setting `budget`, in the journal.
const OF_PROJECT: &str = "fal.toml";

/// Time limit for the price of a job that has no limit. The job does not depend on it.
const PRICE_TIMEOUT: Duration = Duration::from_secs(5);

/// The option `--max-cost`.
#[derive(Clone, Debug)]
pub(crate) enum MaxCost {
    /// The limit of one call.
    Call(Cost),
    /// The limit of all calls under a name, in all processes that use the journal.
    Shared { name: String, cost: Cost },
}

/// The journal for jobs of an endpoint, with what they cost and may cost.
#[derive(Debug)]
pub(crate) struct Spending {
    pub(crate) journal: Journal,
    /// The budget that jobs are charged to, if there is a limit.
    pub(crate) budget: Option<Budget>,
    /// The price of a unit, if fal has one.
    pub(crate) price: Option<Price>,
    /// The expected cost of a call, if there is a limit.
    pub(crate) estimate: Option<Estimate>,
    /// The budgets of the option and of the setting, as far as they are set.
    budgets: Vec<Budget>,
}

/// Opens the journal for jobs of an endpoint.
///
/// The price is fetched, so that the jobs have a cost. With a limit, the expected cost of a call is fetched as well.
///
/// # Errors
///
/// With a limit: fal cannot be reached, or does not know the cost of a call, or the limit of one call is too low. Or the
/// database cannot be opened.
pub(crate) async fn open(
    settings: &Settings,
    client: &Client,
    endpoint: &str,
    max_cost: Option<&MaxCost>,
) -> Result<Spending, Error> {
    let project = settings.budget.clone();
    let (prices, estimate) = if project.is_some() || max_cost.is_some() {
        let (prices, estimate) = estimate(client, endpoint).await.map_err(|error| match error.exit {
            Exit::Budget => error.help(without(max_cost)),
            _ => error,
        })?;
        (prices, Some(estimate))
    } else {
        let prices = client.platform().prices([endpoint]).skip_unknown(true);
        let prices = tokio::time::timeout(PRICE_TIMEOUT, prices.into_future()).await;
        (prices.ok().and_then(Result::ok).unwrap_or_default(), None)
    };
    let price = prices.get(endpoint).cloned();
    if let (Some(MaxCost::Call(limit)), Some(estimate)) = (max_cost, &estimate)
        && estimate.cost.amount > limit.amount
    {
        return Err(over(estimate, limit, None, Source::Option));
    }
    let journal = journal::open(journal_builder().prices(prices), settings).await?;
    let mut budgets = Vec::new();
    if let Some(MaxCost::Shared { name, cost }) = max_cost {
        budgets.push(journal.budget(name, cost.clone()).await?);
    }
    if let Some(limit) = project {
        budgets.push(journal.budget(OF_PROJECT, limit).await?);
    }
    let budget = match (budgets.first(), &estimate) {
        (Some(budget), Some(estimate)) => Some(budget.clone().estimate(estimate)?),
        _ => None,
    };
    let budget = budget.map(|budget| budgets.last().into_iter().fold(budget, Budget::within));
    Ok(Spending { journal, budget, price, estimate, budgets })
}

impl Spending {
    /// Converts the error of a job. That of a budget has the limit, the spent amount and the estimate.
    pub(crate) async fn error(&self, error: fal_jobs::Error) -> Error {
        self.explain(&error).await
    }

    /// The same for a reference.
    pub(crate) async fn explain(&self, error: &fal_jobs::Error) -> Error {
        if error.kind() != fal_jobs::ErrorKind::Budget {
            return Error::of_job(error);
        }
        let Some(estimate) = &self.estimate else { return Error::of_job(error) };
        for budget in &self.budgets {
            let source = if budget.name() == OF_PROJECT { Source::Settings } else { Source::Option };
            match budget.usage().await {
                Ok(usage) if !has_room(&usage, &estimate.cost) => {
                    return over(estimate, &usage.limit, Some((&usage.spent, &usage.reserved)), source);
                }
                _ => {}
            }
        }
        Error::of_job(error)
    }
}

/// Returns true if a budget can reserve an amount.
fn has_room(usage: &BudgetUsage, amount: &Cost) -> bool {
    let used = usage.spent.amount.saturating_add(usage.reserved.amount);
    used.saturating_add(amount.amount) <= usage.limit.amount
}

/// Estimates the cost of one call of an endpoint from that of past calls, and fetches the price of a unit.
///
/// A price times one unit would be wrong: many endpoints bill other numbers of units.
///
/// # Errors
///
/// fal cannot be reached, or does not know what a call costs.
pub(crate) async fn estimate(client: &Client, endpoint: &str) -> Result<(PriceTable, Estimate), Error> {
    let platform = client.platform();
    let prices = platform.prices([endpoint]).skip_unknown(true).await?;
    let unknown =
        |reason: String| Error::new(Exit::Budget, format!("the cost of a call of `{endpoint}` is unknown: {reason}"));
    let cost = platform.cost_of_calls([(endpoint, 1)]).await.map_err(|error| match error.is_not_found() {
        true => unknown("fal has no price of the endpoint".to_owned()),
        false => error.into(),
    })?;
    let price = prices.get(endpoint);
    if !cost.currency.eq_ignore_ascii_case("USD") {
        return Err(unknown(format!("fal estimates {cost}, and limits are in US dollars")));
    }
    if cost.amount.is_zero() && !price.is_some_and(|price| price.unit_price.is_zero()) {
        return Err(unknown("fal has no past calls to estimate it from".to_owned()));
    }
    let estimate = Estimate::historical(endpoint, cost, 1, price)?;
    Ok((prices, estimate))
}

/// The place of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Option,
    Settings,
}

/// Returns the error of a call that a limit does not allow.
fn over(estimate: &Estimate, limit: &Cost, used: Option<(&Cost, &Cost)>, source: Source) -> Error {
    let endpoint = &estimate.endpoint;
    let mut message = format!("over budget: a call of `{endpoint}` costs {} on average", estimate.cost);
    match used {
        Some((spent, reserved)) if reserved.amount.is_zero() => {
            message += &format!(", and {spent} of the limit {limit} are spent");
        }
        Some((spent, reserved)) => {
            message += &format!(", and of the limit {limit}, {spent} are spent and {reserved} reserved");
        }
        None => message += &format!(", and the limit is {limit}"),
    }
    let help = match source {
        Source::Option => "raise `--max-cost`".to_owned(),
        Source::Settings => format!("raise `budget` in {}", settings::FILE),
    };
    Error::new(Exit::Budget, message).help(help)
}

/// Returns how to run a job whose cost is unknown.
fn without(max_cost: Option<&MaxCost>) -> String {
    match max_cost {
        Some(_) => format!("to run it without a limit, leave out `--max-cost`, and `budget` in {}", settings::FILE),
        None => format!("to run it without a limit, remove `budget` from {}", settings::FILE),
    }
}

use std::collections::BTreeMap;
use std::fmt;

use fal_client::money::{Cost, Estimate};

use super::Journal;
use crate::amount::{from_cost, to_cost};
use crate::error::{Error, ErrorKind};
use crate::record::{Billing, check_name};

/// A limit for the cost of jobs, in the database of a journal. Created by [`Journal::budget`].
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use fal_client::endpoints::fal_ai::flux::dev::redux;
/// use fal_client::money::{Cost, PriceTable};
/// use fal_jobs::Journal;
///
/// let prices = PriceTable::from_file("prices.json")?;
/// let journal = Journal::builder().prices(prices.clone()).open("sqlite://jobs.db").await?;
/// let estimate = prices.estimate(redux::ENDPOINT.id(), 4)?; // at most 4 megapixels
/// let budget = journal.budget("cards", Cost::usd(5)?).await?.estimate(&estimate)?;
/// let input = redux::Input::builder().image_url("https://example.com/fox.png");
/// let completed = journal.run(&client.endpoint(redux::ENDPOINT), input).budget(&budget).await?;
/// # let _ = completed;
/// # Ok(())
/// # }
/// ```
///
/// All processes that use the database share the budget, and it survives crashes. The estimate of a job is reserved in the
/// transaction that commits the intent to send it. The billed units at the [prices](crate::JournalBuilder::prices) of the journal
/// replace it in the transaction that records the result. A failed job costs the units that fal says, or nothing if fal surely has
/// not [billed](crate::Failure::may_be_billed) it. An uncertain job keeps its reservation until it is decided. Amounts are rounded up to a billionth of a dollar.
///
/// If the units or the price are unknown, as in a webhook, a job costs its estimate.
#[derive(Clone)]
pub struct Budget {
    journal: Journal,
    name: String,
    /// The name of the budget that it is within.
    outer: Option<String>,
    /// The expected cost of a job by endpoint, in billionths of a dollar.
    estimates: BTreeMap<String, i64>,
}

/// The state of a [`Budget`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BudgetUsage {
    /// The cost of jobs.
    pub spent: Cost,
    /// The estimated cost of jobs that were sent, and whose result is not recorded yet.
    pub reserved: Cost,
    /// The limit. `spent` exceeds it only if jobs cost more than estimated.
    pub limit: Cost,
}

impl Journal {
    /// Creates a budget, or changes the limit of an existing one.
    ///
    /// # Errors
    ///
    /// The limit is not in US dollars, negative, or more than a billion dollars, or the name is empty or longer than 1024 bytes
    /// ([`ErrorKind::Configuration`](crate::ErrorKind::Configuration)). Or the database fails.
    pub async fn budget(&self, name: impl Into<String>, limit: Cost) -> Result<Budget, Error> {
        let name = name.into();
        check_name("budget name", &name)?;
        self.store().set_budget(&name, from_cost(&limit)?).await?;
        Ok(Budget { journal: self.clone(), name, outer: None, estimates: BTreeMap::new() })
    }

    /// Returns the terms of a job of an endpoint.
    pub(crate) fn billing(&self, endpoint: &str, budget: Option<&Budget>) -> Result<Billing, Error> {
        let price = self.prices().get(endpoint).filter(|price| price.currency.eq_ignore_ascii_case("USD"));
        let unit_price = price.map(|price| price.unit_price.normalize().to_string());
        let Some(budget) = budget else {
            return Ok(Billing { budget: None, outer: None, estimate: 0, unit_price });
        };
        let estimate = budget.estimates.get(endpoint).copied().ok_or_else(|| {
            let (name, endpoint) = (budget.name.escape_debug(), endpoint.escape_debug());
            let message =
                format!("the budget `{name}` has no estimate for `{endpoint}`: add one with `Budget::estimate`");
            Error::new(ErrorKind::Budget, message)
        })?;
        Ok(Billing { budget: Some(budget.name.clone()), outer: budget.outer.clone(), estimate, unit_price })
    }
}

impl Budget {
    /// Sets the expected cost of one job of an endpoint. It is reserved while the job runs.
    ///
    /// The budget can be exceeded by jobs that cost more, so use an upper limit if you know one.
    ///
    /// # Errors
    ///
    /// The estimate is not in US dollars, negative, or more than a billion dollars
    /// ([`ErrorKind::Configuration`](crate::ErrorKind::Configuration)). Or it is $0, as without past calls, and the endpoint does not
    /// have a price of $0 in the [prices](crate::JournalBuilder::prices) of the journal.
    pub fn estimate(mut self, estimate: &Estimate) -> Result<Self, Error> {
        let cost = estimate.cost_per_call().map_err(|error| {
            Error::new(ErrorKind::Configuration, "the estimate of the budget is invalid").caused_by(error)
        })?;
        let amount = from_cost(&cost)?;
        // A reservation of nothing would fit any budget.
        if amount == 0 && !self.is_free(&estimate.endpoint) {
            let endpoint = estimate.endpoint.escape_debug();
            let message = format!(
                "the estimate of the endpoint `{endpoint}` is $0, as without past calls: give the units of a job with \
                 `PriceTable::estimate`, or the price of a free endpoint with `JournalBuilder::prices`"
            );
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        self.estimates.insert(estimate.endpoint.clone(), amount);
        Ok(self)
    }

    /// Charges jobs to another budget as well. A job is sent only if both can reserve its estimate.
    ///
    /// ```no_run
    /// # async fn example(journal: fal_jobs::Journal) -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_client::money::Cost;
    ///
    /// let month = journal.budget("november", Cost::usd(100)?).await?;
    /// let cards = journal.budget("cards", Cost::usd(5)?).await?.within(&month);
    /// # let _ = cards;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The estimates are those of this budget. A budget that is within itself has no effect. Of several calls, the last one applies.
    pub fn within(mut self, outer: &Budget) -> Self {
        self.outer = Some(outer.name.clone()).filter(|name| *name != self.name);
        self
    }

    fn is_free(&self, endpoint: &str) -> bool {
        self.journal.prices().get(endpoint).is_some_and(|price| price.unit_price.is_zero())
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the amounts at present, of all processes.
    pub async fn usage(&self) -> Result<BudgetUsage, Error> {
        let row = self.journal.store().budget(&self.name).await?.ok_or_else(|| self.missing())?;
        Ok(BudgetUsage { spent: to_cost(row.spent), reserved: to_cost(row.reserved), limit: to_cost(row.ceiling) })
    }

    /// Compares the amounts with the jobs in the journal. Jobs that were removed still count as spent.
    ///
    /// # Errors
    ///
    /// The amounts differ ([`ErrorKind::State`](crate::ErrorKind::State)), which means that another program has changed the database.
    pub async fn check(&self) -> Result<(), Error> {
        let (row, sums) = self.journal.store().budget_sums(&self.name).await?.ok_or_else(|| self.missing())?;
        if row.reserved == sums.reserved && row.spent >= sums.spent {
            return Ok(());
        }
        let name = self.name.escape_debug();
        let [spent, reserved, cost, held] = [row.spent, row.reserved, sums.spent, sums.reserved].map(to_cost);
        let message = format!(
            "the budget `{name}` has spent {spent} and reserved {reserved}, but its jobs have spent {cost} and reserved {held}"
        );
        Err(Error::new(ErrorKind::State, message))
    }

    fn missing(&self) -> Error {
        Error::new(ErrorKind::NotFound, format!("the journal does not have the budget `{}`", self.name.escape_debug()))
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").field("name", &self.name).finish_non_exhaustive()
    }
}

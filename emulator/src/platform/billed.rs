use rust_decimal::Decimal;

use crate::platform::bill::Bill;

/// The total of what jobs were billed. The numbers are exact.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use fal_emulator::{Decimal, Emulator, Price};
///
/// let emulator = Emulator::builder().price("fal-ai/flux/dev/redux", Price::usd(Decimal::new(25, 3), "images")).start().await?;
/// // … run the endpoint twice …
/// assert_eq!(emulator.billed().cost(), Decimal::new(50, 3));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Billed {
    jobs: u64,
    units: Decimal,
    cost: Decimal,
}

impl Billed {
    /// Returns the number of completed jobs with billable units.
    pub fn jobs(&self) -> u64 {
        self.jobs
    }

    /// Returns the sum of the billable units.
    pub fn units(&self) -> Decimal {
        self.units
    }

    /// Returns the sum of the costs. Units of endpoints without a price cost nothing.
    pub fn cost(&self) -> Decimal {
        self.cost
    }

    pub(crate) fn add(&mut self, bill: &Bill) {
        self.jobs += u64::from(!bill.units.is_zero());
        self.units = self.units.saturating_add(bill.units);
        self.cost = self.cost.saturating_add(bill.cost());
    }

    /// Returns the record of the totals: jobs, units and cost.
    pub(crate) fn save(&self) -> (u64, String, String) {
        (self.jobs, self.units.to_string(), self.cost.to_string())
    }

    /// Returns the totals of a record.
    #[cfg(feature = "state")]
    pub(crate) fn restore((jobs, units, cost): (u64, String, String)) -> Option<Self> {
        Some(Billed { jobs, units: units.parse().ok()?, cost: cost.parse().ok()? })
    }

    pub(crate) fn merge(&mut self, other: &Billed) {
        self.jobs += other.jobs;
        self.units = self.units.saturating_add(other.units);
        self.cost = self.cost.saturating_add(other.cost);
    }
}

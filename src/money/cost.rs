use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;

use super::USD;
use super::amount::{IntoAmount, as_text, not_negative};
use crate::error::{Error, ErrorKind};
use crate::text::shown;

/// The least and the most digits after the point that are displayed.
const DIGITS: (u32, u32) = (4, 12);

/// An amount of money.
///
/// ```
/// use fal_client::money::Cost;
///
/// # fn main() -> Result<(), fal_client::Error> {
/// let cost = Cost::usd("0.035")?;
/// assert_eq!(cost.to_string(), "$0.0350");
/// assert_eq!(Cost::total([cost.clone(), cost])?, Some(Cost::usd("0.07")?));
/// # Ok(())
/// # }
/// ```
///
/// It is displayed with 4 to 12 digits after the point. [`amount`](Self::amount) is exact.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct Cost {
    /// The amount, in units of the currency such as dollars.
    #[serde(serialize_with = "as_text")]
    pub amount: Decimal,
    /// The code of the currency, such as `USD`.
    pub currency: String,
}

impl Cost {
    /// Creates a cost.
    pub fn new(amount: Decimal, currency: impl Into<String>) -> Self {
        Cost { amount, currency: currency.into() }
    }

    /// Creates a cost in US dollars.
    ///
    /// # Errors
    ///
    /// The amount is negative, not a number, or out of range ([`ErrorKind::Amount`]).
    pub fn usd(amount: impl IntoAmount) -> Result<Self, Error> {
        Ok(Cost::new(not_negative(amount)?, USD))
    }

    /// Adds a cost in the same currency.
    ///
    /// # Errors
    ///
    /// The currencies differ, or the sum is out of range ([`ErrorKind::Amount`]).
    pub fn checked_add(&self, other: &Cost) -> Result<Cost, Error> {
        if !self.is_in(&other.currency) {
            let message = format!("cannot add {self} and {other}: the currencies differ");
            return Err(Error::new(ErrorKind::Amount, message));
        }
        match self.amount.checked_add(other.amount) {
            Some(amount) => Ok(Cost::new(amount, self.currency.clone())),
            None => {
                Err(Error::new(ErrorKind::Amount, format!("cannot add {self} and {other}: the sum is out of range")))
            }
        }
    }

    /// Returns the sum of costs in the same currency. `None` without a cost.
    ///
    /// # Errors
    ///
    /// Those of [`checked_add`](Self::checked_add).
    pub fn total(costs: impl IntoIterator<Item = Cost>) -> Result<Option<Cost>, Error> {
        costs.into_iter().try_fold(None, |total: Option<Cost>, cost| match total {
            Some(total) => total.checked_add(&cost).map(Some),
            None => Ok(Some(cost)),
        })
    }

    pub(super) fn is_in(&self, currency: &str) -> bool {
        self.currency.eq_ignore_ascii_case(currency)
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, most) = DIGITS;
        let mut amount = self.amount.round_dp_with_strategy(most, RoundingStrategy::MidpointAwayFromZero).normalize();
        if amount.scale() < least {
            amount.rescale(least);
        }
        let sign = if amount.is_sign_negative() && !amount.is_zero() { "-" } else { "" };
        let amount = amount.abs();
        match self.is_in(USD) {
            true => f.pad(&format!("{sign}${amount}")),
            false => f.pad(&format!("{sign}{amount} {}", shown(&self.currency))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_displayed_with_four_to_twelve_digits() {
        for (amount, currency, text) in [
            ("0.035", "USD", "$0.0350"),
            ("0", "USD", "$0.0000"),
            ("-0", "usd", "$0.0000"),
            ("5", "USD", "$5.0000"),
            ("-1.5", "USD", "-$1.5000"),
            ("0.00017", "USD", "$0.00017"),
            ("0.0000123000", "USD", "$0.0000123"),
            ("0.3333333333333333333333333333", "USD", "$0.333333333333"),
            ("79228162514264337593543950335", "USD", "$79228162514264337593543950335"),
            ("1.25", "EUR", "1.2500 EUR"),
            ("1.25", "\u{1b}[2J", "1.2500 \\u{1b}[2J"),
        ] {
            let amount: Decimal = amount.parse().expect("a decimal");
            assert_eq!(Cost::new(amount, currency).to_string(), text);
        }
    }

    #[test]
    fn only_costs_of_one_currency_are_added() {
        let (dollar, euro) = (Cost::new(Decimal::ONE, "USD"), Cost::new(Decimal::ONE, "EUR"));
        let error = dollar.checked_add(&euro).expect_err("two currencies");
        assert_eq!(error.to_string(), "cannot add $1.0000 and 1.0000 EUR: the currencies differ");
        let most = Cost::new(Decimal::MAX, "USD");
        assert!(most.checked_add(&dollar).is_err_and(|error| error.kind() == ErrorKind::Amount));
        assert!(Cost::total([]).is_ok_and(|total| total.is_none()));
        assert!(Cost::total([dollar.clone(), euro]).is_err());
        let two = Cost::total([dollar.clone(), dollar]).expect("a sum");
        assert_eq!(two, Some(Cost::new(Decimal::TWO, "USD")));
    }
}

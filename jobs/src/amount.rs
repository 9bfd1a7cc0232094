//! Amounts of money in the database: billionths of a dollar.

use fal_client::money::{Cost, Decimal};

use crate::error::{Error, ErrorKind};

/// The most that a job can cost, and the highest limit of a budget: a billion dollars. Sums of two amounts fit an `i64`.
pub(crate) const MAX: i64 = 1_000_000_000_000_000_000;

/// Digits after the point of an amount in dollars.
const SCALE: u32 = 9;

/// Converts dollars to billionths, and rounds up. More than [`MAX`] is `MAX`, and less than zero is zero.
pub(crate) fn from_dollars(dollars: Decimal) -> i64 {
    if dollars.is_sign_negative() {
        return 0;
    }
    let max = Decimal::from_i128_with_scale(i128::from(MAX), SCALE);
    if dollars >= max {
        return MAX;
    }
    let mut rounded = dollars.normalize();
    if rounded.scale() > SCALE {
        let fraction = 10_i128.pow(rounded.scale() - SCALE);
        let up = (rounded.mantissa() + fraction - 1) / fraction;
        return i64::try_from(up).unwrap_or(MAX);
    }
    rounded.rescale(SCALE);
    i64::try_from(rounded.mantissa()).unwrap_or(MAX)
}

/// Converts billionths of a dollar to dollars.
pub(crate) fn to_cost(amount: i64) -> Cost {
    Cost::new(Decimal::from_i128_with_scale(i128::from(amount), SCALE).normalize(), "USD")
}

/// Converts a cost in dollars to billionths.
///
/// # Errors
///
/// The currency is another one, or the cost is negative or more than a billion dollars.
pub(crate) fn from_cost(cost: &Cost) -> Result<i64, Error> {
    let invalid = |reason: &str| Err(Error::new(ErrorKind::Configuration, format!("invalid amount {cost}: {reason}")));
    if !cost.currency.eq_ignore_ascii_case("USD") {
        return invalid("a budget is in US dollars");
    }
    match cost.amount {
        amount if amount < Decimal::ZERO => invalid("it is negative"),
        amount if amount > Decimal::from_i128_with_scale(i128::from(MAX), SCALE) => {
            invalid("it is more than a billion dollars")
        }
        amount => Ok(from_dollars(amount)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_rounded_up_to_a_billionth() {
        for (dollars, amount) in [
            ("0", 0),
            ("0.000000001", 1),
            ("0.0000000001", 1),
            ("1.0000000010000", 1_000_000_001),
            ("1.00000000100000000001", 1_000_000_002),
            ("0.0375", 37_500_000),
            ("1000000000", MAX),
            ("999999999.9999999999", MAX),
            ("79228162514264337593543950335", MAX),
            ("-1", 0),
        ] {
            assert_eq!(from_dollars(dollars.parse().expect("a decimal")), amount, "{dollars}");
        }
        assert_eq!(to_cost(37_500_000), Cost::usd("0.0375").expect("a cost"));
        assert!(from_cost(&Cost::new(Decimal::ONE, "EUR")).is_err());
        assert!(from_cost(&Cost::usd(1_000_000_001).expect("a cost")).is_err());
        assert_eq!(from_cost(&Cost::usd(5).expect("a cost")).ok(), Some(5_000_000_000));
    }
}

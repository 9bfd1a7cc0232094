use rust_decimal::Decimal;
use serde_json::{Number, Value};

/// Converts a decimal to the nearest JSON number, which has at most 17 digits.
pub(crate) fn json(decimal: Decimal) -> Value {
    serde_json::from_str(&decimal.normalize().to_string()).unwrap_or_default()
}

/// Converts a JSON number, unless it is beyond the range of decimals.
pub(crate) fn decimal(number: &Number) -> Option<Decimal> {
    let text = number.to_string();
    text.parse().ok().or_else(|| Decimal::from_scientific(&text).ok())
}

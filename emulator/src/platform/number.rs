use rust_decimal::Decimal;
use serde_json::Value;

/// Converts a decimal to the JSON number with the same digits.
pub(crate) fn json(decimal: Decimal) -> Value {
    serde_json::from_str(&decimal.normalize().to_string()).unwrap_or_default()
}

//! Amounts that users set as limits.

use fal_client::money::Cost;

/// Parses an amount in US dollars, of an option or a setting.
///
/// # Errors
///
/// The amount is negative, not a decimal number, or more than a billion dollars.
pub(crate) fn parse(text: &str) -> Result<Cost, String> {
    let cost = Cost::usd(text).map_err(|error| error.to_string())?;
    match Cost::usd(1_000_000_000).is_ok_and(|most| cost.amount > most.amount) {
        true => Err(format!("invalid amount `{text}`: expected at most a billion dollars")),
        false => Ok(cost),
    }
}

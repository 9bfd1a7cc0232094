//! The price and the catalogue entry, as fal has them now.

use std::time::Duration;

use serde_json::Value;

use crate::online::{block_on, client};
use crate::terminal::Terminal;

/// The longest wait. The fields are of use without a price.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Fetches the price and the catalogue entry. Notes why one of them cannot be fetched.
pub(super) fn fetch(id: &str, terminal: &Terminal) -> (Option<Value>, Option<Value>) {
    // Without a key, fal has no prices, and a user who reads a document may not have one yet.
    let Ok(client) = client() else { return (None, None) };
    let fetched = block_on(async {
        let platform = client.platform();
        let prices = tokio::time::timeout(TIMEOUT, platform.prices([id]).skip_unknown(true).into_future());
        let model = tokio::time::timeout(TIMEOUT, platform.model(id));
        Ok(tokio::join!(prices, model))
    });
    let Ok((prices, model)) = fetched else { return (None, None) };
    let late = || format!("no response from fal within {} s", TIMEOUT.as_secs());
    let price = match prices {
        Ok(Ok(prices)) => prices.get(id).and_then(|price| serde_json::to_value(price).ok()),
        Ok(Err(error)) => skipped("price", error, terminal),
        Err(_) => skipped("price", late(), terminal),
    };
    let catalogue = match model {
        Ok(Ok(model)) => model.metadata.and_then(|metadata| serde_json::to_value(metadata).ok()),
        Ok(Err(error)) if error.is_not_found() => None,
        Ok(Err(error)) => skipped("catalogue entry", error, terminal),
        Err(_) => skipped("catalogue entry", late(), terminal),
    };
    (price, catalogue)
}

fn skipped(thing: &str, why: impl std::fmt::Display, terminal: &Terminal) -> Option<Value> {
    terminal.note(format_args!("note: the {thing} is not shown: {why}"));
    None
}

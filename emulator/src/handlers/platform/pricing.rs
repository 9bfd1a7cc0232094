//! Prices: `/models/pricing`, from the section "Pricing" of fal's platform API reference.

use std::sync::Arc;

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::handlers::platform::endpoint_ids;
use crate::platform::error::not_found;
use crate::platform::number;
use crate::platform::price::Price;
use crate::request::received::Received;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Reply};
use crate::state::State;

/// Responds with the prices of endpoints.
pub(super) fn prices(state: &State, received: &Received) -> Result<Reply, Refusal> {
    let ids = endpoint_ids(received)?;
    let price = |id: &str| {
        let price = of(state, id)?;
        Ok(json!({
            "endpoint_id": id,
            "unit_price": number::json(price.unit_price),
            "unit": price.unit,
            "currency": price.currency,
        }))
    };
    let prices = ids.into_iter().map(price).collect::<Result<Vec<Value>, Refusal>>()?;
    Ok(reply::json(StatusCode::OK, &json!({ "prices": prices, "next_cursor": null, "has_more": false })))
}

/// Returns the price of an endpoint.
pub(super) fn of(state: &State, id: &str) -> Result<Arc<Price>, Refusal> {
    let price = state.prices.get(id).filter(|_| state.catalog.endpoint(id).is_some());
    price.ok_or_else(|| not_found(&format!("No price of the endpoint \"{id}\" was found")))
}

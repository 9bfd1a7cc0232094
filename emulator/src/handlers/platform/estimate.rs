//! Estimates of costs: `/models/pricing/estimate`, from the section "Estimate cost" of fal's platform API reference.

use hyper::StatusCode;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::handlers::platform::pricing;
use crate::platform::error::invalid;
use crate::platform::number;
use crate::request::received::Received;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Reply};
use crate::state::State;

/// The basis of an estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Basis {
    /// Calls, at the historical price of a call.
    Calls,
    /// Billable units, at the price of a unit.
    Units,
}

impl Basis {
    /// Returns the name of the estimate's type, and of the quantity of an endpoint.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Basis::Calls => ("historical_api_price", "call_quantity"),
            Basis::Units => ("unit_price", "unit_quantity"),
        }
    }

    /// Reads the quantity of an endpoint: a whole number of calls, or at least a millionth of a unit.
    fn quantity(self, endpoint: &Value) -> Option<Decimal> {
        let quantity = endpoint.get(self.names().1)?.as_number().and_then(number::decimal)?;
        let is_valid = match self {
            Basis::Calls => quantity.is_integer() && quantity >= Decimal::ONE,
            Basis::Units => quantity >= Decimal::new(1, 6),
        };
        is_valid.then_some(quantity)
    }
}

/// Responds with the estimated cost of calls, or of units.
pub(super) fn estimate(state: &State, received: &Received) -> Result<Reply, Refusal> {
    let body = received.input().unwrap_or(&Value::Null);
    let basis = [Basis::Calls, Basis::Units].into_iter().find(|basis| body["estimate_type"] == basis.names().0);
    let basis = basis.ok_or_else(|| invalid("`estimate_type` has to be historical_api_price or unit_price"))?;
    let endpoints = body.get("endpoints").and_then(Value::as_object).filter(|endpoints| !endpoints.is_empty());
    let endpoints: &Map<String, Value> =
        endpoints.ok_or_else(|| invalid("`endpoints` has to be an object with a member for each endpoint id"))?;
    let (estimate_type, quantity_name) = basis.names();
    let mut total = Decimal::ZERO;
    let mut currency: Option<String> = None;
    for (id, endpoint) in endpoints {
        let quantity = basis.quantity(endpoint);
        let quantity = quantity
            .ok_or_else(|| invalid(&format!("`endpoints.{id}.{quantity_name}` has to be a positive number")))?;
        let price = pricing::of(state, id)?;
        let each = match basis {
            Basis::Units => price.unit_price,
            Basis::Calls => price.per_call.or_else(|| average(state, id)).unwrap_or(price.unit_price),
        };
        total = total.saturating_add(quantity.saturating_mul(each));
        if *currency.get_or_insert_with(|| price.currency.clone()) != price.currency {
            return Err(invalid("the prices of the endpoints have to be in one currency"));
        }
    }
    let estimate = json!({ "estimate_type": estimate_type, "total_cost": number::json(total), "currency": currency });
    Ok(reply::json(StatusCode::OK, &estimate))
}

/// Returns the average cost of an endpoint's billed jobs.
fn average(state: &State, id: &str) -> Option<Decimal> {
    let billed = state.jobs.billed_of(id);
    billed.cost().checked_div(billed.jobs().into())
}

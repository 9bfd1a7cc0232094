//! Bills of requests: `/models/billing-events`, from the section "Billing events" of fal's platform API reference.

use hyper::StatusCode;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::handlers::platform::ids;
use crate::handlers::platform::usage::{self, Billing};
use crate::platform::error::invalid;
use crate::platform::number;
use crate::platform::page::{Page, Sizes};
use crate::platform::period::{DAY, Period};
use crate::request::received::Received;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Reply};
use crate::state::State;
use crate::time::iso8601::iso8601;

/// The most billing events of a page.
const MAX_EVENTS: usize = 10_000;

/// Responds with what each request was billed, newest first. It knows the jobs that are kept.
pub(super) fn events(state: &State, received: &Received) -> Result<Reply, Refusal> {
    let now = state.clock.date();
    let period = Period::of(received, now, DAY)?;
    if period.end.unwrap_or(now).duration_since(period.start).is_ok_and(|range| range > 90 * DAY) {
        return Err(invalid("the range from `start` to `end` has to be at most 90 days"));
    }
    let page = Page::of(received, Sizes { default: MAX_EVENTS, max: MAX_EVENTS, strict: false })?;
    let requests = ids(received, "request_id")?;
    let tags: Vec<&str> = received.query_all("tag").collect();
    let mut billings = usage::billings(state, received, period)?;
    billings.retain(|billing| {
        let has_tag = |tag: &&str| own_tags(billing).any(|own| own == *tag);
        (requests.is_empty() || requests.contains(&billing.job.id.as_str())) && tags.iter().all(has_tag)
    });
    billings.reverse();
    let (billings, mut members) = page.of_items(billings);
    members.insert("billing_events".to_owned(), billings.iter().map(|billing| event(received, billing)).collect());
    Ok(reply::json(StatusCode::OK, &members.into()))
}

/// Returns the tags of a request, `key=value`.
fn own_tags(billing: &Billing) -> impl Iterator<Item = &str> {
    billing.job.received.header("x-fal-tags").unwrap_or_default().split(',').map(str::trim)
}

fn event(received: &Received, billing: &Billing) -> Value {
    let cost = billing.bill.cost();
    let mut event = json!({
        "request_id": billing.job.id,
        "endpoint_id": billing.job.endpoint_id(),
        "timestamp": iso8601(billing.at),
        "output_units": number::json(billing.bill.units),
        "unit_price": billing.bill.price.as_ref().map(|price| number::json(price.unit_price)),
        "percent_discount": null,
        "cost_subtotal": number::json(cost),
        "cost_discount": 0,
        "cost_total": number::json(cost),
        "cost_estimate_nano_usd": number::json(cost.saturating_mul(Decimal::new(1_000_000_000, 0))),
    });
    usage::add_auth_method(received, &mut event);
    event
}

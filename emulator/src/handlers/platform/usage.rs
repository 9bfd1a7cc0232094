//! Usage by endpoint and time: `/models/usage`, from the section "Usage" of fal's platform API reference.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use hyper::StatusCode;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::handlers::platform::{boolean, expands, ids};
use crate::platform::bill::Bill;
use crate::platform::error::invalid;
use crate::platform::number;
use crate::platform::page::{Page, Sizes};
use crate::platform::period::{DAY, Period};
use crate::platform::timeframe::Timeframe;
use crate::queue::job::Job;
use crate::request::received::Received;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Reply};
use crate::state::State;
use crate::time::iso8601::iso8601;

/// The id of the key that all jobs have.
const KEY_ID: &str = "emulator-key";

/// A job that was billed, and when it was completed.
pub(super) struct Billing {
    pub(super) job: Arc<Job>,
    pub(super) bill: Bill,
    pub(super) at: SystemTime,
}

/// Returns what the requested jobs were billed, oldest first.
pub(super) fn billings(state: &State, received: &Received, period: Period) -> Result<Vec<Billing>, Refusal> {
    let (endpoints, keys) = (ids(received, "endpoint_id")?, ids(received, "api_key_id")?);
    let has_key = keys.is_empty() || keys.contains(&KEY_ID);
    // All jobs have a key, so that none was requested by a user who has logged in.
    let has_login = !ids(received, "login_username")?.is_empty();
    let billing = |job: Arc<Job>| {
        let bill = job.bill().filter(|bill| !bill.units.is_zero())?;
        Some(Billing { at: job.ended_at()?, bill, job })
    };
    let is_requested = |billing: &Billing| {
        has_key
            && !has_login
            && period.contains(billing.at)
            && (endpoints.is_empty() || endpoints.contains(&billing.job.endpoint_id()))
    };
    Ok(state.jobs.kept().into_iter().filter_map(billing).filter(is_requested).collect())
}

/// Adds the requested members about the key to an item.
pub(super) fn add_auth_method(received: &Received, item: &mut Value) {
    if expands(received, "auth_method") {
        item["auth_method"] = json!("Key 1");
    }
    if expands(received, "auth_method_structured") {
        item["auth_method_structured"] = json!({ "detail": "Key 1", "api_key_id": KEY_ID });
    }
}

/// The sums of jobs with the same endpoint and price.
#[derive(Default)]
struct Sums {
    quantity: Decimal,
    cost: Decimal,
}

/// The endpoint id, the unit, the price of a unit and the currency.
type Key = (String, String, Decimal, String);

fn key(billing: &Billing) -> Key {
    let id = billing.job.endpoint_id().to_owned();
    match &billing.bill.price {
        Some(price) => (id, price.unit.clone(), price.unit_price, price.currency.clone()),
        None => (id, "units".to_owned(), Decimal::ZERO, "USD".to_owned()),
    }
}

/// Returns a row for each endpoint and price.
fn rows<'b>(received: &Received, billings: impl Iterator<Item = &'b Billing>) -> Value {
    let mut all = BTreeMap::<Key, Sums>::new();
    for billing in billings {
        let sums = all.entry(key(billing)).or_default();
        sums.quantity = sums.quantity.saturating_add(billing.bill.units);
        sums.cost = sums.cost.saturating_add(billing.bill.cost());
    }
    let row = |((endpoint, unit, unit_price, currency), sums): (Key, Sums)| {
        let cost = number::json(sums.cost);
        let mut row = json!({
            "endpoint_id": endpoint,
            "unit": unit,
            "quantity": number::json(sums.quantity),
            "unit_price": number::json(unit_price),
            "percent_discount": null,
            "cost_subtotal": cost,
            "cost_discount": 0,
            "cost_total": cost,
            "cost": cost,
            "currency": currency,
        });
        add_auth_method(received, &mut row);
        row
    };
    all.into_iter().map(row).collect()
}

/// Responds with usage, in buckets of time, as a summary, or both. It knows the jobs that are kept.
pub(super) fn usage(state: &State, received: &Received) -> Result<Reply, Refusal> {
    let now = state.clock.date();
    let mut period = Period::of(received, now, DAY)?;
    let timeframe = match received.query("timeframe") {
        Some(name) => {
            Timeframe::parse(name).ok_or_else(|| invalid("`timeframe` has to be minute, hour, day, week or month"))?
        }
        None => Timeframe::of_range(period.end.unwrap_or(now).duration_since(period.start).unwrap_or_default()),
    };
    if received.query("timezone").is_some_and(|timezone| timezone != "UTC") {
        return Err(invalid("the emulator knows the time zone UTC only"));
    }
    if boolean(received, "bound_to_timeframe")?.unwrap_or(true) {
        period = Period { start: timeframe.start(period.start), end: period.end.map(|end| timeframe.end(end)) };
    }
    let has_expand = received.query("expand").is_some();
    let (series, summary) = (!has_expand || expands(received, "time_series"), expands(received, "summary"));
    if !series && !summary {
        return Err(invalid("`expand` has to have time_series or summary"));
    }
    let page = Page::of(received, Sizes { default: 50, max: 1_000, strict: false })?;
    let billings = billings(state, received, period)?;
    let mut buckets = BTreeMap::<SystemTime, Vec<&Billing>>::new();
    for billing in billings.iter().filter(|_| series) {
        buckets.entry(timeframe.start(billing.at)).or_default().push(billing);
    }
    let (buckets, mut members) = page.of_items(buckets.into_iter().collect());
    if series {
        let bucket = |(start, billings): (SystemTime, Vec<&Billing>)| {
            let mut start = iso8601(start);
            start.truncate("2026-01-01T00:00:00".len());
            json!({ "bucket": format!("{start}+00:00"), "results": rows(received, billings.into_iter()) })
        };
        members.insert("time_series".to_owned(), buckets.into_iter().map(bucket).collect());
    }
    if summary {
        members.insert("summary".to_owned(), rows(received, billings.iter()));
    }
    Ok(reply::json(StatusCode::OK, &members.into()))
}

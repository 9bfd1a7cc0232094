//! The platform API, `api.fal.ai/v1`, from fal's platform API reference.

mod account;
mod deletion;
mod estimate;
mod events;
pub(crate) mod files;
mod models;
mod pricing;
mod requests;
mod search;
mod usage;
mod workflows;

use crate::platform::error::invalid;
use crate::request::operation::Operation;
use crate::request::received::Received;
use crate::response::refusal::Refusal;
use crate::response::reply::Reply;
use crate::state::State;

pub(super) use deletion::delete_payloads;
pub(super) use workflows::get as workflow;

/// Responds to a call that is not about one file or request.
pub(super) async fn respond(state: &State, operation: Operation, received: &Received) -> Result<Reply, Refusal> {
    match operation {
        Operation::Models => models::list(state, received),
        Operation::Document => models::document(state, received),
        Operation::Workflows => workflows::list(state, received),
        Operation::Pricing => pricing::prices(state, received),
        Operation::EstimateCost => estimate::estimate(state, received),
        Operation::Usage => usage::usage(state, received),
        Operation::BillingEvents => events::events(state, received),
        Operation::RequestsByEndpoint => requests::by_endpoint(state, received).await,
        Operation::SearchRequests => search::search(state, received).await,
        Operation::AccountBilling => account::billing(state, received),
        Operation::UserDetails => Ok(account::user_details(state)),
        _ => Ok(account::meta()),
    }
}

/// The most ids of a call.
const MAX_IDS: usize = 50;

/// Returns the ids in a query parameter: repeated, or with commas between them.
fn ids<'r>(received: &'r Received, name: &'static str) -> Result<Vec<&'r str>, Refusal> {
    let ids: Vec<&str> = received.query_list(name).collect();
    if ids.len() > MAX_IDS {
        return Err(invalid(&format!("`{name}` takes 1 to {MAX_IDS} ids")));
    }
    Ok(ids)
}

/// Returns the endpoint ids of a call that requires them.
fn endpoint_ids(received: &Received) -> Result<Vec<&str>, Refusal> {
    let ids = ids(received, "endpoint_id")?;
    if ids.is_empty() {
        return Err(invalid("the parameter `endpoint_id` is missing"));
    }
    Ok(ids)
}

/// Returns whether a text is a UUID: five groups of hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    lengths == [8, 4, 4, 4, 12] && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Returns whether a field of the response is requested.
fn expands(received: &Received, field: &str) -> bool {
    received.query_list("expand").any(|expanded| expanded == field)
}

/// Returns a boolean of the query: `true` or `false`.
fn boolean(received: &Received, name: &str) -> Result<Option<bool>, Refusal> {
    match received.query(name) {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(invalid(&format!("`{name}` has to be true or false"))),
    }
}

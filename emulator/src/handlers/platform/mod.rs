//! The platform API, `api.fal.ai/v1`, from fal's platform API reference.

pub(crate) mod files;
mod pricing;
mod requests;

use hyper::StatusCode;

use crate::platform::error::{self, ErrorType};
use crate::request::operation::Operation;
use crate::request::received::Received;
use crate::response::refusal::Refusal;
use crate::response::reply::Reply;
use crate::state::State;

/// Responds to a call that is not about one file or request.
pub(super) async fn respond(state: &State, operation: Operation, received: &Received) -> Result<Reply, Refusal> {
    match operation {
        Operation::Pricing => pricing::prices(state, received),
        Operation::RequestsByEndpoint => requests::by_endpoint(state, received).await,
        _ => Err(error::refusal(StatusCode::NOT_IMPLEMENTED, ErrorType::NotImplemented, "Not implemented")),
    }
}

/// The most endpoint ids of a call.
const MAX_IDS: usize = 50;

/// Returns the endpoint ids in the query: repeated, or with commas between them.
fn endpoint_ids(received: &Received) -> Result<Vec<&str>, Refusal> {
    let ids: Vec<&str> = received.query_list("endpoint_id").collect();
    if ids.len() > MAX_IDS {
        return Err(error::invalid(&format!("`endpoint_id` takes 1 to {MAX_IDS} ids")));
    }
    Ok(ids)
}

use std::sync::Arc;

use crate::faults::fault::Fault;
use crate::request::received::Received;
use crate::request::route::Route;

/// A request that is being handled.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) route: &'a Route,
    pub(crate) received: &'a Arc<Received>,
    /// The fault that applies to the request.
    pub(crate) fault: &'a Fault,
}

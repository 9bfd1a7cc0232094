//! Reservations of calls in the client's budget. `no_hold.rs` replaces this file without the cargo feature `money`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderMap, StatusCode};

use super::response::Response;
use super::send_options::SendOptions;
use crate::error::{Error, ErrorKind};
use crate::money::{Decimal, Reservation, billed_units};
use crate::queue::Target;
use crate::transport::{Context, Operation, Verdict, verdict};

/// The expected cost of a call, reserved in the client's budget.
///
/// If the call is dropped, the reservation is spent while fal may have received the request, and released otherwise.
#[derive(Default)]
pub(crate) struct Hold(Option<Held>);

struct Held {
    reservation: Reservation,
    /// True while fal may have received the request.
    is_out: Arc<AtomicBool>,
}

impl Hold {
    /// Reserves the expected cost of a call.
    ///
    /// # Errors
    ///
    /// Too little is left, or the cost cannot be estimated.
    pub(crate) fn reserve(
        context: &Context,
        endpoint: &str,
        options: Option<&SendOptions>,
        is_out: &Arc<AtomicBool>,
    ) -> Result<Self, Error> {
        let Some(budget) = &context.budget else { return Ok(Hold::default()) };
        let reservation = budget.reserve(endpoint, options.and_then(|options| options.expected_units))?;
        Ok(Hold(Some(Held { reservation, is_out: Arc::clone(is_out) })))
    }

    /// Ends the reservation with the units in the headers of a successful response.
    pub(crate) fn succeeded(&mut self, headers: &HeaderMap) {
        let Some(Held { reservation, .. }) = self.0.take() else { return };
        match billed_units(headers) {
            Ok(Some(units)) => reservation.settle_units(units),
            // It is billed, and the units are unknown.
            _ => drop(reservation),
        }
    }

    /// Ends the reservation of a call that has failed.
    pub(crate) fn failed(&mut self, operation: Operation, error: &Error) {
        let Some(Held { reservation, .. }) = self.0.take() else { return };
        match units_of(error) {
            Ok(Some(units)) => reservation.settle_units(units),
            Ok(None) if is_free(operation, error) => reservation.release(),
            _ => match error.request_id() {
                Some(request_id) if matches!(operation, Operation::Submit { .. }) => reservation.hold(request_id),
                _ => drop(reservation),
            },
        }
    }

    /// Keeps the reservation until the result of the request is read.
    pub(crate) fn submitted(&mut self, request_id: &str) {
        if let Some(Held { reservation, .. }) = self.0.take() {
            reservation.hold(request_id);
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(Held { reservation, .. }) = self.0.take().filter(|held| !held.is_out.load(Ordering::Relaxed)) {
            reservation.release();
        }
    }
}

/// Ends the reservation of a submitted request whose result was read. `is_failed` is true if the queue has reported its failure.
pub(super) fn fetched(target: &Target, is_failed: bool, result: &Result<Response<()>, Error>) {
    let Some(budget) = &target.context.budget else { return };
    let error = match result {
        Ok(response) => {
            let units = billed_units(&response.headers).ok().flatten();
            return budget.settle_units(target.request_id(), units);
        }
        Err(error) => error,
    };
    // Otherwise the result can still be read.
    if verdict(Operation::Result, error) != Verdict::Final || error.is_denied() {
        return;
    }
    match units_of(error) {
        Ok(Some(units)) => budget.settle_units(target.request_id(), Some(units)),
        _ if !is_outcome(is_failed, error) => {}
        Ok(None) if is_free(Operation::Result, error) => drop(budget.release(target.request_id())),
        _ => budget.settle_units(target.request_id(), None),
    }
}

/// Ends the reservation of a submitted request by its webhook, which does not have the billed units.
#[cfg(feature = "webhook")]
pub(crate) fn delivered<O>(target: &Target, result: &Result<Response<O>, Error>) {
    let Some(budget) = &target.context.budget else { return };
    match result {
        // fal does not bill its own failures.
        Err(error) if error.status().is_some_and(|status| status.is_server_error()) => {
            budget.release(target.request_id());
        }
        // The result can still be fetched.
        Err(error) if error.kind() != ErrorKind::Service => {}
        _ => budget.settle_units(target.request_id(), None),
    }
}

/// Ends the reservation of a request that was removed from the queue.
pub(super) fn removed(target: &Target) {
    if let Some(budget) = &target.context.budget {
        budget.release(target.request_id());
    }
}

/// Returns the billed units of a request that has failed.
fn units_of(error: &Error) -> Result<Option<Decimal>, Error> {
    error.headers().map_or(Ok(None), billed_units)
}

/// Returns true if a request that failed is surely not billed.
fn is_free(operation: Operation, error: &Error) -> bool {
    if error.may_have_been_accepted() || verdict(operation, error) == Verdict::Uncertain {
        return false;
    }
    match error.status().map(|status| status.as_u16()) {
        // A model may have worked before it rejected an input, or before it was cancelled. A submission is not its work.
        Some(422 | 499) => !operation.is_of_model(),
        Some(status) => status >= 300,
        None => true,
    }
}

/// Returns true if the final error of a result request is the outcome of the request itself.
fn is_outcome(is_failed: bool, error: &Error) -> bool {
    let is_own = is_failed || error.response().is_some_and(|response| response.has_request_id());
    let refuses = |status: StatusCode| matches!(status.as_u16(), 401 | 403 | 404 | 407 | 429);
    is_own && error.kind() == ErrorKind::Service && !error.status().is_some_and(refuses)
}

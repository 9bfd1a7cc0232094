use std::sync::Arc;
use std::sync::atomic::AtomicBool;
#[cfg(feature = "money")]
use std::sync::atomic::Ordering;

use http::HeaderMap;
#[cfg(feature = "money")]
use http::StatusCode;

use super::response::Response;
use super::send_options::SendOptions;
use crate::error::Error;
#[cfg(feature = "money")]
use crate::error::ErrorKind;
#[cfg(feature = "money")]
use crate::money::{Reservation, billed_units};
use crate::protocol::Failure;
use crate::queue::Target;
use crate::transport::{Context, Operation};
#[cfg(feature = "money")]
use crate::transport::{Verdict, verdict};

/// The expected cost of a call, reserved in the client's budget. Does nothing without the cargo feature `money`.
///
/// If the call is dropped, the reservation is spent while fal may have received the request, and released otherwise.
#[derive(Default)]
pub(crate) struct Hold {
    #[cfg(feature = "money")]
    reservation: Option<Reservation>,
    /// True while fal may have received the request.
    #[cfg(feature = "money")]
    is_out: Arc<AtomicBool>,
}

#[cfg(feature = "money")]
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
        Ok(Hold { reservation: Some(reservation), is_out: Arc::clone(is_out) })
    }

    /// Ends the reservation with the units in the headers of a successful response.
    pub(crate) fn succeeded(&mut self, headers: &HeaderMap) {
        let Some(reservation) = self.reservation.take() else { return };
        match billed_units(headers) {
            Ok(Some(units)) => reservation.settle_units(units),
            // It is billed, and the units are unknown.
            _ => drop(reservation),
        }
    }

    /// Ends the reservation of a call that has failed.
    pub(crate) fn failed(&mut self, operation: Operation, error: &Error) {
        let Some(reservation) = self.reservation.take() else { return };
        match error.headers().map(billed_units).transpose().map(Option::flatten) {
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
        if let Some(reservation) = self.reservation.take() {
            reservation.hold(request_id);
        }
    }
}

#[cfg(feature = "money")]
impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(reservation) = self.reservation.take().filter(|_| !self.is_out.load(Ordering::Relaxed)) {
            reservation.release();
        }
    }
}

#[cfg(not(feature = "money"))]
impl Hold {
    pub(crate) fn reserve(_: &Context, _: &str, _: Option<&SendOptions>, _: &Arc<AtomicBool>) -> Result<Self, Error> {
        Ok(Hold::default())
    }

    pub(crate) fn succeeded(&mut self, _: &HeaderMap) {}

    pub(crate) fn failed(&mut self, _: Operation, _: &Error) {}

    pub(crate) fn submitted(&mut self, _: &str) {}
}

/// Ends the reservation of a submitted request whose result was read. `failure` is the failure that the queue has reported.
#[cfg(feature = "money")]
pub(super) fn fetched<O>(target: &Target, failure: Option<&Failure>, result: &Result<Response<O>, Error>) {
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
    match error.headers().map(billed_units).transpose().map(Option::flatten) {
        Ok(Some(units)) => budget.settle_units(target.request_id(), Some(units)),
        _ if !is_outcome(failure, error) => {}
        Ok(None) if is_free(Operation::Result, error) => drop(budget.release(target.request_id())),
        _ => budget.settle_units(target.request_id(), None),
    }
}

#[cfg(not(feature = "money"))]
pub(super) fn fetched<O>(_: &Target, _: Option<&Failure>, _: &Result<Response<O>, Error>) {}

/// Ends the reservation of a request that was removed from the queue.
pub(super) fn removed(target: &Target) {
    #[cfg(feature = "money")]
    if let Some(budget) = &target.context.budget {
        budget.release(target.request_id());
    }
    #[cfg(not(feature = "money"))]
    let _ = target;
}

/// Returns true if a request that failed is surely not billed.
#[cfg(feature = "money")]
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
#[cfg(feature = "money")]
fn is_outcome(failure: Option<&Failure>, error: &Error) -> bool {
    let is_own = failure.is_some() || error.response().is_some_and(|response| response.has_request_id());
    let refuses = |status: StatusCode| matches!(status.as_u16(), 401 | 403 | 404 | 407 | 429);
    is_own && error.kind() == ErrorKind::Service && !error.status().is_some_and(refuses)
}

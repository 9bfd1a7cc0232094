use fal_client::{IntoEndpoint, LockReason};
use rust_decimal::Decimal;

use crate::emulator::Emulator;
use crate::platform::billed::Billed;
use crate::platform::model_entry::ModelEntry;
use crate::platform::price::Price;
use crate::request::operation::Operation;

impl Emulator {
    /// Sets the price of an endpoint, for jobs that are accepted from now on. `GET /api.fal.ai/v1/models/pricing` tells it.
    ///
    /// ```
    /// # fn example(emulator: &fal_emulator::Emulator) {
    /// use fal_emulator::{Decimal, Price};
    ///
    /// emulator.set_price("fal-ai/flux/dev/redux", Price::usd(Decimal::new(3, 2), "images"));
    /// # }
    /// ```
    pub fn set_price<E: IntoEndpoint>(&self, endpoint: E, price: Price) {
        self.state.prices.set(endpoint.into_id().into_owned(), price);
    }

    /// Sets the billable units of each job of an endpoint, for jobs that are accepted from now on: the header
    /// `x-fal-billable-units`. [`Fault::billable_units`](crate::Fault::billable_units) sets those of one job.
    ///
    /// Jobs that are cancelled, or that fail, are billed nothing.
    pub fn set_billable_units<E: IntoEndpoint>(&self, endpoint: E, units: Decimal) {
        self.state.prices.set_units(endpoint.into_id().into_owned(), units);
    }

    /// Returns what all completed jobs were billed, even if the emulator no longer keeps them.
    pub fn billed(&self) -> Billed {
        self.state.jobs.billed()
    }

    /// Returns what the completed jobs of an endpoint were billed.
    pub fn billed_on<E: IntoEndpoint>(&self, endpoint: E) -> Billed {
        self.state.jobs.billed_of(&endpoint.into_id())
    }

    /// Returns the balance of the account in dollars: what was set, without what completed jobs were billed.
    pub fn balance(&self) -> Decimal {
        self.state.balance()
    }

    /// Sets the balance of the account in dollars. Costs of jobs that are completed from now on are taken from it.
    pub fn set_balance(&self, balance: Decimal) {
        self.state.set_balance(balance);
    }

    /// Sets or removes the budget of the account in dollars, see [`EmulatorBuilder::budget`](crate::EmulatorBuilder::budget). The
    /// costs of all completed jobs count.
    pub fn set_budget(&self, dollars: Option<Decimal>) {
        self.state.account.set_budget(dollars);
    }

    /// Locks the account. Runs, streams, WebSockets, submissions, tokens and the begin of uploads get a 403 response with `User is locked`. Everything
    /// about earlier requests works.
    ///
    /// ```
    /// # use fal_emulator::Emulator;
    /// # fn example(emulator: &Emulator) {
    /// use fal_client::LockReason;
    ///
    /// emulator.lock_account(LockReason::BudgetExceeded);
    /// // … submit a request, and see how the program reacts …
    /// emulator.unlock_account();
    /// # }
    /// ```
    pub fn lock_account(&self, reason: LockReason) {
        self.state.account.set_lock(Some(reason));
    }

    /// Unlocks the account.
    pub fn unlock_account(&self) {
        self.state.account.set_lock(None);
    }

    /// Takes the permission for an operation from the keys. Its requests get a 403 response with `Insufficient permissions`.
    /// Applies to operations that need a key.
    pub fn deny_permission(&self, operation: Operation) {
        self.state.account.deny(operation);
    }

    /// Gives the permission for an operation back to the keys.
    pub fn grant_permission(&self, operation: Operation) {
        self.state.account.grant(operation);
    }

    /// Sets the entry of an endpoint in the list of models: its status, or what is missing.
    pub fn set_model<E: IntoEndpoint>(&self, endpoint: E, entry: ModelEntry) {
        self.state.models.set(endpoint.into_id().into_owned(), entry);
    }
}

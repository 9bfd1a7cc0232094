use std::time::Duration;

use fal_client::{IntoEndpoint, LockReason};
use rust_decimal::Decimal;

use crate::account;
use crate::builder::EmulatorBuilder;
use crate::keys::Keys;
use crate::platform::price::Price;
use crate::request::operation::Operation;

impl EmulatorBuilder {
    /// Sets the only accepted key. Default: any key is accepted, but one is required.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.settings.keys = Keys::Only(key.into());
        self
    }

    /// Starts with a locked account, see [`Emulator::lock_account`](crate::Emulator::lock_account). Default: not locked.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use fal_client::LockReason;
    /// use fal_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().locked(LockReason::ExhaustedBalance).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn locked(mut self, reason: LockReason) -> Self {
        self.settings.account.lock = Some(reason);
        self
    }

    /// Starts with keys that lack the permission for an operation, see [`Emulator::deny_permission`](crate::Emulator::deny_permission). Default: keys have
    /// all permissions. Can be called several times.
    pub fn without_permission(mut self, operation: Operation) -> Self {
        self.settings.account.denied.insert(operation);
        self
    }

    /// Starts with keys that lack the scope ADMIN, which usage, billing events, the deletion of payloads and the account need.
    /// Their requests get a 403 response. Default: keys have it.
    pub fn without_admin_scope(mut self) -> Self {
        self.settings.account.denied.extend(account::ADMIN);
        self
    }

    /// Sets the balance of the account in dollars, from which the costs of jobs are taken. Default: 100.
    ///
    /// The account is never locked because of it, unless [`lock_when_exhausted`](Self::lock_when_exhausted) is set.
    pub fn balance(mut self, balance: Decimal) -> Self {
        self.settings.account.credits = balance;
        self
    }

    /// Locks the account while its balance is used up, as fal does. Jobs that were accepted before are completed, so that the
    /// balance may fall below zero. Default: the account is not locked.
    ///
    /// ```
    /// use fal_emulator::{Decimal, Emulator, Price};
    ///
    /// let builder = Emulator::builder()
    ///     .default_price(Price::usd(Decimal::new(1, 2), "units"))
    ///     .balance(Decimal::new(10, 2)) // ten jobs of one unit
    ///     .lock_when_exhausted();
    /// ```
    pub fn lock_when_exhausted(mut self) -> Self {
        self.settings.account.locks_when_exhausted = true;
        self
    }

    /// Sets the budget of the account in dollars. Once completed jobs cost as much, the account is locked: running jobs go on, and
    /// further ones are refused. Default: none.
    ///
    /// ```
    /// use fal_emulator::{Decimal, Emulator, Price};
    ///
    /// let builder = Emulator::builder().default_price(Price::usd(Decimal::ONE, "units")).budget(Decimal::TEN);
    /// ```
    pub fn budget(mut self, dollars: Decimal) -> Self {
        self.settings.account.budget = Some(dollars);
        self
    }

    /// Sets the price of an endpoint, see [`Emulator::set_price`](crate::Emulator::set_price). Default: endpoints have no price, and cost nothing. Can be
    /// called several times.
    ///
    /// ```
    /// use fal_emulator::{Decimal, Emulator, Price};
    ///
    /// let builder = Emulator::builder()
    ///     .price("fal-ai/flux/dev/redux", Price::usd(Decimal::new(25, 3), "images")) // 0.025 dollars per image
    ///     .default_price(Price::usd(Decimal::new(1, 2), "units"));
    /// ```
    pub fn price<E: IntoEndpoint>(mut self, endpoint: E, price: Price) -> Self {
        self.settings.prices.set(endpoint.into_id().into_owned(), price);
        self
    }

    /// Sets the price of the endpoints that have no other. Default: none.
    pub fn default_price(mut self, price: Price) -> Self {
        self.settings.prices.set_default(price);
        self
    }

    /// Sets the billable units of each job of an endpoint, see [`Emulator::set_billable_units`](crate::Emulator::set_billable_units). Default: the requested number
    /// of images, or 1. Can be called several times.
    pub fn billable_units<E: IntoEndpoint>(mut self, endpoint: E, units: Decimal) -> Self {
        self.settings.prices.set_units(endpoint.into_id().into_owned(), units);
        self
    }

    /// Limits the requests of models and their documents without a key, which fal allows fewer of. Beyond it, they get a 429 response
    /// of the type `rate_limited`, with `Retry-After`. The time is counted on the emulator's clock. Default: no limit.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let builder = fal_emulator::Emulator::builder().rate_limit(10, Duration::from_secs(60));
    /// ```
    pub fn rate_limit(mut self, requests: u32, time: Duration) -> Self {
        self.settings.rate_limit = Some((requests, time));
        self
    }
}

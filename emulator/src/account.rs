//! The state of the account behind every accepted key: locked or not, and the permissions of the key.

use std::collections::HashSet;
use std::sync::Mutex;

use fal_client::LockReason;
use rust_decimal::Decimal;

use crate::request::operation::Operation;
use crate::sync::lock;

#[derive(Debug)]
pub(crate) struct Account(Mutex<State>);

#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) lock: Option<LockReason>,
    /// The operations that the key has no permission for.
    pub(crate) denied: HashSet<Operation>,
    /// The money that was ever paid in.
    pub(crate) credits: Decimal,
    /// The account is locked while its balance is not positive.
    pub(crate) locks_when_exhausted: bool,
    /// The costs from which on the account is locked.
    pub(crate) budget: Option<Decimal>,
}

impl Default for State {
    fn default() -> Self {
        State {
            lock: None,
            denied: HashSet::new(),
            credits: Decimal::ONE_HUNDRED,
            locks_when_exhausted: false,
            budget: None,
        }
    }
}

/// The reason why the account may not do something, although its key is valid.
#[derive(Clone, Debug)]
pub(crate) enum AccountError {
    Locked(LockReason),
    /// The key has no permission.
    Insufficient,
}

impl Account {
    pub(crate) fn new(state: State) -> Self {
        Account(Mutex::new(state))
    }

    pub(crate) fn set_lock(&self, reason: Option<LockReason>) {
        lock(&self.0).lock = reason;
    }

    pub(crate) fn deny(&self, operation: Operation) {
        lock(&self.0).denied.insert(operation);
    }

    pub(crate) fn grant(&self, operation: Operation) {
        lock(&self.0).denied.remove(&operation);
    }

    pub(crate) fn is_denied(&self, operation: Operation) -> bool {
        lock(&self.0).denied.contains(&operation)
    }

    pub(crate) fn set_credits(&self, credits: Decimal) {
        lock(&self.0).credits = credits;
    }

    /// Returns the money that was ever paid in.
    pub(crate) fn credits(&self) -> Decimal {
        lock(&self.0).credits
    }

    /// Returns the reason of the lock that a test has set.
    pub(crate) fn lock_reason(&self) -> Option<LockReason> {
        lock(&self.0).lock.clone()
    }

    pub(crate) fn set_budget(&self, budget: Option<Decimal>) {
        lock(&self.0).budget = budget;
    }

    pub(crate) fn budget(&self) -> Option<Decimal> {
        lock(&self.0).budget
    }

    pub(crate) fn locks_when_exhausted(&self) -> bool {
        lock(&self.0).locks_when_exhausted
    }
}

/// Returns whether a locked account may not do something: run, stream, connect, submit, get a token, and begin an upload.
pub(crate) fn costs(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::Run
            | Operation::Stream
            | Operation::Realtime
            | Operation::WebSocket
            | Operation::WebSocketRun
            | Operation::Submit
            | Operation::Token
            | Operation::CdnToken
            | Operation::InitiateUpload
            | Operation::InitiateMultipart
    )
}

/// Returns the detail of the response about a locked account.
pub(crate) fn locked(reason: &LockReason) -> String {
    format!("User is locked. Reason: {}.", words(reason))
}

/// Returns the reason of a lock in fal's words.
pub(crate) fn words(reason: &LockReason) -> &str {
    match reason {
        LockReason::ExhaustedBalance => "Exhausted balance. Top up your balance at fal.ai/dashboard/billing",
        LockReason::BudgetExceeded => "User budget is exceeded. Adjust it at fal.ai/dashboard/billing",
        LockReason::TopUp => "TOP_UP",
        LockReason::PaymentMethod => "Please add a payment method at fal.ai/dashboard/billing",
        LockReason::AdminLock => "Admin lock. Please contact support@fal.ai",
        LockReason::Archived => "This account has been archived. Please contact hello@fal.ai",
        other => other.as_str(),
    }
}

/// The operations that need a key of the scope ADMIN.
pub(crate) const ADMIN: [Operation; 5] = [
    Operation::Usage,
    Operation::BillingEvents,
    Operation::DeletePayloads,
    Operation::AccountBilling,
    Operation::UserDetails,
];

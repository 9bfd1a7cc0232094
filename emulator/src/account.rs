//! The state of the account behind every accepted key: locked or not, and the permissions of the key.

use std::collections::HashSet;
use std::sync::Mutex;

use fal_client::LockReason;

use crate::request::operation::Operation;
use crate::sync::lock;

#[derive(Debug, Default)]
pub(crate) struct Account(Mutex<State>);

#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) lock: Option<LockReason>,
    /// The operations that the key has no permission for.
    pub(crate) denied: HashSet<Operation>,
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

    /// Requires that the account may do something. A locked account may still read what it has.
    pub(crate) fn check(&self, operation: Operation) -> Result<(), AccountError> {
        let state = lock(&self.0);
        if state.denied.contains(&operation) {
            return Err(AccountError::Insufficient);
        }
        match &state.lock {
            Some(reason) if costs(operation) => Err(AccountError::Locked(reason.clone())),
            _ => Ok(()),
        }
    }
}

/// Returns whether a locked account may not do something: run, stream, connect, submit, get a token, and begin an upload.
fn costs(operation: Operation) -> bool {
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

/// Returns the detail of the response about a locked account, in fal's words.
pub(crate) fn locked(reason: &LockReason) -> String {
    let words = match reason {
        LockReason::ExhaustedBalance => "Exhausted balance. Top up your balance at fal.ai/dashboard/billing",
        LockReason::BudgetExceeded => "User budget is exceeded. Adjust it at fal.ai/dashboard/billing",
        LockReason::TopUp => "TOP_UP",
        LockReason::PaymentMethod => "Please add a payment method at fal.ai/dashboard/billing",
        LockReason::AdminLock => "Admin lock. Please contact support@fal.ai",
        LockReason::Archived => "This account has been archived. Please contact hello@fal.ai",
        other => other.as_str(),
    };
    format!("User is locked. Reason: {words}.")
}

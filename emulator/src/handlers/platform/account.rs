//! The account: `/account/billing`, from the section "Account billing" of fal's platform API reference, the older
//! `rest.fal.ai/billing/user_details`, as fal's Python client reads it, and `/meta`.

use hyper::StatusCode;
use serde_json::json;

use crate::account;
use crate::handlers::platform::expands;
use crate::platform::number;
use crate::request::received::Received;
use crate::response::refusal::Refusal;
use crate::response::reply::{self, Reply};
use crate::state::State;

/// Responds with the account, and with its credits if they are requested.
pub(super) fn billing(state: &State, received: &Received) -> Result<Reply, Refusal> {
    let mut account = json!({ "username": "emulator" });
    if expands(received, "credits") {
        account["credits"] = json!({ "current_balance": number::json(state.balance()), "currency": "USD" });
    }
    Ok(reply::json(StatusCode::OK, &account))
}

/// Responds with the state of the account.
pub(super) fn user_details(state: &State) -> Reply {
    let lock = state.lock_reason();
    let details = json!({
        "user_id": "emulator",
        "soft_monthly_budget": null,
        "hard_monthly_budget": state.account.budget().map(number::json),
        "lock_reason": lock.as_ref().map(account::words),
        "is_paying": true,
        "is_locked": lock.is_some(),
    });
    reply::json(StatusCode::OK, &details)
}

/// Responds with facts about the platform. Webhooks of the emulator come from the loopback interface.
pub(super) fn meta() -> Reply {
    reply::json(StatusCode::OK, &json!({ "webhook_ip_ranges": ["127.0.0.0/8", "::1/128"] }))
}

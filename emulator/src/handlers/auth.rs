use hyper::StatusCode;
use hyper::header::AUTHORIZATION;

use crate::account::{self, AccountError};
use crate::keys::KeyError;
use crate::platform::error;
use crate::request::operation::Operation;
use crate::request::received::Received;
use crate::response::refusal::Refusal;
use crate::state::State;
use crate::storage::grants::{Denied, Grant};
use crate::tokens::TokenError;

/// The query parameter of a temporary token.
const TOKEN: &str = "fal_jwt_token";

/// Requires a key for an endpoint or application. A message of a WebSocket has the credentials of its handshake.
pub(super) fn check_app_key(state: &State, received: &Received, app: &str) -> Result<(), Refusal> {
    if received.is_message() {
        return check_account(state, received);
    }
    state.settings.keys.check(received.headers()).map_err(|error| {
        unauthorized(&match error {
            KeyError::Missing => {
                let reason = format!("Cannot access application \"{app}\".");
                format!("{reason} Authentication is required to access this application.")
            }
            wrong => wrong.detail().to_owned(),
        })
    })?;
    check_account(state, received)
}

/// Requires a key for an endpoint, or a temporary token in the query. Browsers cannot set headers everywhere.
pub(super) fn check_app_key_or_token(state: &State, received: &Received, app: &str) -> Result<(), Refusal> {
    match token(received).filter(|_| !received.is_message()) {
        Some(token) => {
            state.tokens.check(token, app).map_err(|error| match error {
                TokenError::Unknown => unauthorized("Invalid token"),
                TokenError::Expired => unauthorized("The token has expired"),
                TokenError::OtherApp => unauthorized(&format!("The token is not for the application \"{app}\"")),
            })?;
            check_account(state, received)
        }
        None => check_app_key(state, received, app),
    }
}

/// Returns the temporary token of a request. A key takes precedence.
pub(crate) fn token(received: &Received) -> Option<&str> {
    received.query(TOKEN).filter(|_| !received.headers().contains_key(AUTHORIZATION))
}

/// Requires a key.
pub(super) fn check_key(state: &State, received: &Received) -> Result<(), Refusal> {
    state.settings.keys.check(received.headers()).map_err(|error| unauthorized(error.detail()))?;
    check_account(state, received)
}

/// Requires a key for an operation of the platform API, which has errors of its own format.
pub(super) fn check_platform_key(state: &State, received: &Received) -> Result<(), Refusal> {
    state.settings.keys.check(received.headers()).map_err(|denied| match denied {
        KeyError::Missing => error::refusal(StatusCode::UNAUTHORIZED, "Authentication required"),
        _ => error::refusal(StatusCode::UNAUTHORIZED, "Invalid API key"),
    })?;
    state.check_account(received.operation()).map_err(|denied| match denied {
        AccountError::Locked(reason) => error::refusal(StatusCode::FORBIDDEN, &account::locked(&reason)),
        AccountError::Insufficient => error::refusal(StatusCode::FORBIDDEN, "Insufficient permissions"),
    })
}

/// Requires that there were not too many requests without a key.
pub(super) fn check_rate(state: &State) -> Result<(), Refusal> {
    state
        .rate_limit
        .count(state.clock.now())
        .map_err(|left| Refusal::RateLimited { left, body: error::body(429, "Too many requests without a key") })
}

/// Requires that the account is not locked, and that its key has the permission.
pub(super) fn check_account(state: &State, received: &Received) -> Result<(), Refusal> {
    state.check_account(received.operation()).map_err(|error| match error {
        AccountError::Locked(reason) => forbidden(&account::locked(&reason)),
        AccountError::Insufficient if received.operation() == Operation::UserDetails => {
            forbidden("This operation is only supported for ADMIN keys")
        }
        AccountError::Insufficient => forbidden("Insufficient permissions"),
    })
}

/// Requires a valid CDN token.
pub(super) fn check_token(state: &State, received: &Received) -> Result<(), Refusal> {
    let header = received.header(AUTHORIZATION.as_str());
    let header = header.ok_or_else(|| unauthorized("A CDN token is required"))?;
    let token = header.strip_prefix("Bearer ");
    let token = token.ok_or_else(|| unauthorized("A CDN token of the type `Bearer` is required"))?;
    state.store.check(token, &Grant::Upload).map_err(|denied| match denied {
        Denied::Wrong => unauthorized("Invalid token"),
        Denied::Expired => unauthorized("The token has expired"),
    })
}

/// Requires a URL that is signed for `grant`.
pub(super) fn check_signature(state: &State, received: &Received, grant: &Grant) -> Result<(), Refusal> {
    if received.headers().contains_key(AUTHORIZATION) {
        return Err(forbidden("A signed URL takes no Authorization"));
    }
    let signature = received.signature().ok_or_else(|| forbidden("The URL is not signed"))?;
    check_grant(state, signature, grant)
}

/// Requires a signed URL or a CDN token, for the parts of an upload.
pub(super) fn check_parts(state: &State, received: &Received, upload_id: &str) -> Result<(), Refusal> {
    match received.signature() {
        Some(_) => check_signature(state, received, &Grant::Parts(upload_id.to_owned())),
        None => check_token(state, received),
    }
}

/// Requires that a signature is valid for `grant`.
pub(super) fn check_grant(state: &State, signature: &str, grant: &Grant) -> Result<(), Refusal> {
    state.store.check(signature, grant).map_err(|denied| match denied {
        Denied::Wrong => forbidden("Invalid signature"),
        Denied::Expired => forbidden("The signature has expired"),
    })
}

fn unauthorized(detail: &str) -> Refusal {
    Refusal::Detail(StatusCode::UNAUTHORIZED, detail.to_owned())
}

fn forbidden(detail: &str) -> Refusal {
    Refusal::Detail(StatusCode::FORBIDDEN, detail.to_owned())
}

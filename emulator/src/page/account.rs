//! The account and the clock.

use std::time::Duration;

use bytes::Bytes;
use fal_client::LockReason;
use hyper::StatusCode;
use maud::html;
use rust_decimal::Decimal;

use crate::account;
use crate::page::form_data::FormData;
use crate::page::layout::{Page, error, see_other};
use crate::page::visit::{Visit, not_found};
use crate::response::reply::Reply;
use crate::time::iso8601::iso8601;

/// The reasons of a lock that can be chosen.
const REASONS: [(&str, LockReason); 6] = [
    ("exhausted", LockReason::ExhaustedBalance),
    ("budget", LockReason::BudgetExceeded),
    ("top-up", LockReason::TopUp),
    ("payment", LockReason::PaymentMethod),
    ("admin", LockReason::AdminLock),
    ("archived", LockReason::Archived),
];

/// The steps by which the clock is advanced, in seconds.
const STEPS: [(u64, &str); 5] =
    [(1, "1 second"), (10, "10 seconds"), (60, "1 minute"), (3_600, "1 hour"), (86_400, "1 day")];

pub(super) fn page(visit: &Visit<'_>) -> Reply {
    let state = visit.state;
    let (lock, billed) = (state.lock_reason(), state.jobs.billed());
    let body = html! {
        h1 { "Account" }
        section.panel aria-labelledby="balance-title" {
            h2 #balance-title { "Balance" }
            dl.facts {
                div { dt { "Balance" } dd.number { "$" (state.balance().normalize()) } }
                div { dt { "Completed requests would have cost" } dd.number { "$" (billed.cost().normalize()) } }
                div { dt { "Billed requests" } dd.number { (billed.jobs()) } }
            }
            form.row method="post" action="/account/balance" {
                div { label for="balance" { "New balance, in dollars" } input.number #balance type="number" name="balance" step="any" value=(state.balance().normalize()) required; }
                button type="submit" { "Set balance" }
            }
        }
        section.panel aria-labelledby="lock-title" {
            h2 #lock-title { "Lock" }
            @match &lock {
                Some(reason) => {
                    p { span.badge.failed { span aria-hidden="true" { "✕ " } "Locked" } " " (account::words(reason)) }
                    form method="post" action="/account/unlock" { button type="submit" { "Unlock" } }
                }
                None => p { span.badge.completed { span aria-hidden="true" { "✓ " } "Not locked" } }
            }
            form.row method="post" action="/account/lock" {
                div {
                    label for="reason" { "Lock with the reason" }
                    select #reason name="reason" { @for (name, reason) in &REASONS { option value=(name) selected[lock.as_ref() == Some(reason)] { (account::words(reason)) } } }
                }
                button.quiet type="submit" { "Lock" }
            }
            p.hint { "A locked account cannot run, submit, stream, or begin an upload. Everything about earlier requests works." }
        }
        section.panel aria-labelledby="clock-title" {
            h2 #clock-title { "Clock" }
            p { "It is " time { (iso8601(state.clock.date()).get(..19).unwrap_or_default()) } " for the emulator, in UTC." }
            form.row method="post" action="/account/clock" {
                fieldset.steps {
                    legend { "Advance the clock by" }
                    @for (seconds, words) in STEPS { button.quiet type="submit" name="seconds" value=(seconds) { (words) } }
                }
            }
            p.hint { "Requests progress, timeouts and lifetimes pass, and webhooks are retried. The clock cannot go back." }
        }
    };
    Page::new("Account", body).reply(visit)
}

pub(super) fn change(visit: &Visit<'_>, setting: &str, body: &Bytes) -> Reply {
    let (state, form) = (visit.state, FormData::urlencoded(body));
    match setting {
        "balance" => match form.get("balance").and_then(|balance| balance.trim().parse::<Decimal>().ok()) {
            Some(balance) => state.set_balance(balance),
            None => return error(visit, StatusCode::BAD_REQUEST, "The balance has to be a number, such as 12.50."),
        },
        "lock" => {
            let reason = form.get("reason").unwrap_or_default();
            match REASONS.into_iter().find(|(name, _)| *name == reason) {
                Some((_, reason)) => state.account.set_lock(Some(reason)),
                None => return error(visit, StatusCode::BAD_REQUEST, "The reason of the lock is unknown."),
            }
        }
        "unlock" => state.account.set_lock(None),
        "clock" => match form.get("seconds").and_then(|seconds| seconds.parse().ok()) {
            Some(seconds) => state.advance_time(Duration::from_secs(seconds)),
            None => return error(visit, StatusCode::BAD_REQUEST, "The time has to be a number of seconds."),
        },
        _ => return not_found(visit),
    }
    see_other("/account")
}

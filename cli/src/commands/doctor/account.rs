use fal_client::money::{Cost, Decimal};
use fal_client::platform::{Account, LockState};
use fal_client::{Client, Error};

use super::key::KEYS;
use super::report::Report;
use crate::error::Exit;

/// The page with the balance.
const BILLING: &str = "https://fal.ai/dashboard/billing";

/// The id of a request that does not exist. Its status tells if the key may use the queue.
const NO_REQUEST: &str = "00000000-0000-4000-8000-000000000000";

/// The balance below which the check warns, in US dollars.
const LOW_BALANCE: Decimal = Decimal::ONE;

/// Checks that fal accepts the key, what it may do, and the lock and the balance of its account.
pub(super) async fn check(client: &Client, report: &mut Report) {
    let endpoint = fal_client::documents().find_map(|(path, _)| path.strip_suffix(".json"));
    let endpoint = endpoint.unwrap_or("fal-ai/flux/dev");
    let (platform, handle) = (client.platform(), client.endpoint(endpoint));
    let (prices, status, account, lock) = futures_util::future::join4(
        async { platform.prices([endpoint]).skip_unknown(true).await.map(drop) },
        async { handle.status(NO_REQUEST).await.map(drop) },
        platform.account(),
        platform.lock_state(),
    )
    .await;
    let errors = [prices.as_ref().err(), status.as_ref().err(), account.as_ref().err(), lock.as_ref().err()];
    let find = |is: fn(&Error) -> bool| errors.into_iter().flatten().find(|error| is(error));
    if let Some(error) = find(Error::is_unauthorized) {
        let help = format!("create a key at {KEYS}, and set FAL_KEY to it");
        return report.fail("key", Exit::Account, error.to_string(), help);
    }
    if let Some(error) = find(Error::is_account_locked) {
        let remedy = error.lock_reason().map_or(BILLING, |reason| reason.remedy());
        return report.fail("account", Exit::Account, error.to_string(), remedy);
    }
    let is_accepted = prices.is_ok() || account.is_ok() || lock.is_ok() || is_known(&status);
    match is_accepted || [&prices, &status].iter().any(|result| is_denied(result)) {
        true => check_permissions(&status, &account, report),
        false => {
            let words = prices.err().map(|error| error.to_string()).unwrap_or_default();
            return report.warn(
                "key",
                format!("fal did not say if it accepts the key: {words}"),
                "see the hosts below",
            );
        }
    }
    check_lock(lock, report);
    check_balance(account, report);
}

/// Returns true if the queue has looked for the request.
fn is_known(status: &Result<(), Error>) -> bool {
    status.as_ref().err().is_none_or(Error::is_not_found)
}

fn is_denied<T>(result: &Result<T, Error>) -> bool {
    result.as_ref().err().is_some_and(Error::is_permission_denied)
}

/// Reports the kind of the key. fal's keys have a preset: FULL (or ADMIN), API, BILLING and others.
fn check_permissions(status: &Result<(), Error>, account: &Result<Account, Error>, report: &mut Report) {
    let help = || format!("create a key of the preset API or FULL at {KEYS}");
    match (is_denied(status), is_denied(account)) {
        (false, false) if account.is_ok() => {
            report.pass(
                "key",
                "fal accepts it: it may run models, and read usage and billing (preset FULL, scope ADMIN)",
            );
        }
        (false, false) => report.pass("key", "fal accepts it"),
        (false, true) => {
            report.pass("key", "fal accepts it: it may run models, but not read usage and billing (preset API)");
        }
        (true, false) => {
            report.warn("key", "fal accepts it, but it may not run models (such as the preset BILLING)", help());
        }
        (true, true) => report.warn("key", "fal accepts it, but it may neither run models nor read billing", help()),
    }
}

fn check_lock(lock: Result<LockState, Error>, report: &mut Report) {
    match lock {
        Ok(state) if state.is_locked => {
            let reason = state.lock_reason.as_ref();
            let words = reason.map_or("fal gives no reason", |reason| reason.as_str());
            let remedy = reason.map_or(BILLING, |reason| reason.remedy());
            report.fail("account", Exit::Account, format!("locked: {words}"), remedy);
        }
        Ok(state) => {
            let budget = |amount: Option<Decimal>| amount.map(|amount| Cost::new(amount, "USD"));
            let budget = match (budget(state.soft_monthly_budget), budget(state.hard_monthly_budget)) {
                (_, Some(hard)) => format!("; it locks above {hard} a month"),
                (Some(soft), None) => format!("; fal warns above {soft} a month"),
                (None, None) => String::new(),
            };
            report.pass("account", format!("not locked{budget}"));
        }
        Err(error) if error.is_permission_denied() => {
            report.pass("account", format!("the key may not read the lock and the balance, which {BILLING} shows"))
        }
        Err(error) => report.warn("account", format!("the lock is unknown: {error}"), format!("see {BILLING}")),
    }
}

fn check_balance(account: Result<Account, Error>, report: &mut Report) {
    match account.map(|account| account.credits) {
        Ok(Some(credits)) => {
            let balance = Cost::new(credits.current_balance, credits.currency);
            match balance.amount < LOW_BALANCE {
                true => report.warn("balance", format!("{balance} left"), format!("top up at {BILLING}")),
                false => report.pass("balance", balance.to_string()),
            }
        }
        Ok(None) => report.pass("balance", "fal does not say"),
        Err(error) if error.is_permission_denied() => {}
        Err(error) => report.warn("balance", format!("unknown: {error}"), format!("see {BILLING}")),
    }
}

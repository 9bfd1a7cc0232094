use http::Method;
use rust_decimal::Decimal;
use serde::Serialize;

use super::fields::Fields;
use super::{Platform, call};
use crate::error::Error;
use crate::money::as_text;
use crate::protocol::LockReason;
use crate::transport::{Operation, Request, join};

/// The account of the API key. Returned by [`Platform::account`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Account {
    /// The name of the user or the team.
    pub username: Option<String>,
    /// The prepaid credits.
    pub credits: Option<Credits>,
}

/// Prepaid credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Credits {
    /// The balance. It may be negative.
    #[serde(serialize_with = "as_text")]
    pub current_balance: Decimal,
    /// The currency, such as `USD`.
    pub currency: String,
}

/// The lock of an account. Returned by [`Platform::lock_state`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LockState {
    /// True if fal refuses new requests of the account.
    pub is_locked: bool,
    /// The reason of the lock.
    pub lock_reason: Option<LockReason>,
    /// True if the account has paid.
    pub is_paying: Option<bool>,
    /// The monthly budget above which fal warns.
    #[serde(serialize_with = "as_text")]
    pub soft_monthly_budget: Option<Decimal>,
    /// The monthly budget above which fal locks the account.
    #[serde(serialize_with = "as_text")]
    pub hard_monthly_budget: Option<Decimal>,
    /// The id of the user.
    pub user_id: Option<String>,
}

impl Platform {
    /// Fetches the account and its credits. The key needs the permission of an administrator.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
    /// if let Some(credits) = client.platform().account().await?.credits {
    ///     println!("{} {}", credits.current_balance, credits.currency);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// fal rejects the request, for example because the key lacks the permission
    /// ([`Error::is_permission_denied`]).
    pub async fn account(&self) -> Result<Account, Error> {
        const NAME: &str = "account";
        let mut url = join(&self.client.context().hosts.api, "v1/account/billing");
        url.set_query(Some("expand=credits"));
        let response = call(&self.client, &Request::new(Operation::Platform(NAME), Method::GET, url)).await?;
        let account = Fields::read(&response.body, |fields| {
            let credits = fields.object("credits").and_then(|credits| {
                let currency = credits.text("currency").unwrap_or_else(|| "USD".to_owned());
                Some(Credits { current_balance: credits.decimal("current_balance")?, currency })
            });
            let username = fields.text("username");
            (username.is_some() || credits.is_some()).then_some(Account { username, credits })
        });
        account.ok_or_else(|| Error::unexpected("account: fal returned neither a name nor credits", response))
    }

    /// Fetches the lock of the account. The key needs the permission of an administrator.
    ///
    /// A locked account is not an error here: fal serves this request while the account is locked. It is a request to fal's
    /// REST host, without a documented schema.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
    /// let lock = client.platform().lock_state().await?;
    /// if lock.is_locked {
    ///     println!("locked: {:?}", lock.lock_reason);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// fal rejects the request, for example because the key lacks the permission
    /// ([`Error::is_permission_denied`]).
    pub async fn lock_state(&self) -> Result<LockState, Error> {
        const NAME: &str = "lock state";
        let url = join(&self.client.context().hosts.rest, "billing/user_details");
        let response = call(&self.client, &Request::new(Operation::Platform(NAME), Method::GET, url)).await?;
        let state = Fields::read(&response.body, |fields| {
            let lock_reason = fields.text("lock_reason").map(LockReason::other);
            Some(LockState {
                is_locked: fields.boolean("is_locked").or(lock_reason.is_some().then_some(true))?,
                lock_reason,
                is_paying: fields.boolean("is_paying"),
                soft_monthly_budget: fields.decimal("soft_monthly_budget"),
                hard_monthly_budget: fields.decimal("hard_monthly_budget"),
                user_id: fields.text("user_id"),
            })
        });
        state.ok_or_else(|| Error::unexpected("lock state: fal does not say if the account is locked", response))
    }

    /// Fetches the IP ranges from which fal delivers webhooks, such as `192.0.2.0/24`. fal may change them.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
    /// println!("allow {}", client.platform().webhook_ip_ranges().await?.join(", "));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// fal rejects the request, or its response has no ranges.
    pub async fn webhook_ip_ranges(&self) -> Result<Vec<String>, Error> {
        const NAME: &str = "IP ranges of webhooks";
        let url = join(&self.client.context().hosts.api, "v1/meta");
        let response = call(&self.client, &Request::new(Operation::Platform(NAME), Method::GET, url)).await?;
        let ranges = Fields::read(&response.body, |meta| Some(meta.texts("webhook_ip_ranges")));
        match ranges.filter(|ranges| !ranges.is_empty()) {
            Some(ranges) => Ok(ranges),
            None => Err(Error::unexpected("fal returned no IP ranges of webhooks", response)),
        }
    }
}

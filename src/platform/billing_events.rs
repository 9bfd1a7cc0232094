use rust_decimal::Decimal;
use serde::Serialize;

use super::Platform;
use super::fields::Fields;
use super::list::{Item, Listed, Query, list, time_range};
use super::timestamp::Timestamp;
use super::usage::AuthMethod;
use crate::money::as_text;

/// The bills of single requests. Returned by [`Platform::billing_events`].
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use futures_util::TryStreamExt;
///
/// let mut events = client.platform().billing_events().start("2026-11-01").endpoints(["fal-ai/flux/dev"]).stream();
/// while let Some(event) = events.try_next().await? {
///     println!("{} {:?} units, {:?} US dollars", event.request_id, event.output_units, event.cost_total);
/// }
/// # Ok(())
/// # }
/// ```
///
/// The key needs the permission of an administrator.
#[derive(Clone, Debug)]
#[must_use = "a list does nothing until it is fetched"]
pub struct BillingEvents {
    query: Query,
}

/// The bill of a request. Returned by [`BillingEvents`]. Amounts are in US dollars.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BillingEvent {
    /// The request id.
    pub request_id: String,
    /// The endpoint id. Empty if fal did not send it.
    pub endpoint_id: String,
    /// Time of the request.
    pub timestamp: Option<Timestamp>,
    /// The billed units.
    #[serde(serialize_with = "as_text")]
    pub output_units: Option<Decimal>,
    /// The price of a unit.
    #[serde(serialize_with = "as_text")]
    pub unit_price: Option<Decimal>,
    /// The discount, in percent.
    #[serde(serialize_with = "as_text")]
    pub percent_discount: Option<Decimal>,
    /// The cost before discounts.
    #[serde(serialize_with = "as_text")]
    pub cost_subtotal: Option<Decimal>,
    /// The amount of the discount.
    #[serde(serialize_with = "as_text")]
    pub cost_discount: Option<Decimal>,
    /// The cost after discounts.
    #[serde(serialize_with = "as_text")]
    pub cost_total: Option<Decimal>,
    /// The key or the login. `None` without [`BillingEvents::auth_method`].
    pub auth_method: Option<AuthMethod>,
}

impl Platform {
    /// Lists the bills of single requests. [`usage`](Self::usage) has their sums.
    pub fn billing_events(&self) -> BillingEvents {
        BillingEvents { query: Query::new(&self.client, "list of billing events", "v1/models/billing-events") }
    }
}

impl BillingEvents {
    time_range! {
        /// Sets the beginning of the time range. Default: 24 hours ago. The range has at most 90 days.
    }

    /// Lists the bills of these endpoints. Default: all. Without an id, the list is empty.
    pub fn endpoints(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.query.set_endpoints(ids);
        self
    }

    /// Lists the bills of these requests. Default: all requests of the time range. Without an id, the list is empty.
    pub fn requests(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.query.set_ids("request_id", ids.into_iter().map(Into::into).collect());
        self
    }

    /// Lists the bills of requests with these [tags](crate::Submit::tags). A request needs all of them.
    pub fn tags<K: AsRef<str>, V: AsRef<str>>(mut self, tags: impl IntoIterator<Item = (K, V)>) -> Self {
        self.query.set("tag", None);
        for (key, value) in tags {
            self.query.set_value("tag", &format!("{}={}", key.as_ref(), value.as_ref()), true);
        }
        self
    }

    /// Lists the bills of API keys, by their ids. Range: 1 to 50 ids. Default: all keys.
    pub fn api_keys(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.query.set_values("api_key_id", ids);
        self
    }

    /// Lists the bills of users, by their logins. Range: 1 to 50 logins. Default: all users.
    pub fn usernames(mut self, logins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.query.set_values("login_username", logins);
        self
    }

    /// Includes the key or the login of the requests. Default: `false`.
    pub fn auth_method(mut self, include: bool) -> Self {
        self.query.set_value("expand", "auth_method_structured", include);
        self
    }
}

list!(BillingEvents => BillingEvent,
    /// Sets the maximum number of bills of a page. Default: fal's. Range: 1 to 10,000.
);

impl Item for BillingEvent {
    fn listed(response: &Fields<'_>) -> Option<Listed<Self>> {
        Listed::read(response, "billing_events", BillingEvent::read)
    }

    fn endpoint_id(&self) -> &str {
        &self.endpoint_id
    }
}

impl BillingEvent {
    fn read(fields: Fields<'_>) -> Option<Self> {
        let from_nanos = || fields.decimal("cost_estimate_nano_usd")?.checked_div(Decimal::from(1_000_000_000));
        Some(BillingEvent {
            request_id: fields.text("request_id")?,
            endpoint_id: fields.text("endpoint_id").unwrap_or_default(),
            timestamp: fields.time("timestamp"),
            output_units: fields.decimal("output_units"),
            unit_price: fields.decimal("unit_price"),
            percent_discount: fields.decimal("percent_discount"),
            cost_subtotal: fields.decimal("cost_subtotal"),
            cost_discount: fields.decimal("cost_discount"),
            cost_total: fields.decimal("cost_total").or_else(from_nanos),
            auth_method: AuthMethod::read(&fields),
        })
    }
}

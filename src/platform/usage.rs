use rust_decimal::Decimal;
use serde::Serialize;

use super::Platform;
use super::fields::Fields;
use super::list::{Item, Listed, Query, list, time_range};
use super::timestamp::Timestamp;
use crate::money::as_text;

/// The billed usage of the account. Returned by [`Platform::usage`].
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use fal_client::platform::Timeframe;
/// use futures_util::TryStreamExt;
///
/// let usage = client.platform().usage().start("2026-11-01").end("2026-12-01").timeframe(Timeframe::Day);
/// let mut usage = usage.stream();
/// while let Some(record) = usage.try_next().await? {
///     println!("{:?} {} {:?} {:?}", record.bucket, record.endpoint_id, record.quantity, record.cost_total);
/// }
/// # Ok(())
/// # }
/// ```
///
/// The key needs the permission of an administrator.
#[derive(Clone, Debug)]
#[must_use = "a list does nothing until it is fetched"]
pub struct Usage {
    query: Query,
}

/// The usage of an endpoint at one price. Returned by [`Usage`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct UsageRecord {
    /// The beginning of the period. `None` in a [summary](Usage::summary).
    pub bucket: Option<Timestamp>,
    /// The endpoint id.
    pub endpoint_id: String,
    /// The billing unit, such as `image`.
    pub unit: Option<String>,
    /// The number of units.
    #[serde(serialize_with = "as_text")]
    pub quantity: Option<Decimal>,
    /// The price of a unit before discounts.
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
    /// The currency of all amounts, such as `USD`.
    pub currency: Option<String>,
    /// The key or the login. `None` without [`Usage::auth_method`].
    pub auth_method: Option<AuthMethod>,
}

/// The key or the login of billed requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuthMethod {
    /// The name of the key or of the user.
    pub detail: String,
    /// The id of the key.
    pub api_key_id: Option<String>,
    /// The login of the user.
    pub login_username: Option<String>,
}

/// The length of the periods of [`Usage`].
#[fal_client::open_enum]
pub enum Timeframe {
    /// One minute.
    #[value("minute")]
    Minute,
    /// One hour.
    #[value("hour")]
    Hour,
    /// One day.
    #[value("day")]
    Day,
    /// One week.
    #[value("week")]
    Week,
    /// One month.
    #[value("month")]
    Month,
}

impl Platform {
    /// Lists the billed usage of the account, by period and endpoint.
    pub fn usage(&self) -> Usage {
        Usage { query: Query::new(&self.client, "list of usage", "v1/models/usage") }
    }
}

impl Usage {
    time_range! {
        /// Sets the beginning of the time range. Default: 24 hours ago.
    }

    /// Sets the time zone of the periods, such as `Europe/Rome`. Default: UTC.
    pub fn timezone(mut self, timezone: impl Into<String>) -> Self {
        self.query.set("timezone", Some(timezone.into()));
        self
    }

    /// Sets the length of the periods. Default: minutes below 2 hours, hours below 2 days, days below 64 days, weeks below 183
    /// days, else months.
    pub fn timeframe(mut self, timeframe: Timeframe) -> Self {
        self.query.set("timeframe", Some(timeframe.as_str().to_owned()));
        self
    }

    /// Extends the time range to whole periods. Default: `true`.
    pub fn whole_periods(mut self, extend: bool) -> Self {
        self.query.set("bound_to_timeframe", Some(extend.to_string()));
        self
    }

    /// Lists the usage of these endpoints. Default: all. Without an id, the list is empty.
    pub fn endpoints(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.query.set_endpoints(ids);
        self
    }

    /// Lists the usage of API keys, by their ids. Range: 1 to 50 ids. Default: all keys.
    pub fn api_keys(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.query.set_values("api_key_id", ids);
        self
    }

    /// Lists the usage of users, by their logins. Range: 1 to 50 logins. Default: all users.
    pub fn usernames(mut self, logins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.query.set_values("login_username", logins);
        self
    }

    /// Lists the sums of the whole time range instead of its periods. Default: `false`.
    pub fn summary(mut self, summary: bool) -> Self {
        self.query.set_value("expand", "summary", summary);
        self.complete()
    }

    /// Includes the key or the login of the requests. Default: `false`.
    pub fn auth_method(mut self, include: bool) -> Self {
        self.query.set_value("expand", "auth_method_structured", include);
        self.complete()
    }

    /// Names the periods, which are fal's default only without any other value.
    fn complete(mut self) -> Self {
        let is_summary = self.query.has_value("expand", "summary");
        let is_default = !self.query.has_value("expand", "auth_method_structured");
        self.query.set_value("expand", "time_series", !is_summary && !is_default);
        self
    }
}

list!(Usage => UsageRecord,
    /// Sets the maximum number of periods of a page. Default: fal's. Minimum: 1.
);

impl Item for UsageRecord {
    fn listed(response: &Fields<'_>) -> Option<Listed<Self>> {
        let summary = Listed::read(response, "summary", |record| UsageRecord::read(record, None));
        let Some(buckets) = response.list("time_series") else { return summary };
        let mut listed = summary.unwrap_or_default();
        for bucket in buckets {
            let Some(bucket) = Fields::parse(bucket) else {
                listed.skip();
                continue;
            };
            match bucket.list("results") {
                Some(records) => listed.extend(&records, |record| UsageRecord::read(record, bucket.time("bucket"))),
                None => listed.skip(),
            }
        }
        Some(listed)
    }

    fn endpoint_id(&self) -> &str {
        &self.endpoint_id
    }
}

impl UsageRecord {
    fn read(fields: Fields<'_>, bucket: Option<Timestamp>) -> Option<Self> {
        Some(UsageRecord {
            bucket,
            endpoint_id: fields.text("endpoint_id")?,
            unit: fields.text("unit"),
            quantity: fields.decimal("quantity"),
            unit_price: fields.decimal("unit_price"),
            percent_discount: fields.decimal("percent_discount"),
            cost_subtotal: fields.decimal("cost_subtotal"),
            cost_discount: fields.decimal("cost_discount"),
            // `cost` is its deprecated name.
            cost_total: fields.decimal("cost_total").or_else(|| fields.decimal("cost")),
            currency: fields.text("currency"),
            auth_method: AuthMethod::read(&fields),
        })
    }
}

impl AuthMethod {
    /// Reads the key or the login of a record.
    pub(super) fn read(record: &Fields<'_>) -> Option<Self> {
        let method = record.object("auth_method_structured")?;
        Some(AuthMethod {
            detail: method.text("detail").unwrap_or_default(),
            api_key_id: method.text("api_key_id"),
            login_username: method.text("login_username"),
        })
    }
}

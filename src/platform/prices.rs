use futures_util::TryStreamExt;

use super::Platform;
use super::fields::Fields;
use super::list::{Item, Items, Listed, Query, Unknown};
use crate::call::future::call_future;
use crate::error::Error;
use crate::money::{Price, PriceTable, not_negative};

/// Fetches prices as a [`PriceTable`] when awaited, or streams them. Returned by [`Platform::prices`].
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// let prices = client.platform().prices(["fal-ai/flux/dev", "fal-ai/flux/schnell"]).await?;
/// let response = client.endpoint("fal-ai/flux/dev").run(serde_json::json!({ "prompt": "a fox" })).await?;
/// println!("{}", response.cost(&prices)?);
/// # Ok(())
/// # }
/// ```
///
/// More than 50 ids are split into several requests. The table lacks an endpoint for which fal returned no readable price: see
/// [`PriceTable::get`].
///
/// # Errors
///
/// - An id is invalid. Nothing was sent.
/// - fal does not know some of the endpoints, or has no price of them ([`Error::is_not_found`]). The message names them.
/// - fal rejects the request, or its response has no prices.
#[derive(Clone, Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct Prices {
    query: Query,
}

impl Platform {
    /// Fetches the prices of endpoints, which may be the account's own.
    pub fn prices(&self, ids: impl IntoIterator<Item = impl Into<String>>) -> Prices {
        let mut query = Query::new(&self.client, "list of prices", "v1/models/pricing").unknown(Unknown::Rejected);
        query.set_endpoints(ids);
        Prices { query }
    }
}

impl Prices {
    /// Leaves endpoints out that fal does not know or that have no price. Default: `false`, which is an error.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client, ids: Vec<String>) -> Result<(), fal_client::Error> {
    /// let prices = client.platform().prices(ids).skip_unknown(true).await?;
    /// # let _ = prices;
    /// # Ok(())
    /// # }
    /// ```
    pub fn skip_unknown(mut self, skip: bool) -> Self {
        self.query.skip_unknown(skip);
        self
    }

    /// Streams the prices. The error about unknown endpoints comes last.
    pub fn stream(self) -> Items<Price> {
        self.query.stream()
    }

    async fn start(self) -> Result<PriceTable, Error> {
        self.stream().try_collect::<Vec<Price>>().await.map(PriceTable::from_iter)
    }
}

call_future!([] Prices => 'static, PriceTable);

impl Item for Price {
    const UNKNOWN: &'static str = "no prices of endpoints";

    fn listed(response: &Fields<'_>) -> Option<Listed<Self>> {
        Listed::read(response, "prices", |fields| {
            let unit_price = not_negative(fields.decimal("unit_price")?).ok()?;
            let price = Price::new(fields.text("endpoint_id")?, unit_price, fields.text("unit").unwrap_or_default());
            Some(match fields.text("currency") {
                Some(currency) => price.with_currency(currency.to_ascii_uppercase()),
                None => price,
            })
        })
    }

    fn endpoint_id(&self) -> &str {
        &self.endpoint
    }
}

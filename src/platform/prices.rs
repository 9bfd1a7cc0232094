use futures_util::TryStreamExt;

use super::Platform;
use super::fields::Fields;
use super::list::{Item, Listed, Query, Unknown};
use crate::error::Error;
use crate::money::{Price, PriceTable};

impl Platform {
    /// Fetches the prices of endpoints, which may be the account's own. More than 50 ids are split into several requests.
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
    /// The table lacks an endpoint for which fal returned no readable price: see [`PriceTable::get`].
    ///
    /// # Errors
    ///
    /// - An id is invalid. Nothing was sent.
    /// - fal does not know some of the endpoints ([`Error::is_not_found`]). The message names them.
    /// - fal rejects the request, or its response has no prices.
    pub async fn prices(&self, ids: impl IntoIterator<Item = impl Into<String>>) -> Result<PriceTable, Error> {
        let mut query = Query::new(&self.client, "list of prices", "v1/models/pricing").unknown(Unknown::Rejected);
        query.set_endpoints(ids);
        query.stream().try_collect::<Vec<Price>>().await.map(PriceTable::from_iter)
    }
}

impl Item for Price {
    fn listed(response: &Fields) -> Option<Listed<Self>> {
        Listed::read(response, "prices", |fields| {
            let unit_price =
                fields.decimal("unit_price").filter(|price| price.is_zero() || price.is_sign_positive())?;
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

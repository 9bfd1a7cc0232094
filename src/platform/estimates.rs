use std::collections::BTreeMap;

use http::Method;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::value::RawValue;

use super::fields::Fields;
use super::list::{MAX_IDS, endpoint_ids};
use super::{Platform, call};
use crate::error::{Error, ErrorKind};
use crate::money::{Cost, Estimate, IntoAmount, not_negative};
use crate::text::shown;
use crate::transport::{Operation, Request, join};

/// Minimum number of units (fal's platform API reference).
const MIN_UNITS: Decimal = Decimal::from_parts(1, 0, 0, false, 6);

/// The body of a request.
#[derive(Serialize)]
struct Body<'a> {
    estimate_type: &'static str,
    endpoints: BTreeMap<&'a str, BTreeMap<&'static str, Box<RawValue>>>,
}

impl Platform {
    /// Estimates the cost of calls of an endpoint from the average cost of its past calls.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
    /// let estimate = client.platform().estimate("fal-ai/flux/dev", 100).await?;
    /// println!("{}, by {:?}", estimate.cost, estimate.basis);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`Estimate::cost`] is that of all calls, and [`Estimate::cost_per_call`] that of one, which is what a budget reserves. The number
    /// of calls is not a number of units, unlike in [`estimate_units`](Self::estimate_units) and `PriceTable::estimate`.
    ///
    /// A second request fetches the price, from which the units of a call follow. They are unknown without a price.
    ///
    /// # Errors
    ///
    /// - The id is invalid, or the number of calls is zero. Nothing was sent.
    /// - fal does not know the endpoint ([`Error::is_not_found`]), or rejects the request.
    pub async fn estimate(&self, endpoint: impl Into<String>, calls: u64) -> Result<Estimate, Error> {
        let endpoint = endpoint.into();
        let cost = self.cost_of_calls([(endpoint.as_str(), calls)]).await?;
        let prices = self.prices([endpoint.as_str()]).skip_unknown(true).await?;
        let price = prices.get(&endpoint);
        Estimate::historical(endpoint, cost, calls, price)
    }

    /// Estimates the cost of one call that is billed the given units, at fal's price for the account. Minimum: 0.000001 units.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
    /// let estimate = client.platform().estimate_units("fal-ai/flux/dev", 4.5).await?;
    /// println!("{}", estimate.cost);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`estimate`](Self::estimate), with the units in place of the calls.
    pub async fn estimate_units(&self, endpoint: impl Into<String>, units: impl IntoAmount) -> Result<Estimate, Error> {
        let (endpoint, units) = (endpoint.into(), units.into_amount()?);
        let cost = self.cost_of_units([(endpoint.as_str(), units)]).await?;
        Ok(Estimate::given(&endpoint, units, cost))
    }

    /// Estimates the total cost of calls of several endpoints, from the average cost of past calls. More than 50 endpoints are
    /// split into several requests.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
    /// let calls = [("fal-ai/flux/dev", 100), ("fal-ai/veo3.1", 2)];
    /// println!("{}", client.platform().cost_of_calls(calls).await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - An id is invalid or occurs twice, a number of calls is zero, or there are no calls. Nothing was sent.
    /// - fal does not know an endpoint ([`Error::is_not_found`]), or rejects the request.
    pub async fn cost_of_calls(
        &self,
        calls: impl IntoIterator<Item = (impl Into<String>, u64)>,
    ) -> Result<Cost, Error> {
        let calls = calls.into_iter().map(|(id, calls)| (id.into(), Decimal::from(calls)));
        self.total("historical_api_price", "call_quantity", Decimal::ONE, calls.collect()).await
    }

    /// Estimates the total cost of units of several endpoints, at fal's prices for the account. More than 50 endpoints are split
    /// into several requests. Minimum of each: 0.000001 units.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
    /// let units = [("fal-ai/flux/dev", 104.5), ("fal-ai/veo3.1", 16.0)];
    /// println!("{}", client.platform().cost_of_units(units).await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`cost_of_calls`](Self::cost_of_calls), with the units in place of the calls.
    pub async fn cost_of_units(
        &self,
        units: impl IntoIterator<Item = (impl Into<String>, impl IntoAmount)>,
    ) -> Result<Cost, Error> {
        let units = units.into_iter().map(|(id, units)| Ok((id.into(), units.into_amount()?)));
        let units = units.collect::<Result<_, Error>>()?;
        self.total("unit_price", "unit_quantity", MIN_UNITS, units).await
    }

    async fn total(
        &self,
        estimate_type: &'static str,
        quantity_name: &'static str,
        min: Decimal,
        quantities: Vec<(String, Decimal)>,
    ) -> Result<Cost, Error> {
        let invalid = |message: String| Error::new(ErrorKind::InvalidInput, message);
        let ids = endpoint_ids(quantities.iter().map(|(id, _)| id.as_str()))?;
        if ids.len() < quantities.len() {
            return Err(invalid("an endpoint occurs twice in the estimate: add its numbers up".to_owned()));
        }
        if let Some((id, quantity)) = quantities.iter().find(|(_, quantity)| *quantity < min) {
            let message = format!("invalid {quantity_name} {quantity} of `{}`: expected at least {min}", shown(id));
            return Err(invalid(message));
        }
        let mut costs = Vec::new();
        let endpoints: Vec<_> = ids.iter().zip(quantities.iter().map(|(_, quantity)| quantity)).collect();
        for batch in endpoints.chunks(MAX_IDS) {
            let endpoints = batch.iter().map(|(id, quantity)| {
                // An `f64` would lose digits.
                let number = RawValue::from_string(quantity.to_string()).map_err(|error| invalid(error.to_string()))?;
                Ok((id.as_str(), BTreeMap::from([(quantity_name, number)])))
            });
            let endpoints = endpoints.collect::<Result<_, Error>>()?;
            costs.push(self.cost(&Body { estimate_type, endpoints }).await?);
        }
        Cost::total(costs)?.ok_or_else(|| invalid("nothing to estimate: name at least one endpoint".to_owned()))
    }

    async fn cost(&self, body: &Body<'_>) -> Result<Cost, Error> {
        const NAME: &str = "cost estimate";
        let url = join(&self.client.context().hosts.api, "v1/models/pricing/estimate");
        let mut request = Request::new(Operation::Platform(NAME), Method::POST, url);
        let json = serde_json::to_vec(body).map_err(|error| Error::new(ErrorKind::InvalidInput, error.to_string()))?;
        request.body = Some(json.into());
        let response = call(&self.client, &request).await?;
        let cost = Fields::read(&response.body, |fields| {
            // An estimate by another method would be another number.
            fields.text("estimate_type").is_none_or(|found| found == body.estimate_type).then_some(())?;
            let currency = fields.text("currency").unwrap_or_else(|| "USD".to_owned());
            Some(Cost::new(not_negative(fields.decimal("total_cost")?).ok()?, currency.to_ascii_uppercase()))
        });
        cost.ok_or_else(|| Error::unexpected("fal returned no cost estimate", response))
    }
}

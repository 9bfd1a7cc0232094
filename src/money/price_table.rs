use std::borrow::{Borrow, Cow};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use http::HeaderMap;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

use super::amount::{IntoAmount, not_negative};
use super::{Cost, Estimate, Price, USD, billed_units, exact};
use crate::error::{Error, ErrorKind};
use crate::protocol::{EndpointId, path_of};
use crate::text::shown;

/// Maximum bytes of a price file. The prices of 2,000 endpoints are 200 KB.
const MAX_FILE: u64 = 64 << 20;

/// Prices by endpoint.
///
/// ```
/// use fal_client::money::PriceTable;
///
/// # fn main() -> Result<(), fal_client::Error> {
/// let prices = PriceTable::from_json(
///     r#"{"prices": [{"endpoint_id": "fal-ai/flux/dev", "unit_price": 0.025, "unit": "megapixels", "currency": "USD"}]}"#,
/// )?;
/// assert_eq!(prices.cost("fal-ai/flux/dev", 4)?.to_string(), "$0.1000");
/// # Ok(())
/// # }
/// ```
///
/// The JSON has the shape of fal's platform API (`GET /v1/models/pricing`), so that a saved response is a price file. A table is
/// also collected from an iterator of [`Price`]; of several prices of an endpoint, the last one applies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceTable {
    prices: BTreeMap<String, Price>,
}

impl PriceTable {
    /// Creates an empty table.
    pub fn new() -> Self {
        PriceTable::default()
    }

    /// Reads a table from JSON. Amounts are read exactly. The currency is `USD` if it is absent. Other fields are ignored.
    ///
    /// # Errors
    ///
    /// The JSON is invalid, an amount is negative or not a number, or an endpoint has two different prices
    /// ([`ErrorKind::Amount`]). The message names the place.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        parse(json).map_err(|reason| Error::new(ErrorKind::Amount, format!("invalid price table: {reason}")))
    }

    /// Reads a table from a JSON file, like [`from_json`](Self::from_json). Blocks while it reads.
    ///
    /// # Errors
    ///
    /// The file cannot be read or exceeds 64 MiB ([`ErrorKind::File`]), and those of [`from_json`](Self::from_json).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let name = shown(&path.display().to_string());
        let json = read(path).map_err(|error| {
            Error::new(ErrorKind::File, format!("cannot read the price table {name}: {error}")).caused_by(error)
        })?;
        parse(&json).map_err(|reason| Error::new(ErrorKind::Amount, format!("invalid price table {name}: {reason}")))
    }

    /// Writes the table as JSON, which [`from_json`](Self::from_json) reads. One price a line, sorted by endpoint.
    pub fn to_json(&self) -> String {
        let row = |price: &Price| {
            let Price { endpoint, unit_price, unit, currency } = price;
            let [endpoint, unit, currency] = [endpoint, unit, currency].map(|text| Value::from(text.as_str()));
            format!(
                r#"  {{"endpoint_id": {endpoint}, "unit_price": {unit_price}, "unit": {unit}, "currency": {currency}}}"#
            )
        };
        let rows: Vec<String> = self.iter().map(row).collect();
        format!("{{\"prices\": [\n{}\n]}}\n", rows.join(",\n"))
    }

    /// Returns the price of an endpoint.
    pub fn get(&self, endpoint: &str) -> Option<&Price> {
        self.prices.get::<str>(canonical(endpoint).borrow())
    }

    /// Returns the prices, sorted by endpoint.
    pub fn iter(&self) -> impl Iterator<Item = &Price> {
        self.prices.values()
    }

    /// Returns the number of prices.
    pub fn len(&self) -> usize {
        self.prices.len()
    }

    /// Returns true without a price.
    pub fn is_empty(&self) -> bool {
        self.prices.is_empty()
    }

    /// Returns the cost of units of an endpoint.
    ///
    /// # Errors
    ///
    /// The table has no price for the endpoint ([`ErrorKind::UnknownPrice`]), and those of [`Price::cost`].
    pub fn cost(&self, endpoint: &str, units: impl IntoAmount) -> Result<Cost, Error> {
        let Some(price) = self.get(endpoint) else {
            let message = "no price for the endpoint: add its `Price` to the price table";
            return Err(Error::new(ErrorKind::UnknownPrice, message).with_endpoint(endpoint));
        };
        price.cost(units)
    }

    /// Returns the cost of a response by its headers: its billed units (`x-fal-billable-units`) at the price of its endpoint. It serves
    /// for streams and for errors. [`Response::cost`](crate::Response::cost) does the same for a response.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client, prices: fal_client::money::PriceTable) -> Result<(), fal_client::Error> {
    /// let call = client.endpoint("fal-ai/flux/dev").run(serde_json::json!({ "prompt": "a fox" }));
    /// if let Err(error) = call.await
    ///     && let Some(headers) = error.headers()
    /// {
    ///     println!("{error}; it cost {}", prices.billed("fal-ai/flux/dev", headers)?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The headers do not have the units, or units that cannot be read ([`ErrorKind::UnknownUnits`]), and those of
    /// [`cost`](Self::cost).
    pub fn billed(&self, endpoint: &str, headers: &HeaderMap) -> Result<Cost, Error> {
        let units = billed_units(headers).and_then(|units| {
            let message = "the response does not have its billed units (`x-fal-billable-units`)";
            units.ok_or_else(|| Error::new(ErrorKind::UnknownUnits, message))
        });
        self.cost(endpoint, units.map_err(|error| error.with_endpoint(endpoint))?)
    }

    /// Estimates the cost of one call that is billed the given units.
    ///
    /// `units` are those of one call, and not a number of calls: `estimate(id, 100)` is one call that is billed 100 units. They depend
    /// on the endpoint and on the input, and are seldom one. `Platform::estimate` knows the average of the past.
    ///
    /// ```
    /// use fal_client::money::{EstimateBasis, IntoAmount, Price, PriceTable};
    ///
    /// # fn main() -> Result<(), fal_client::Error> {
    /// let prices: PriceTable = [Price::new("fal-ai/flux/dev", "0.025".into_amount()?, "megapixels")].into_iter().collect();
    /// let estimate = prices.estimate("fal-ai/flux/dev", 4)?;
    /// assert_eq!(estimate.cost.to_string(), "$0.1000");
    /// assert_eq!(estimate.basis, EstimateBasis::GivenUnits(4.into_amount()?));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`cost`](Self::cost).
    pub fn estimate(&self, endpoint: &str, units: impl IntoAmount) -> Result<Estimate, Error> {
        let units = not_negative(units).map_err(|error| error.context("the units").with_endpoint(endpoint))?;
        Ok(Estimate::given(endpoint, units, self.cost(endpoint, units)?))
    }
}

impl FromIterator<Price> for PriceTable {
    fn from_iter<T: IntoIterator<Item = Price>>(prices: T) -> Self {
        let mut table = PriceTable::default();
        table.extend(prices);
        table
    }
}

impl Extend<Price> for PriceTable {
    fn extend<T: IntoIterator<Item = Price>>(&mut self, prices: T) {
        for price in prices {
            self.prices.insert(canonical(&price.endpoint).into_owned(), price);
        }
    }
}

impl<'a> IntoIterator for &'a PriceTable {
    type Item = &'a Price;
    type IntoIter = std::collections::btree_map::Values<'a, String, Price>;

    fn into_iter(self) -> Self::IntoIter {
        self.prices.values()
    }
}

impl IntoIterator for PriceTable {
    type Item = Price;
    type IntoIter = std::collections::btree_map::IntoValues<String, Price>;

    fn into_iter(self) -> Self::IntoIter {
        self.prices.into_values()
    }
}

/// Returns the one spelling of an endpoint's id under which its price is kept.
pub(super) fn canonical(endpoint: &str) -> Cow<'_, str> {
    match EndpointId::parse(endpoint.trim()) {
        Ok(id) if id.as_str() != endpoint => Cow::Owned(id.as_str().to_owned()),
        _ => Cow::Borrowed(endpoint),
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut json = String::new();
    let length = File::open(path)?.take(MAX_FILE + 1).read_to_string(&mut json)? as u64;
    match length > MAX_FILE {
        true => Err(std::io::Error::other(format!("it exceeds {MAX_FILE} bytes"))),
        false => Ok(json),
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `prices`")]
struct Rows {
    prices: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `endpoint_id`, `unit_price` and `unit`")]
struct Row {
    endpoint_id: String,
    #[serde(deserialize_with = "exact")]
    unit_price: Decimal,
    unit: String,
    #[serde(default)]
    currency: Option<String>,
}

/// Parses a table.
///
/// # Errors
///
/// The reason, with the place.
fn parse(json: &str) -> Result<PriceTable, String> {
    let json = json.trim_start_matches('\u{feff}');
    // serde would read it as the fields of the object, in order.
    if json.trim_start().starts_with('[') {
        return Err("invalid type: array, expected an object with `prices`".to_owned());
    }
    let Rows { prices } = serde_json::from_str(json).map_err(|error| {
        let reason = shown(&error.to_string());
        match path_of(&error, json) {
            Some(path) => format!("at `{}`: {reason}", shown(&path)),
            None => reason,
        }
    })?;
    let mut table = PriceTable::default();
    for (index, Row { endpoint_id, unit_price, unit, currency }) in prices.into_iter().enumerate() {
        if endpoint_id.trim().is_empty() {
            return Err(format!("at `prices[{index}].endpoint_id`: the id is empty"));
        }
        let currency = currency.map(|code| code.trim().to_ascii_uppercase()).filter(|code| !code.is_empty());
        let price = Price::new(endpoint_id, unit_price, unit).with_currency(currency.as_deref().unwrap_or(USD));
        if table.get(&price.endpoint).is_some_and(|other| *other != price) {
            let endpoint = shown(&price.endpoint);
            return Err(format!("at `prices[{index}]`: another price of {endpoint} precedes it: keep one of them"));
        }
        table.extend([price]);
    }
    Ok(table)
}

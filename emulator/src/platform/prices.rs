use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rust_decimal::Decimal;

use crate::platform::price::Price;
use crate::sync::lock;

/// The prices and billable units that a test has set, by endpoint id.
#[derive(Debug, Default)]
pub(crate) struct Prices(Mutex<Table>);

#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    prices: HashMap<String, Arc<Price>>,
    /// The price of every other endpoint.
    default: Option<Arc<Price>>,
    units: HashMap<String, Decimal>,
}

impl Table {
    pub(crate) fn set(&mut self, endpoint: String, price: Price) {
        self.prices.insert(endpoint, Arc::new(price));
    }

    pub(crate) fn set_default(&mut self, price: Price) {
        self.default = Some(Arc::new(price));
    }

    pub(crate) fn set_units(&mut self, endpoint: String, units: Decimal) {
        self.units.insert(endpoint, units);
    }
}

impl Prices {
    pub(crate) fn new(table: Table) -> Self {
        Prices(Mutex::new(table))
    }

    pub(crate) fn set(&self, endpoint: String, price: Price) {
        lock(&self.0).set(endpoint, price);
    }

    pub(crate) fn set_units(&self, endpoint: String, units: Decimal) {
        lock(&self.0).set_units(endpoint, units);
    }

    pub(crate) fn get(&self, endpoint: &str) -> Option<Arc<Price>> {
        let table = lock(&self.0);
        table.prices.get(endpoint).or(table.default.as_ref()).cloned()
    }

    /// Returns the units that each call of an endpoint is billed.
    pub(crate) fn units(&self, endpoint: &str) -> Option<Decimal> {
        lock(&self.0).units.get(endpoint).copied()
    }
}

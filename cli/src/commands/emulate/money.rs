//! The options `--price` and `--balance` of `cargo fal emulate`.

use std::str::FromStr;

use fal_emulator::{Decimal, Emulator, EmulatorBuilder, Price};

/// The price of an endpoint, or of all that have no other: `[ENDPOINT=]USD/UNIT`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EndpointPrice {
    endpoint: Option<String>,
    price: Price,
}

impl FromStr for EndpointPrice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (endpoint, price) = match text.split_once('=') {
            Some((endpoint, price)) => (Some(endpoint.to_owned()), price),
            None => (None, text),
        };
        let parts = price.split_once('/').filter(|(_, unit)| !unit.trim().is_empty());
        let (price, unit) = parts.ok_or("expected dollars and a unit, such as 0.05/image")?;
        Ok(EndpointPrice { endpoint, price: Price::usd(dollars(price)?, unit.trim()) })
    }
}

/// Parses an amount of dollars, with or without the sign.
pub(crate) fn dollars(text: &str) -> Result<Decimal, String> {
    let digits = text.trim().strip_prefix('$').unwrap_or(text.trim());
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let amount = digits.parse().ok().filter(|_| is_number);
    amount.ok_or_else(|| format!("invalid amount `{text}`: expected dollars, such as 0.05"))
}

impl EndpointPrice {
    /// Sets the price.
    pub(crate) fn apply(&self, builder: EmulatorBuilder) -> EmulatorBuilder {
        match &self.endpoint {
            Some(endpoint) => builder.price(endpoint.as_str(), self.price.clone()),
            None => builder.default_price(self.price.clone()),
        }
    }

    /// Returns true if an endpoint has this price, or another one that precedes it.
    pub(crate) fn is_of(&self, endpoint: &str) -> bool {
        self.endpoint.as_ref().is_none_or(|own| own == endpoint)
    }

    /// Checks that the emulator serves the endpoint.
    pub(crate) fn check(&self, emulator: &Emulator) -> Result<(), String> {
        match &self.endpoint {
            Some(endpoint) => super::served(emulator, endpoint).map_err(|error| format!("--price: {error}")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoint_is_optional() {
        let image = Price::usd(Decimal::new(5, 2), "image");
        let parsed = |text: &str| text.parse::<EndpointPrice>();
        assert_eq!(parsed("0.05/image"), Ok(EndpointPrice { endpoint: None, price: image.clone() }));
        let endpoint = Some("acme/echo".to_owned());
        assert_eq!(parsed("acme/echo=$0.05/image"), Ok(EndpointPrice { endpoint, price: image }));
        let characters = Price::usd(Decimal::ONE, "1000 characters");
        assert_eq!(parsed("1/1000 characters"), Ok(EndpointPrice { endpoint: None, price: characters }));
    }

    #[test]
    fn invalid_prices_are_rejected() {
        for text in [
            "",
            "0.05",
            "0.05/",
            "/image",
            "-1/image",
            "1e3/image",
            "acme/echo",
            "acme/echo=",
            "acme/echo=x/image",
            "1,5/image",
        ] {
            assert!(text.parse::<EndpointPrice>().is_err(), "{text}");
        }
        for text in ["", "$", "-1", "1.2.3", "NaN", "99999999999999999999999999999999"] {
            assert!(dollars(text).is_err(), "{text}");
        }
    }
}

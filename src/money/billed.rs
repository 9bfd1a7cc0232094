use http::HeaderMap;
use rust_decimal::Decimal;

use super::amount::parse_not_negative;
use crate::error::{Error, ErrorKind};

/// The header of a response with its billed units.
pub(crate) const BILLABLE_UNITS: &str = "x-fal-billable-units";

/// Reads the billed units of a response, of several values the most. `None` if the response has none.
///
/// # Errors
///
/// The header is not a number, or negative.
pub(crate) fn billed_units(headers: &HeaderMap) -> Result<Option<Decimal>, Error> {
    let mut most = None;
    for value in headers.get_all(BILLABLE_UNITS) {
        let text = String::from_utf8_lossy(value.as_bytes());
        if text.trim().is_empty() {
            continue;
        }
        let units = parse_not_negative(&text).map_err(|reason| {
            Error::new(ErrorKind::UnknownUnits, format!("cannot read the header `x-fal-billable-units`: {reason}"))
        })?;
        most = most.max(Some(units));
    }
    Ok(most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn units(values: &[&[u8]]) -> Result<Option<String>, Error> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("x-fal-billable-units", HeaderValue::from_bytes(value).expect("a header"));
        }
        billed_units(&headers).map(|units| units.map(|units| units.to_string()))
    }

    #[test]
    fn units_are_read_exactly() {
        for (values, expected) in [
            (&[][..], None),
            (&[b"".as_slice()], None),
            (&[b"42"], Some("42")),
            (&[b"0"], Some("0")),
            (&[b"3.14159265"], Some("3.14159265")),
            (&[b"0.00001230"], Some("0.0000123")),
            (&[b"12300000000.00000000"], Some("12300000000")),
            (&[b"1", b"10", b"9"], Some("10")),
        ] {
            assert_eq!(units(values).expect("units").as_deref(), expected, "{values:?}");
        }
        for values in [&[b"many".as_slice()][..], &[b"-1"], &[b"NaN"], &[b"1, 2"], &[b"\xff"], &[b"1", b"x"]] {
            let error = units(values).expect_err("no units");
            assert!(error.to_string().contains("x-fal-billable-units"), "{error}");
        }
    }
}

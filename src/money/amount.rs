//! Amounts, read exactly from their decimal texts.

use rust_decimal::Decimal;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind};
use crate::text::shown;

/// Maximum digits of a [`Decimal`].
const MAX_DIGITS: i64 = 29;

/// Maximum digits of a [`Decimal`] after the point.
const MAX_SCALE: i64 = 28;

/// A number of dollars or units, as functions of this module take it: a [`Decimal`], an integer, a float or a string.
///
/// ```
/// use fal_client::money::{Cost, IntoAmount};
///
/// # fn main() -> Result<(), fal_client::Error> {
/// assert_eq!(Cost::usd(0.1)?, Cost::usd("0.1")?);
/// assert!(f64::NAN.into_amount().is_err());
/// # Ok(())
/// # }
/// ```
///
/// A float stands for its shortest decimal text, so that `0.1` is exactly 0.1. Digits that a [`Decimal`] cannot hold, such as those
/// after the 28th after the point, are rounded.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an amount",
    label = "expected a `Decimal`, an integer, a float or a string"
)]
pub trait IntoAmount {
    /// Returns the amount.
    ///
    /// # Errors
    ///
    /// It is not a finite decimal number, or out of range ([`ErrorKind::Amount`]).
    fn into_amount(self) -> Result<Decimal, Error>;
}

impl IntoAmount for Decimal {
    fn into_amount(self) -> Result<Decimal, Error> {
        Ok(self)
    }
}

impl IntoAmount for &str {
    fn into_amount(self) -> Result<Decimal, Error> {
        parse(self).map_err(|reason| Error::new(ErrorKind::Amount, reason))
    }
}

impl IntoAmount for String {
    fn into_amount(self) -> Result<Decimal, Error> {
        self.as_str().into_amount()
    }
}

/// By the text, which is the shortest one of a float.
macro_rules! by_text {
    ($($number:ty)*) => {$(
        impl IntoAmount for $number {
            fn into_amount(self) -> Result<Decimal, Error> {
                self.to_string().into_amount()
            }
        }
    )*};
}

by_text!(f32 f64 i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

/// Returns an amount that is not negative.
pub(crate) fn not_negative(amount: impl IntoAmount) -> Result<Decimal, Error> {
    check_sign(amount.into_amount()?).map_err(|reason| Error::new(ErrorKind::Amount, reason))
}

/// Parses a number that is not negative.
///
/// # Errors
///
/// The reason as a text.
pub(super) fn parse_not_negative(text: &str) -> Result<Decimal, String> {
    parse(text).and_then(check_sign)
}

/// Reads an amount of JSON exactly, from its text: a number, or a string with a number. It must not be negative.
pub(crate) fn exact<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?.get();
    let amount = match serde_json::from_str::<String>(raw) {
        Ok(text) => parse_not_negative(&text),
        Err(_) => parse_not_negative(raw),
    };
    amount.map_err(D::Error::custom)
}

/// Writes an amount as a string, because readers of JSON numbers may round them.
pub(crate) fn as_text<T: Copy + Into<Option<Decimal>>, S: Serializer>(
    amount: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let amount: Option<Decimal> = (*amount).into();
    amount.map(|amount| amount.to_string()).serialize(serializer)
}

fn check_sign(amount: Decimal) -> Result<Decimal, String> {
    match amount.is_sign_negative() && !amount.is_zero() {
        true => Err(format!("invalid amount `{amount}`: expected zero or more")),
        false => Ok(amount),
    }
}

/// Parses a decimal number, which may have an exponent. Never goes through a float.
///
/// # Errors
///
/// The reason as a text.
fn parse(text: &str) -> Result<Decimal, String> {
    let number = text.trim();
    let invalid = || format!("invalid amount `{}`: expected a decimal number", shown(text));
    let (is_negative, unsigned) = match number.as_bytes().first() {
        Some(b'-') => (true, &number[1..]),
        Some(b'+') => (false, &number[1..]),
        _ => (false, number),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| invalid())?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid());
    }
    let significant = digits.trim_end_matches('0');
    let trimmed = digits.len() - significant.len();
    // The power of ten by which the significant digits are divided.
    let scale = fraction.len() as i64 - trimmed as i64 - i64::from(exponent);
    let amount = scaled(significant.trim_start_matches('0'), scale);
    let amount = amount.ok_or_else(|| format!("invalid amount `{}`: expected less than 7.9e28", shown(text)))?;
    Ok(if is_negative && !amount.is_zero() { -amount } else { amount })
}

/// Returns digits divided by a power of ten, rounded to what a [`Decimal`] holds. `None` if they are out of range.
fn scaled(digits: &str, scale: i64) -> Option<Decimal> {
    let length = digits.len() as i64;
    let cut = (length - MAX_DIGITS).max(scale - MAX_SCALE).max(0);
    if digits.is_empty() || cut > length {
        return Some(Decimal::ZERO);
    }
    let (kept, rest) = digits.split_at((length - cut) as usize);
    let mantissa: i128 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
    let mantissa = mantissa + i128::from(rest.starts_with(['5', '6', '7', '8', '9']));
    let scale = scale - cut;
    if scale <= 0 {
        // Beyond this power, any digit is out of range.
        let power = 10_i128.checked_pow(u32::try_from(-scale).ok().filter(|power| *power <= 28)?)?;
        return Decimal::try_from_i128_with_scale(mantissa.checked_mul(power)?, 0).ok();
    }
    let exact = Decimal::try_from_i128_with_scale(mantissa, scale as u32);
    // The last of 29 digits may be too much.
    exact.or_else(|_| Decimal::try_from_i128_with_scale((mantissa + 5) / 10, scale as u32 - 1)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_exactly() {
        for (text, expected) in [
            ("0", "0"),
            ("-0", "0"),
            ("0.000", "0"),
            ("0e99999", "0"),
            ("42", "42"),
            ("+1", "1"),
            (" 3.25000000 ", "3.25"),
            ("0.00001230", "0.0000123"),
            ("12300000000.00000000", "12300000000"),
            ("1e-05", "0.00001"),
            ("1.5E+3", "1500"),
            (".5", "0.5"),
            ("5.", "5"),
            ("-2.5", "-2.5"),
            ("0.1", "0.1"),
            ("123456789012345678.123456789", "123456789012345678.123456789"),
            ("1e27", "1000000000000000000000000000"),
            ("7.9e28", "79000000000000000000000000000"),
            ("79228162514264337593543950335", "79228162514264337593543950335"),
            ("7.9228162514264337593543950336", "7.922816251426433759354395034"),
            ("1e-29", "0"),
            ("5e-29", "0.0000000000000000000000000001"),
            ("1e-300", "0"),
            ("5.551115123125783e-17", "0.0000000000000000555111512313"),
            ("0.33333333333333333333333333333333", "0.3333333333333333333333333333"),
            ("0.99999999999999999999999999999999", "1"),
            ("1.23456789012345678901234567891", "1.2345678901234567890123456789"),
            ("12345678901234567890.12345678901234", "12345678901234567890.123456789"),
            ("1e-28", "0.0000000000000000000000000001"),
            ("1.00000000000000000000000000000000000000000000", "1"),
            ("0000000000000000000000000000000000000000000001", "1"),
        ] {
            assert_eq!(parse(text).map(|amount| amount.normalize().to_string()), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn other_texts_are_rejected() {
        for text in [
            "",
            " ",
            "-",
            ".",
            "e5",
            "1e",
            "1e+",
            "1.2.3",
            "1,5",
            "0x10",
            "1_000",
            "NaN",
            "inf",
            "-Infinity",
            "1e99999999999",
            "1e29",
            "8e28",
            "1e2147483647",
            "79228162514264337593543950336",
            "100000000000000000000000000000.5",
            "１",
            "1 2",
            "--1",
            "+-1",
            "1e5.5",
            "many",
            "1\n2",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&"9".repeat(1_000_000)).is_err_and(|reason| reason.len() < 400));
    }

    #[test]
    fn floats_stand_for_their_shortest_text() {
        let text = |amount: Result<Decimal, Error>| amount.map(|amount| amount.to_string()).ok();
        assert_eq!(text(0.1.into_amount()).as_deref(), Some("0.1"));
        assert_eq!(text(0.1_f32.into_amount()).as_deref(), Some("0.1"));
        assert_eq!(text(1e-7.into_amount()).as_deref(), Some("0.0000001"));
        assert_eq!(text(5.0.into_amount()).as_deref(), Some("5"));
        for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN] {
            assert!(float.into_amount().is_err(), "{float}");
        }
        assert_eq!(text(u64::MAX.into_amount()).as_deref(), Some("18446744073709551615"));
        assert!(not_negative(-1).is_err() && not_negative(-0.0).is_ok());
    }
}

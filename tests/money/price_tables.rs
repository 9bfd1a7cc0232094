//! Price tables, from JSON and back.

use fal_client::ErrorKind;
use fal_client::money::{Cost, Estimate, EstimateBasis, IntoAmount, Price, PriceTable};

const SAVED: &str = r#"{
    "prices": [
        {"endpoint_id": "acme/portraits", "unit_price": 0.025, "unit": "megapixels", "currency": "USD"},
        {"endpoint_id": "acme/portraits/fast", "unit_price": 1e-05, "unit": "compute seconds", "currency": "usd"},
        {"endpoint_id": "acme/voices", "unit_price": "0.30", "unit": "1000 characters", "currency": null, "note": 1},
        {"endpoint_id": "acme/free", "unit_price": 0, "unit": "image"}
    ],
    "next_cursor": null,
    "has_more": false
}"#;

fn dollars(text: &str) -> Cost {
    Cost::usd(text).expect("an amount")
}

#[test]
fn saved_response_of_the_platform_is_a_price_file() {
    let prices = PriceTable::from_json(SAVED).expect("prices");
    assert_eq!(prices.len(), 4);
    for (endpoint, units, cost) in [
        ("acme/portraits", "1.5", "0.0375"),
        ("acme/portraits/", "1.5", "0.0375"),
        ("acme/portraits/fast", "3.14159265", "0.0000314159265"),
        ("acme/voices", "0.001", "0.0003"),
        ("acme/free", "1000", "0"),
    ] {
        assert_eq!(prices.cost(endpoint, units).expect("a cost"), dollars(cost), "{endpoint}");
    }
    assert_eq!(prices.get("acme/voices").map(|price| &*price.unit), Some("1000 characters"));
    assert!(prices.get("acme/portraits/slow").is_none());
}

/// The nearest floats of these numbers have other digits.
#[test]
fn amounts_do_not_go_through_a_float() {
    for text in ["0.1", "0.000000000000000000000000001", "1234567890123456.789012345678", "9007199254740993"] {
        let json = format!(r#"{{"prices": [{{"endpoint_id": "a/b", "unit_price": {text}, "unit": "image"}}]}}"#);
        let prices = PriceTable::from_json(&json).expect(text);
        assert_eq!(prices.get("a/b").expect("a price").unit_price.to_string(), text);
        assert_eq!(PriceTable::from_json(&prices.to_json()).expect(text), prices);
    }
}

#[test]
fn tables_survive_the_way_through_a_file() {
    let mut prices = PriceTable::from_json(SAVED).expect("prices");
    prices.extend([Price::new("a/b", "0.5".into_amount().expect("an amount"), "\"x\"\n\\\u{1b}").with_currency("EUR")]);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("prices.json");
    for table in [prices, PriceTable::new()] {
        std::fs::write(&path, format!("\u{feff}{}", table.to_json())).expect("a file");
        assert_eq!(PriceTable::from_file(&path).expect("prices"), table);
    }
}

#[test]
fn errors_name_the_file_and_the_place() {
    let row = |row: &str| {
        format!("{{\"prices\": [\n  {{\"endpoint_id\": \"a/b\", \"unit_price\": 1, \"unit\": \"x\"}},\n  {row}\n]}}")
    };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("prices.json");
    for (json, place) in [
        (String::new(), "line 1"),
        ("[]".to_owned(), "expected an object with `prices`"),
        (r#"[{"endpoint_id": "a/b", "unit_price": 1, "unit": "x"}]"#.to_owned(), "expected an object with `prices`"),
        ("7".to_owned(), "expected an object with `prices`"),
        (row("7"), "at `prices[1]`: invalid type: integer `7`, expected an object with `endpoint_id`"),
        ("{}".to_owned(), "missing field `prices`"),
        (r#"{"error": {"type": "authorization_error"}}"#.to_owned(), "missing field `prices`"),
        (r#"{"prices": []} x"#.to_owned(), "trailing characters"),
        (
            row(r#"{"endpoint_id": "a/c", "unit_price": -1, "unit": "x"}"#),
            "at `prices[1].unit_price`: invalid amount `-1`",
        ),
        (
            row(r#"{"endpoint_id": "a/c", "unit_price": "many", "unit": "x"}"#),
            "`prices[1].unit_price`: invalid amount `many`",
        ),
        (row(r#"{"endpoint_id": "a/c", "unit_price": null, "unit": "x"}"#), "`prices[1].unit_price`"),
        (row(r#"{"endpoint_id": "a/c", "unit_price": 1e400, "unit": "x"}"#), "`prices[1].unit_price`"),
        (row(r#"{"endpoint_id": "a/c", "unit": "x"}"#), "at `prices[1]`: missing field `unit_price` at line 3"),
        (row(r#"{"endpoint_id": " ", "unit_price": 1, "unit": "x"}"#), "`prices[1].endpoint_id`"),
        (row(r#"{"endpoint_id": "a/b/", "unit_price": 2, "unit": "x"}"#), "at `prices[1]`: another price of a/b"),
    ] {
        std::fs::write(&path, &json).expect("a file");
        let error = PriceTable::from_file(&path).expect_err(&json);
        assert_eq!(error.kind(), ErrorKind::Amount);
        let message = error.to_string();
        assert!(message.contains("prices.json") && message.contains(place), "{message}");
    }
    let error = PriceTable::from_file(folder.path().join("absent.json")).expect_err("no file");
    assert_eq!(error.kind(), ErrorKind::File);
    assert!(error.to_string().contains("absent.json"), "{error}");
}

#[test]
fn costs_that_cannot_be_computed_are_errors() {
    let most = Price::new("a/most", "7e27".into_amount().expect("an amount"), "x");
    let negative = Price::new("a/negative", "-1".into_amount().expect("an amount"), "x");
    let prices: PriceTable = [most, negative].into_iter().collect();
    for (endpoint, units, kind) in [
        ("a/b", 1.0, ErrorKind::UnknownPrice),
        ("a/most", 1000.0, ErrorKind::Amount),
        ("a/most", -1.0, ErrorKind::Amount),
        ("a/most", f64::NAN, ErrorKind::Amount),
        ("a/negative", 1.0, ErrorKind::Amount),
    ] {
        let error = prices.estimate(endpoint, units).expect_err(endpoint);
        assert_eq!((error.kind(), error.endpoint()), (kind, Some(endpoint)), "{error}");
    }
}

#[test]
fn historical_estimates_divide_the_cost_by_the_price() {
    let price = |unit_price: &str| Price::new("a/b", unit_price.into_amount().expect("an amount"), "units");
    for (total, calls, price, units) in [
        ("0.45", 10, Some(price("0.01")), Some("4.5")),
        ("0", 10, Some(price("0.01")), Some("0")),
        ("0.45", 10, None, None),
        ("0.45", 10, Some(price("0")), None),
        ("0.45", 10, Some(price("0.01").with_currency("EUR")), None),
    ] {
        let estimate = Estimate::historical("a/b", dollars(total), calls, price.as_ref()).expect("an estimate");
        assert_eq!(estimate.units_per_call(), units.map(|units| units.into_amount().expect("an amount")));
        assert!(matches!(estimate.basis, EstimateBasis::HistoricalUnits { .. }));
    }
    assert!(Estimate::historical("a/b", dollars("1"), 0, None).is_err_and(|error| error.kind() == ErrorKind::Amount));
}

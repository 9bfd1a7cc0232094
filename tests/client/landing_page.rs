//! The first page of the documentation: the list of endpoints, and the minimum Rust version.

const PAGE: &str = include_str!("../../src/lib.rs");
const README: &str = include_str!("../../README.md");
const MANIFEST: &str = include_str!("../../generated/MANIFEST");

#[test]
fn the_first_page_lists_exactly_the_shipped_endpoints() {
    let listed: Vec<&str> =
        PAGE.lines().filter(|line| line.starts_with("//! - [`") && line.contains("](endpoints::")).collect();
    let shipped: Vec<String> = MANIFEST
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut columns = line.split('\t').skip(1);
            Some(format!("//! - [`{}`](endpoints::{})", columns.next()?, columns.next()?))
        })
        .collect();
    assert!(shipped.len() >= 6);
    assert_eq!(listed, shipped);
}

#[test]
fn the_first_pages_state_the_minimum_rust_version() {
    let minimum = format!("The minimum Rust version is {}. It rises only", env!("CARGO_PKG_RUST_VERSION"));
    assert!(PAGE.contains(&minimum), "{minimum}");
    assert!(README.contains(&minimum), "{minimum}");
}

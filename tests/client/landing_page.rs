//! The list of endpoints on the first page of the documentation.

const PAGE: &str = include_str!("../../src/lib.rs");
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

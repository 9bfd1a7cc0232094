//! The list of endpoints.

use std::collections::BTreeMap;

use maud::html;

use crate::endpoints::endpoint::Endpoint;
use crate::page::layout::Page;
use crate::page::visit::Visit;
use crate::response::reply::Reply;

/// The most endpoints on the page.
const MAX_SHOWN: usize = 500;

pub(super) fn page(visit: &Visit<'_>) -> Reply {
    let query = visit.query("q").unwrap_or_default();
    let words: Vec<String> = query.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let mut all = 0;
    let matching: Vec<&Endpoint> = visit
        .state
        .catalog
        .endpoints()
        .inspect(|_| all += 1)
        .filter(|endpoint| {
            let category = endpoint.document.category.as_deref().unwrap_or_default();
            let text = format!("{} {category}", endpoint.document.id).to_lowercase();
            words.iter().all(|word| text.contains(word.as_str()))
        })
        .collect();
    let mut groups: BTreeMap<&str, Vec<&Endpoint>> = BTreeMap::new();
    for endpoint in matching.iter().take(MAX_SHOWN) {
        groups.entry(endpoint.document.category.as_deref().unwrap_or("other")).or_default().push(endpoint);
    }
    let hints: Vec<&str> = visit.state.catalog.hints().take(50).collect();
    let body = html! {
        h1 { "Endpoints" }
        form.filter method="get" action="/endpoints" role="search" {
            div {
                label for="q" { "Id or category" }
                input #q type="search" name="q" value=(query) dir="auto";
            }
            button type="submit" { "Search" }
        }
        p role="status" {
            (matching.len()) @if matching.len() == 1 { " endpoint" } @else { " endpoints" }
            @if matching.len() < all { " of " (all) } "."
            @if matching.len() > MAX_SHOWN { " The first " (MAX_SHOWN) " are shown." }
        }
        @if matching.is_empty() { p.empty { "No endpoint matches. " a href="/endpoints" { "Show all endpoints" } } }
        @for (category, endpoints) in groups {
            section {
                h2 { (category) }
                ul.cards {
                    @for endpoint in endpoints {
                        li {
                            a href={ "/endpoints/" (endpoint.document.id) } { (endpoint.document.id) }
                            @if let Some(price) = visit.state.prices.get(&endpoint.document.id) {
                                span.facts { (price.unit_price.normalize()) " " (price.currency) " for each of: " (price.unit) }
                            }
                        }
                    }
                }
            }
        }
        @if !hints.is_empty() {
            details.notes { summary { "Notes about the documents" } ul { @for hint in hints { li dir="auto" { (crate::page::text::shortened(hint, 500)) } } } }
        }
    };
    Page::new("Endpoints", body).reply(visit)
}

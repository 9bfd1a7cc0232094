//! The uploaded files.

use maud::html;

use crate::page::layout::Page;
use crate::page::media::local;
use crate::page::outcome::{MediaKind, kind};
use crate::page::text::{bytes, shortened};
use crate::page::visit::Visit;
use crate::response::reply::Reply;

/// The most files on the page.
const MAX_SHOWN: usize = 200;

pub(super) fn page(visit: &Visit<'_>) -> Reply {
    let files = visit.state.store.uploaded();
    let body = html! {
        h1 { "Files" }
        p { "Files that programs uploaded, newest first: " (files.len()) "." }
        @if files.is_empty() {
            div.empty { p { strong { "No files yet." } } p { "Uploads to the emulated CDN appear here." } }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Uploaded files" {
                table.list {
                    caption.hidden { "Uploaded files, newest first" }
                    thead { tr { th scope="col" { "Preview" } th scope="col" { "Name" } th scope="col" { "Type" } th scope="col" .number { "Size" } } }
                    tbody {
                        @for file in files.iter().rev().take(MAX_SHOWN) {
                            @let path = local(visit.state, file.url());
                            tr {
                                td.thumb {
                                    @match (&path, kind(file.url(), Some(file.content_type()))) {
                                        (Some(path), MediaKind::Image) => img src=(path) alt="" width="48" height="48" loading="lazy";,
                                        _ => span.symbol aria-hidden="true" { "▤" },
                                    }
                                }
                                td.main {
                                    @if let Some(path) = &path { a.title href=(path) dir="auto" { (shortened(file.name(), 120)) } }
                                    @else { span.title dir="auto" { (shortened(file.name(), 120)) } }
                                }
                                td data-label="Type" { code { (shortened(file.content_type(), 80)) } }
                                td.number data-label="Size" { (bytes(file.size())) }
                            }
                        }
                    }
                }
            }
        }
    };
    Page::new("Files", body).reply(visit)
}

//! Pages of a list. A cursor is the number of a page in Base64, as on fal: `Mg==` is the second page.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::platform::error::invalid;
use crate::request::received::Received;
use crate::response::refusal::Refusal;

/// The sizes of a list's pages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) default: usize,
    pub(crate) max: usize,
    /// A larger limit is refused. Otherwise, the page has the largest size.
    pub(crate) strict: bool,
}

/// A requested page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    /// Counted from 1.
    number: usize,
    size: usize,
}

impl Page {
    pub(crate) fn of(received: &Received, sizes: Sizes) -> Result<Self, Refusal> {
        let size = match received.query("limit") {
            None => sizes.default,
            Some(limit) => limit
                .parse()
                .ok()
                .filter(|limit| *limit >= 1 && (!sizes.strict || *limit <= sizes.max))
                .ok_or_else(|| invalid(&format!("`limit` has to be an integer from 1 to {}", sizes.max)))?,
        };
        let number = match received.query("cursor") {
            None => 1,
            Some(cursor) => {
                parse(cursor).ok_or_else(|| invalid("`cursor` has to be the `next_cursor` of a response"))?
            }
        };
        Ok(Page { number, size: size.min(sizes.max) })
    }

    /// Returns the items of the page, and the members of the response that tell whether there are more.
    pub(crate) fn of_items<T>(self, items: Vec<T>) -> (Vec<T>, Map<String, Value>) {
        let start = (self.number - 1).saturating_mul(self.size);
        let has_more = items.len() > start.saturating_add(self.size);
        let next = has_more.then(|| STANDARD.encode((self.number + 1).to_string()));
        let mut members = Map::new();
        members.insert("next_cursor".to_owned(), json!(next));
        members.insert("has_more".to_owned(), json!(has_more));
        (items.into_iter().skip(start).take(self.size).collect(), members)
    }
}

fn parse(cursor: &str) -> Option<usize> {
    let number = String::from_utf8(STANDARD.decode(cursor).ok()?).ok()?;
    number.parse().ok().filter(|number| *number >= 1)
}

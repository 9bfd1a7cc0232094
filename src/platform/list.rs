//! Lists of the platform API: one page, or all items as a stream.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use http::Method;
use serde::Serialize;
use serde_json::value::RawValue;

use super::call;
use super::fields::Fields;
use super::timestamp::Timestamp;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::protocol::EndpointId;
use crate::text::shown;
use crate::transport::{Operation, Request, join};

/// Maximum endpoint ids of a request (fal's platform API reference).
pub(super) const MAX_IDS: usize = 50;

/// Maximum pages in a row without progress. A service could return such pages without end.
const MAX_IDLE_PAGES: usize = 100;

/// Maximum bytes of a cursor, which becomes a part of a URL.
const MAX_CURSOR: usize = 4096;

/// One page of a list.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// let mut models = client.platform().models().limit(100);
/// loop {
///     let page = models.page().await?;
///     println!("{} models", page.items.len());
///     let Some(cursor) = page.next_cursor else { break };
///     models = models.cursor(cursor);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Page<T> {
    /// The items, in fal's order.
    pub items: Vec<T>,
    /// The number of items that are not readable, for example because they have no id.
    pub skipped: usize,
    /// The cursor of the next page. `None` on the last page.
    pub next_cursor: Option<String>,
}

/// A stream of the items of a list. It fetches a page when the items of the page before are used up.
///
/// ```no_run
/// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
/// use futures_util::TryStreamExt;
///
/// let mut models = client.platform().models().stream();
/// while let Some(model) = models.try_next().await? {
///     println!("{}", model.endpoint_id);
/// }
/// # Ok(())
/// # }
/// ```
///
/// It holds one page in memory. The stream ends after an error. Dropping it ends its request.
pub struct Items<T> {
    items: BoxStream<'static, Result<T, Error>>,
}

impl<T> Stream for Items<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.items.poll_next_unpin(context)
    }
}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Items")
    }
}

/// The items of one response.
pub(super) struct Listed<T> {
    items: Vec<T>,
    skipped: usize,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Listed { items: Vec::new(), skipped: 0 }
    }
}

impl<T> Listed<T> {
    /// Reads the items of an array. `None` without an array of this name.
    pub(super) fn read(page: &Fields<'_>, name: &str, read: impl Fn(Fields<'_>) -> Option<T>) -> Option<Self> {
        let mut listed = Listed::default();
        listed.extend(&page.list(name)?, read);
        Some(listed)
    }

    pub(super) fn extend(&mut self, list: &[&RawValue], read: impl Fn(Fields<'_>) -> Option<T>) {
        for item in list {
            match Fields::parse(item).and_then(&read) {
                Some(item) => self.items.push(item),
                None => self.skip(),
            }
        }
    }

    /// Counts an item that is not readable.
    pub(super) fn skip(&mut self) {
        self.skipped += 1;
    }
}

/// An item of a list.
pub(super) trait Item: Sized + Send + 'static {
    /// The beginning of the error about endpoints that fal does not know.
    const UNKNOWN: &'static str = "unknown endpoints";

    /// Reads the items of a response. `None` if it has no list of them.
    fn listed(response: &Fields<'_>) -> Option<Listed<Self>>;

    /// Returns the id of the endpoint.
    fn endpoint_id(&self) -> &str;
}

/// The treatment of an endpoint id that fal does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// It has no items.
    Empty,
    /// The whole request fails with status 404.
    Rejected,
    /// The whole request fails, or the endpoint is absent.
    Absent,
}

/// The ids of one request, by parameter.
type Batch = Vec<(&'static str, Vec<String>)>;

/// The request for a list.
#[derive(Clone)]
pub(super) struct Query {
    client: Client,
    name: &'static str,
    path: &'static str,
    parameters: Vec<(&'static str, String)>,
    /// Any number of ids, which are sent in batches.
    ids: Batch,
    unknown: Unknown,
    skip_unknown: bool,
    max_limit: u32,
    limit: Option<u32>,
    cursor: Option<String>,
    /// The first invalid setting.
    invalid: Option<Error>,
}

impl Query {
    /// Creates a request without parameters. `name` is that of the operation in errors.
    pub(super) fn new(client: &Client, name: &'static str, path: &'static str) -> Self {
        Query {
            client: client.clone(),
            name,
            path,
            parameters: Vec::new(),
            ids: Vec::new(),
            unknown: Unknown::Empty,
            skip_unknown: false,
            max_limit: u32::MAX,
            limit: None,
            cursor: None,
            invalid: None,
        }
    }

    pub(super) fn max_limit(mut self, max: u32) -> Self {
        self.max_limit = max;
        self
    }

    pub(super) fn unknown(mut self, unknown: Unknown) -> Self {
        self.unknown = unknown;
        self
    }

    /// Leaves unknown endpoints out, instead of ending with an error about them.
    pub(super) fn skip_unknown(&mut self, skip: bool) {
        self.skip_unknown = skip;
    }

    /// Sets a parameter, or removes it.
    pub(super) fn set(&mut self, name: &'static str, value: Option<String>) {
        self.parameters.retain(|(found, _)| *found != name);
        self.parameters.extend(value.map(|value| (name, value)));
    }

    /// Adds or removes one of several values of a parameter.
    pub(super) fn set_value(&mut self, name: &'static str, value: &str, is_set: bool) {
        self.parameters.retain(|(found, other)| *found != name || other != value);
        if is_set {
            self.parameters.push((name, value.to_owned()));
        }
    }

    pub(super) fn has_value(&self, name: &str, value: &str) -> bool {
        self.parameters.iter().any(|(found, other)| *found == name && other == value)
    }

    /// Sets a parameter to up to 50 values.
    pub(super) fn set_values(&mut self, name: &'static str, values: impl IntoIterator<Item = impl Into<String>>) {
        self.set(name, None);
        self.parameters.extend(values.into_iter().map(|value| (name, value.into())));
        let count = self.parameters.iter().filter(|(found, _)| *found == name).count();
        if !(1..=MAX_IDS).contains(&count) {
            self.reject(format!("invalid {name}: {count} values; expected 1 to {MAX_IDS}"));
        }
    }

    pub(super) fn set_time(&mut self, name: &'static str, time: Timestamp) {
        match time.parameter() {
            Some(time) => self.set(name, Some(time)),
            None => self.reject(format!("invalid {name} {time:?}: expected a time (RFC 3339) or a date from 1970 on")),
        }
    }

    pub(super) fn set_endpoints(&mut self, ids: impl IntoIterator<Item = impl Into<String>>) {
        match endpoint_ids(ids) {
            Ok(ids) => self.set_ids("endpoint_id", ids),
            Err(error) => self.invalid = self.invalid.take().or(Some(error)),
        }
    }

    /// Lists only the items with these ids, in as many requests as they need.
    pub(super) fn set_ids(&mut self, name: &'static str, ids: Vec<String>) {
        self.ids.retain(|(found, _)| *found != name);
        self.ids.push((name, ids));
    }

    pub(super) fn set_limit(&mut self, limit: u32) {
        let max = self.max_limit;
        if !(1..=max).contains(&limit) {
            let range = if max == u32::MAX { "at least 1".to_owned() } else { format!("1 to {max}") };
            self.reject(format!("invalid page size {limit}: expected {range}"));
        }
        self.limit = Some(limit);
    }

    pub(super) fn set_cursor(&mut self, cursor: String) {
        self.cursor = Some(cursor);
    }

    pub(super) fn reject(&mut self, message: String) {
        self.invalid.get_or_insert_with(|| Error::new(ErrorKind::InvalidInput, message));
    }

    /// Fetches the page at the cursor.
    pub(super) async fn page<T: Item>(&self) -> Result<Page<T>, Error> {
        if self.invalid.is_none() && self.ids.iter().any(|(_, ids)| ids.is_empty()) {
            return Ok(Page { items: Vec::new(), skipped: 0, next_cursor: None });
        }
        if let Some((name, ids)) = self.ids.iter().find(|(_, ids)| ids.len() > MAX_IDS) {
            let count = ids.len();
            let message = format!("{count} values of {name} for one page: expected at most {MAX_IDS}; use `stream`");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        match self.fetch(&self.ids, self.cursor.as_deref()).await? {
            (_, Some(error)) => Err(error),
            (page, None) => Ok(page),
        }
    }

    /// Streams the items from the cursor on.
    pub(super) fn stream<T: Item>(self) -> Items<T> {
        let pages = Pages::new(self);
        let items = futures_util::stream::unfold(pages, async |mut pages| Some((pages.next().await?, pages)));
        Items { items: items.fuse().boxed() }
    }

    /// Fetches a page. The error is that of its cursor.
    async fn fetch<T: Item>(
        &self,
        batch: &[(&'static str, Vec<String>)],
        cursor: Option<&str>,
    ) -> Result<(Page<T>, Option<Error>), Error> {
        if let Some(invalid) = &self.invalid {
            return Err(invalid.clone());
        }
        let url = join(&self.client.context().hosts.api, self.path);
        let mut request = Request::new(Operation::Platform(self.name), Method::GET, url);
        let parameters = self.parameters.iter().map(|(name, value)| (*name, value.clone()));
        let ids = batch.iter().flat_map(|(name, ids)| ids.iter().map(|id| (*name, id.clone())));
        let limit = self.limit.map(|limit| ("limit", limit.to_string()));
        let cursor = cursor.map(|cursor| ("cursor", cursor.to_owned()));
        let query: Vec<_> = parameters.chain(ids).chain(limit).chain(cursor).collect();
        if !query.is_empty() {
            request.url.query_pairs_mut().extend_pairs(query);
        }
        let response = call(&self.client, &request).await?;
        let page = Fields::read(&response.body, |page| {
            Some((T::listed(&page)?, page.boolean("has_more"), page.text("next_cursor")))
        });
        let Some((Listed { items, skipped }, has_more, next_cursor)) = page else {
            return Err(Error::unexpected(format!("{}: fal returned no list", self.name), response));
        };
        if skipped > 0 {
            tracing::debug!(operation = self.name, skipped, "unreadable items of a list");
        }
        let (next_cursor, why) = match (has_more, next_cursor) {
            (Some(false), _) => (None, None),
            // Without an error, the list would seem complete.
            (Some(true), None) => (None, Some("fal has more items, and returned no cursor for them".to_owned())),
            (_, Some(cursor)) if cursor.len() > MAX_CURSOR => {
                (None, Some(format!("the cursor of the next page exceeds {MAX_CURSOR} bytes")))
            }
            (_, cursor) => (cursor, None),
        };
        let error = why.map(|why| Error::unexpected(format!("{}: {why}", self.name), response));
        Ok((Page { items, skipped, next_cursor }, error))
    }
}

impl fmt::Debug for Query {
    /// The parameters may have words of a prompt.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parameters: Vec<&str> = self.parameters.iter().map(|(name, _)| *name).collect();
        f.debug_struct("Query")
            .field("path", &self.path)
            .field("parameters", &parameters)
            .field("ids", &self.ids)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// Returns valid ids, each once.
pub(super) fn endpoint_ids(ids: impl IntoIterator<Item = impl Into<String>>) -> Result<Vec<String>, Error> {
    let mut seen = HashSet::new();
    let mut valid = Vec::new();
    for id in ids {
        let id = EndpointId::parse(&id.into())?.as_str().to_owned();
        if seen.insert(id.clone()) {
            valid.push(id);
        }
    }
    Ok(valid)
}

/// The pages of a stream.
struct Pages<T> {
    query: Query,
    /// The ids of the requests to come.
    batches: VecDeque<Batch>,
    cursor: Option<String>,
    cycle: Cycle,
    /// The ids of the current batch without an item.
    absent: Vec<String>,
    unknown: Vec<String>,
    items: VecDeque<T>,
    idle_pages: usize,
    /// The error after the items.
    error: Option<Error>,
}

impl<T: Item> Pages<T> {
    fn new(mut query: Query) -> Self {
        let batches = match query.invalid {
            // The error of the query comes with the first page.
            Some(_) => VecDeque::from([Vec::new()]),
            None => batches(&query.ids).into(),
        };
        if query.parameters.iter().any(|(name, _)| *name != "expand") {
            // A filter leaves known endpoints out.
            query.unknown = Unknown::Empty;
        }
        let cursor = query.cursor.take();
        let mut pages = Pages {
            query,
            batches,
            cursor,
            cycle: Cycle::default(),
            absent: Vec::new(),
            unknown: Vec::new(),
            items: VecDeque::new(),
            idle_pages: 0,
            error: None,
        };
        pages.begin_batch();
        pages
    }

    async fn next(&mut self) -> Option<Result<T, Error>> {
        loop {
            if let Some(item) = self.items.pop_front() {
                return Some(Ok(item));
            }
            if let Some(error) = self.error.take() {
                self.batches.clear();
                self.unknown.clear();
                return Some(Err(error));
            }
            if self.batches.is_empty() {
                let unknown = std::mem::take(&mut self.unknown);
                return (!unknown.is_empty() && !self.query.skip_unknown)
                    .then(|| Err(unknown_endpoints(T::UNKNOWN, &unknown)));
            }
            self.fetch().await;
        }
    }

    /// Fetches the next page.
    async fn fetch(&mut self) {
        let batch = self.batches.front().map(Vec::as_slice).unwrap_or_default();
        match self.query.fetch::<T>(batch, self.cursor.as_deref()).await {
            Ok((page, error)) => {
                self.add(page);
                self.error = self.error.take().or(error);
            }
            Err(error) if self.query.unknown != Unknown::Empty && self.cursor.is_none() && is_unknown(&error) => {
                self.split(error);
            }
            Err(error) => self.error = Some(error),
        }
    }

    fn add(&mut self, page: Page<T>) {
        let Page { items, skipped, next_cursor } = page;
        // A list by id has one item for each of at most 50 ids, so that it has fewer pages than the maximum.
        let is_by_id = self.query.unknown != Unknown::Empty && !self.query.ids.is_empty();
        self.idle_pages = if items.is_empty() || is_by_id { self.idle_pages + 1 } else { 0 };
        if skipped > 0 {
            // An item that is not readable may be any of them.
            self.absent.clear();
        }
        self.absent.retain(|id| !items.iter().any(|item| item.endpoint_id() == id));
        self.items.extend(items);
        let Some(cursor) = next_cursor else {
            self.unknown.append(&mut self.absent);
            self.batches.pop_front();
            self.cursor = None;
            self.begin_batch();
            return;
        };
        let name = self.query.name;
        if self.cycle.closes(&cursor) {
            let message = format!("{name}: fal returned the cursor \"{}\" twice", shown(&cursor));
            self.error = Some(Error::new(ErrorKind::UnexpectedResponse, message));
        } else if self.idle_pages >= MAX_IDLE_PAGES {
            let message = format!("{name}: fal returned {MAX_IDLE_PAGES} pages without new items");
            self.error = Some(Error::new(ErrorKind::UnexpectedResponse, message));
        }
        self.cursor = Some(cursor);
    }

    /// Splits a batch that has an unknown id, until each unknown id is alone.
    fn split(&mut self, error: Error) {
        let Some((name, mut first)) = self.batches.pop_front().and_then(|mut batch| batch.pop()) else {
            self.error = Some(error);
            return;
        };
        let is_only_one = self.query.ids.iter().all(|(_, ids)| ids.len() == 1);
        if is_only_one && !self.query.skip_unknown {
            self.error = Some(error);
        } else if first.len() > 1 {
            let second = first.split_off(first.len() / 2);
            self.batches.push_front(vec![(name, second)]);
            self.batches.push_front(vec![(name, first)]);
        } else {
            self.unknown.append(&mut first);
        }
        self.begin_batch();
    }

    fn begin_batch(&mut self) {
        self.cycle = Cycle { earlier: self.cursor.clone(), pages: 0 };
        self.idle_pages = 0;
        let batch = self.batches.front().filter(|_| self.query.unknown == Unknown::Absent);
        self.absent = batch.into_iter().flatten().flat_map(|(_, ids)| ids.clone()).collect();
    }
}

/// Returns the batches of ids, each with at most 50 of a parameter: every combination of them.
fn batches(ids: &[(&'static str, Vec<String>)]) -> Vec<Batch> {
    ids.iter().fold(vec![Vec::new()], |batches, (name, ids)| {
        let with_ids =
            |batch: &Batch| ids.chunks(MAX_IDS).map(|ids| [&batch[..], &[(*name, ids.to_vec())]].concat()).collect();
        batches.iter().flat_map::<Vec<Batch>, _>(with_ids).collect()
    })
}

/// Finds out that the cursors of a list repeat, in constant memory. It keeps the cursor of each page whose number is a power of
/// two (Brent's algorithm).
#[derive(Default)]
struct Cycle {
    earlier: Option<String>,
    pages: u64,
}

impl Cycle {
    /// Returns true if the next cursor is an earlier one.
    fn closes(&mut self, cursor: &str) -> bool {
        if self.earlier.as_deref() == Some(cursor) {
            return true;
        }
        self.pages += 1;
        if self.pages.is_power_of_two() {
            self.earlier = Some(cursor.to_owned());
        }
        false
    }
}

/// Returns true if the platform API itself says that an endpoint is unknown. A wrong host does not.
fn is_unknown(error: &Error) -> bool {
    error.is_not_found() && error.error_type().is_some_and(|error_type| error_type.as_str() == "not_found")
}

pub(super) fn unknown_endpoints(what: &str, ids: &[String]) -> Error {
    const MAX_SHOWN: usize = 20;
    let shown: Vec<String> = ids.iter().take(MAX_SHOWN).map(|id| format!("`{}`", shown(id))).collect();
    let more = if ids.len() > MAX_SHOWN { format!(" and {} more", ids.len() - MAX_SHOWN) } else { String::new() };
    Error::not_found(format!("{what}: {}{more}; check their ids", shown.join(", ")))
}

/// The methods that all lists have.
macro_rules! list {
    ($list:ident => $item:ty, $(#[doc = $limit:literal])*) => {
        impl $list {
            $(#[doc = $limit])*
            pub fn limit(mut self, limit: u32) -> Self {
                self.query.set_limit(limit);
                self
            }

            /// Begins at the [`next_cursor`](crate::platform::Page::next_cursor) of an earlier page, with the same settings.
            pub fn cursor(mut self, cursor: impl Into<String>) -> Self {
                self.query.set_cursor(cursor.into());
                self
            }

            /// Fetches one page. See [`Page`](crate::platform::Page).
            ///
            /// # Errors
            ///
            /// - A setting is invalid, or there are more than 50 endpoint or request ids. Nothing was sent.
            /// - fal rejects the request, or its response is not a list.
            pub async fn page(&self) -> Result<$crate::platform::Page<$item>, $crate::error::Error> {
                self.query.page().await
            }

            /// Streams the items of all pages. See [`Items`](crate::platform::Items). More than 50 endpoint or request ids are
            /// split into several requests.
            pub fn stream(self) -> $crate::platform::Items<$item> {
                self.query.stream()
            }
        }
    };
}

/// Defines the setters of the time range of a list. The text is about its beginning.
macro_rules! time_range {
    ($(#[doc = $start:literal])*) => {
        $(#[doc = $start])*
        pub fn start(mut self, time: impl Into<$crate::platform::Timestamp>) -> Self {
            self.query.set_time("start", time.into());
            self
        }

        /// Sets the end of the time range, which is exclusive. Default: now.
        pub fn end(mut self, time: impl Into<$crate::platform::Timestamp>) -> Self {
            self.query.set_time("end", time.into());
            self
        }
    };
}

pub(super) use {list, time_range};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::money::Price;
    use crate::platform::{Model, RequestRecord, UsageRecord};

    /// Values of any type below the names that lists have.
    fn value() -> impl Strategy<Value = Value> {
        let names = [
            "models",
            "prices",
            "items",
            "results",
            "time_series",
            "summary",
            "endpoint_id",
            "request_id",
            "metadata",
            "openapi",
            "error",
            "unit_price",
            "unit",
            "bucket",
            "status_code",
            "json_input",
            "tags",
            "next_cursor",
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[a-z0-9/ .:-]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 64, 6, move |inner| {
            let name = proptest::sample::select(names.to_vec()).prop_map(str::to_owned);
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map(name, inner, 0..6).prop_map(Value::from_iter),
            ]
        })
    }

    fn items<T: Item>(body: &[u8]) -> Option<usize> {
        let listed = Fields::read(body, |page| T::listed(&page))?;
        Some(listed.items.len() + listed.skipped)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn each_item_is_read_or_skipped(list in proptest::collection::vec(value(), 0..8)) {
            let body = |name: &str| serde_json::json!({ name: list }).to_string().into_bytes();
            prop_assert_eq!(items::<Model>(&body("models")), Some(list.len()));
            prop_assert_eq!(items::<Price>(&body("prices")), Some(list.len()));
            prop_assert_eq!(items::<RequestRecord>(&body("items")), Some(list.len()));
            prop_assert_eq!(items::<RequestRecord>(&body("results")), Some(list.len()));
            prop_assert_eq!(items::<UsageRecord>(&body("summary")), Some(list.len()));
            prop_assert!(items::<UsageRecord>(&body("time_series")).is_some());
        }

        #[test]
        fn any_bytes_are_a_list_or_not(bytes in any::<Vec<u8>>(), value in value()) {
            for body in [bytes, value.to_string().into_bytes()] {
                items::<Model>(&body);
                items::<UsageRecord>(&body);
            }
        }
    }
}

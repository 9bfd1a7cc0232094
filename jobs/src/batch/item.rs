use std::error::Error as StdError;

use crate::error::Error;
use crate::journal::Completed;

/// A finished item of a batch.
#[derive(Debug)]
#[non_exhaustive]
pub struct Item<O> {
    /// The key of the item's job. `None` if the item failed before it had one.
    pub key: Option<String>,
    /// The index of the item in the source. The first item has 0.
    pub index: u64,
    /// The result of the item's job.
    pub result: Result<Completed<O>, Error>,
}

/// An item of a batch that is not started yet.
#[derive(Debug)]
pub struct NewItem<I> {
    pub(super) key: Option<String>,
    pub(super) input: Result<I, Box<dyn StdError + Send + Sync>>,
}

/// Conversion into an item of a batch with inputs `I`.
///
/// - `input`, or anything that converts into it. Its key is that of the endpoint and the input.
/// - `(key, input)`, with the caller's key.
/// - A `Result` of one of these. An error becomes a failed item, for example for an invalid row of a file.
///
/// `By` tells these apart, and is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an item of a batch with inputs `{I}`",
    label = "expected an input, `(key, input)`, or a `Result` of one of these"
)]
pub trait IntoItem<I, By> {
    /// Returns the item.
    fn into_item(self) -> NewItem<I>;
}

/// Marks items without a key.
#[derive(Debug)]
pub struct ByInput;

/// Marks items with a key.
#[derive(Debug)]
pub struct ByKey;

/// Marks items that may be errors.
#[derive(Debug)]
pub struct ByResult<By>(By);

impl<I, T: Into<I>> IntoItem<I, ByInput> for T {
    fn into_item(self) -> NewItem<I> {
        NewItem { key: None, input: Ok(self.into()) }
    }
}

impl<I, K: Into<String>, T: Into<I>> IntoItem<I, ByKey> for (K, T) {
    fn into_item(self) -> NewItem<I> {
        NewItem { key: Some(self.0.into()), input: Ok(self.1.into()) }
    }
}

impl<I, By, T, E> IntoItem<I, ByResult<By>> for Result<T, E>
where
    T: IntoItem<I, By>,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    fn into_item(self) -> NewItem<I> {
        match self {
            Ok(item) => item.into_item(),
            Err(error) => NewItem { key: None, input: Err(error.into()) },
        }
    }
}

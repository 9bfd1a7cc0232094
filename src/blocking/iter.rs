use std::fmt;
use std::pin::Pin;

use futures_core::Stream;
use futures_util::StreamExt;

use super::runtime::{Runtime, block_on};
use crate::error::Error;

/// Adds `.iter()` to every stream of a client.
///
/// ```no_run
/// use fal_client::blocking::{Client, Iterate};
///
/// # fn main() -> Result<(), fal_client::Error> {
/// let client = Client::from_env()?;
/// for update in client.endpoint("fal-ai/flux/dev").status_stream("request-id").logs(true).iter() {
///     println!("{:?}", update?);
/// }
/// # Ok(())
/// # }
/// ```
pub trait Iterate<T>: Stream<Item = Result<T, Error>> + Sized {
    /// Returns an iterator over the items of the stream. Dropping it drops the stream and closes its connections. To keep the
    /// stream, iterate over `&mut stream`.
    fn iter(self) -> Iter<Self> {
        Iter { stream: Some(Box::pin(self)) }
    }
}

impl<T, S: Stream<Item = Result<T, Error>>> Iterate<T> for S {}

/// An iterator over the items of a stream. Created by [`Iterate::iter`].
///
/// In an async task, its only item is an error.
#[must_use = "an iterator does nothing until it is used"]
pub struct Iter<S> {
    /// `None` after the last item.
    stream: Option<Pin<Box<S>>>,
}

impl<T, S: Stream<Item = Result<T, Error>>> Iterator for Iter<S> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let stream = self.stream.as_mut()?;
        let item = block_on(stream.next()).unwrap_or_else(|error| {
            self.close();
            Some(Err(error))
        });
        if item.is_none() {
            self.close();
        }
        item
    }
}

impl<S> Iter<S> {
    /// Drops the stream in the runtime, because it may have a request to cancel.
    fn close(&mut self) {
        let runtime = Runtime::current();
        let _entered = runtime.as_ref().map(|runtime| runtime.enter());
        self.stream = None;
    }
}

impl<S> Drop for Iter<S> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<S> fmt::Debug for Iter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Iter")
    }
}

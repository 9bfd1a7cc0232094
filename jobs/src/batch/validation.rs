//! Validates all items before the first is sent.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher;

use fal_client::{EndpointInput, Handle};
use serde::de::DeserializeOwned;

use super::item::NewItem;
use crate::error::{Error, ErrorKind, InvalidItem};
use crate::key::canonical;
use crate::record::check_name;

/// The number of items after which other tasks get their turn.
const YIELD_AFTER: u64 = 256;

/// Validates items, and returns their number.
pub(super) async fn validate<I: EndpointInput, O: DeserializeOwned + Send + 'static>(
    handle: &Handle<I, O>,
    items: impl Iterator<Item = NewItem<I>>,
) -> Result<u64, Error> {
    let mut keys = Keys::default();
    let (mut invalid, mut total) = (Vec::new(), 0);
    for NewItem { key, input } in items {
        let checked = match input {
            Ok(input) => match handle.check(&input).await {
                Ok(()) => keys.add(key.as_deref(), &input),
                Err(error) => Err(Error::new(ErrorKind::Input, "invalid input").caused_by(error)),
            },
            Err(error) => Err(Error::new(ErrorKind::Input, "invalid item").caused_by(error)),
        };
        if let Err(error) = checked {
            invalid.push(InvalidItem { index: total, key, error });
        }
        total += 1;
        if total % YIELD_AFTER == 0 {
            tokio::task::yield_now().await;
        }
    }
    if invalid.is_empty() { Ok(total) } else { Err(Error::of_items(invalid, total)) }
}

/// The keys of items, each with its input, as hashes.
#[derive(Default)]
struct Keys {
    inputs: HashMap<u64, u64>,
    hasher: RandomState,
}

impl Keys {
    fn add(&mut self, key: Option<&str>, input: &impl EndpointInput) -> Result<(), Error> {
        let Some(key) = key else { return Ok(()) };
        check_name("key", key)?;
        // The content of a local file counts, which is read only when the item is its turn.
        let Ok(json) = serde_json::to_string(input) else { return Ok(()) };
        let Ok(input) = canonical(&json) else { return Ok(()) };
        let input = self.hasher.hash_one(input);
        match self.inputs.entry(self.hasher.hash_one(key)) {
            Entry::Occupied(other) if *other.get() != input => {
                Err(Error::new(ErrorKind::KeyConflict, "another item has the key and a different input"))
            }
            Entry::Occupied(_) => Ok(()),
            Entry::Vacant(entry) => {
                entry.insert(input);
                Ok(())
            }
        }
    }
}

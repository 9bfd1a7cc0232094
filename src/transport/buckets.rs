//! The callers' buckets to which fal uploads outputs.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::hosts::Hosts;

/// Maximum number of buckets that a client remembers. The least recently used are forgotten.
const MAX_BUCKETS: usize = 64;

/// A bucket by its URL, and by the URL under which an emulator serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bucket {
    urls: Vec<String>,
}

impl Bucket {
    pub(crate) fn new(url: &str, hosts: &Hosts) -> Self {
        let emulated = url.split_once("://").and_then(|(_, rest)| Some(format!("{}/{rest}", hosts.emulator()?)));
        Bucket { urls: std::iter::once(url.to_owned()).chain(emulated).collect() }
    }

    /// Returns true if a URL is that of an object in the bucket.
    pub(crate) fn contains(&self, url: &str) -> bool {
        self.urls.iter().any(|bucket| is_object_of(bucket, url))
    }
}

/// Returns true if a URL is that of an object in a bucket.
pub(crate) fn is_object_of(bucket: &str, url: &str) -> bool {
    let below = url.strip_prefix(bucket.trim_end_matches('/'));
    below.is_some_and(|below| below.starts_with('/') && below.len() > 1)
}

/// The buckets of a client's calls. Downloads from them wait for uploads that fal has not finished.
#[derive(Debug, Default)]
pub(crate) struct Buckets(Mutex<VecDeque<Bucket>>);

impl Buckets {
    pub(crate) fn remember(&self, bucket: Bucket) {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.retain(|known| *known != bucket);
        buckets.push_back(bucket);
        if buckets.len() > MAX_BUCKETS {
            buckets.pop_front();
        }
    }

    /// Returns true if a URL is that of an object in one of the buckets.
    pub(crate) fn contain(&self, url: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|bucket| bucket.contains(url))
    }
}

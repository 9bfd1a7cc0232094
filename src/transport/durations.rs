use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Number of requests of an endpoint that are remembered. Recent ones tell more about the queue.
const REMEMBERED: usize = 32;

/// Number of requests from which on their median means something.
const ENOUGH: usize = 4;

const MAX_ENDPOINTS: usize = 1_000;

/// The durations of the latest successful requests of a client, from submission to completion.
#[derive(Debug, Default)]
pub(crate) struct Durations {
    by_endpoint: Mutex<HashMap<String, VecDeque<Duration>>>,
}

impl Durations {
    /// Records the duration of a successful request.
    pub(crate) fn record(&self, endpoint: &str, duration: Duration) {
        let mut by_endpoint = self.by_endpoint.lock().unwrap_or_else(PoisonError::into_inner);
        if !by_endpoint.contains_key(endpoint) {
            if by_endpoint.len() == MAX_ENDPOINTS {
                return;
            }
            by_endpoint.insert(endpoint.to_owned(), VecDeque::with_capacity(REMEMBERED));
        }
        if let Some(latest) = by_endpoint.get_mut(endpoint) {
            latest.truncate(REMEMBERED - 1);
            latest.push_front(duration);
        }
    }

    /// Returns the median duration of an endpoint's requests. `None` if too few are known.
    pub(crate) fn expected(&self, endpoint: &str) -> Option<Duration> {
        let by_endpoint = self.by_endpoint.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = by_endpoint.get(endpoint).filter(|latest| latest.len() >= ENOUGH)?;
        let mut latest: Vec<Duration> = latest.iter().copied().collect();
        let middle = latest.len() / 2;
        Some(*latest.select_nth_unstable(middle).1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_the_latest_requests_is_expected() {
        let durations = Durations::default();
        let expected = |seconds: &[u64]| {
            seconds.iter().for_each(|seconds| durations.record("a/b", Duration::from_secs(*seconds)));
            durations.expected("a/b").map(|expected| expected.as_secs())
        };
        assert_eq!(expected(&[1, 9, 2]), None);
        assert_eq!(expected(&[100, 3]), Some(3));
        assert_eq!(expected(&[30; REMEMBERED]), Some(30));
        assert_eq!(durations.expected("a/c"), None);
    }

    #[test]
    fn the_number_of_endpoints_is_limited() {
        let durations = Durations::default();
        for endpoint in 0..2 * MAX_ENDPOINTS {
            durations.record(&endpoint.to_string(), Duration::ZERO);
        }
        assert_eq!(durations.by_endpoint.lock().expect("not poisoned").len(), MAX_ENDPOINTS);
    }
}

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::sync::lock;

/// The most hosts that are kept.
const MAX_HOSTS: usize = 1_000;

/// The hosts that are not fal's, with the number of connections and requests that were refused.
#[derive(Debug, Default)]
pub(crate) struct RefusedHosts(Mutex<BTreeMap<String, u64>>);

impl RefusedHosts {
    pub(crate) fn add(&self, host: &str) {
        let mut hosts = lock(&self.0);
        if hosts.len() < MAX_HOSTS || hosts.contains_key(host) {
            *hosts.entry(host.to_owned()).or_default() += 1;
        }
    }

    pub(crate) fn all(&self) -> BTreeMap<String, u64> {
        lock(&self.0).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_counted_up_to_a_limit() {
        let hosts = RefusedHosts::default();
        (0..2 * MAX_HOSTS).for_each(|number| hosts.add(&format!("{number:04}.test")));
        hosts.add("0000.test");
        assert_eq!((hosts.all().len(), hosts.all()["0000.test"]), (MAX_HOSTS, 2));
    }
}

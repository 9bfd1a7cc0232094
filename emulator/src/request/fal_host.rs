//! The names of fal's hosts.

use crate::input::upload_policy;
use crate::urls::{DOMAINS, is_within};

/// Returns whether the emulator serves a host: one of fal, or one that keeps files for fal. The name is in lower case.
pub(crate) fn is_served(host: &str) -> bool {
    DOMAINS.iter().any(|domain| is_within(host, domain)) || keeps_files(host)
}

/// Returns whether a host keeps files for fal, but is not fal's own.
pub(crate) fn keeps_files(host: &str) -> bool {
    host == "storage.googleapis.com" || upload_policy::is_s3(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_clients_are_served() {
        for host in [
            "fal.run",
            "queue.fal.run",
            "ws.fal.run",
            "falrun.com",
            "queue.falrun.com",
            "rest.fal.ai",
            "rest.alpha.fal.ai",
            "api.fal.ai",
            "auth.fal.ai",
            "v3b.fal.media",
            "storage.googleapis.com",
            "bucket.s3.eu-west-1.amazonaws.com",
        ] {
            assert!(is_served(host), "{host}");
        }
        for host in ["", "run", "notfal.run", "fal.run.evil.test", ".fal.ru", "googleapis.com", "amazonaws.com"] {
            assert!(!is_served(host), "{host}");
        }
    }
}

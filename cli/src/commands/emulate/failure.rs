//! The option `--fail` of `cargo fal emulate`.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use fal_client::LockReason;
use fal_emulator::{Emulator, Fault, Operation};
use serde_json::json;

/// A failure of submissions, direct runs and streams: `[ENDPOINT=][COUNTx]FAILURE`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    /// The only endpoint that fails, or else all of them.
    endpoint: Option<String>,
    /// The number of requests that fail, or else all of them.
    count: Option<u32>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Status(u16),
    RateLimit,
    ContentPolicy,
    Drop,
    /// The request is accepted, and the connection closes without its response.
    AcceptedDrop,
    /// The account is locked.
    Locked,
    /// The keys lack the permission.
    NoPermission,
}

/// The failures with a name, in addition to HTTP statuses.
const NAMES: [(&str, Kind); 6] = [
    ("rate-limit", Kind::RateLimit),
    ("content-policy", Kind::ContentPolicy),
    ("drop", Kind::Drop),
    ("accepted-drop", Kind::AcceptedDrop),
    ("locked", Kind::Locked),
    ("no-permission", Kind::NoPermission),
];

impl FromStr for Failure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (endpoint, failure) = match text.rsplit_once('=') {
            Some((endpoint, failure)) => (Some(endpoint.to_owned()), failure),
            None => (None, text),
        };
        // No name begins with a digit.
        let (count, failure) = match failure.split_once('x') {
            Some((count, failure)) if count.starts_with(|first: char| first.is_ascii_digit()) => {
                let count = count.parse().ok().filter(|count| *count > 0);
                (
                    Some(count.ok_or_else(|| {
                        format!("invalid count in `{text}`: expected a number from 1 to {}", u32::MAX)
                    })?),
                    failure,
                )
            }
            _ => (None, failure),
        };
        let named = NAMES.iter().find(|(name, _)| *name == failure).map(|(_, kind)| *kind);
        let status = || failure.parse().ok().filter(|status| (400..600).contains(status)).map(Kind::Status);
        let kind = named.or_else(status).ok_or_else(|| {
            let names = NAMES.map(|(name, _)| name).join(", ");
            let problem = match failure {
                "" => format!("missing failure in `{text}`"),
                _ => format!("unknown failure `{failure}`"),
            };
            format!("{problem}: expected an HTTP status from 400 to 599, or one of {names}")
        })?;
        Ok(Failure { endpoint, count, kind })
    }
}

impl Failure {
    /// Makes the emulator fail.
    ///
    /// # Errors
    ///
    /// It does not serve the endpoint, or the failure applies to the whole account.
    pub(crate) fn inject(&self, emulator: &Emulator) -> Result<(), String> {
        if let Some(endpoint) = &self.endpoint {
            super::served(emulator, endpoint).map_err(|error| format!("--fail: {error}"))?;
        }
        let operations = [Operation::Submit, Operation::Run, Operation::Stream];
        let Some(fault) = self.kind.fault() else {
            if self.endpoint.is_some() || self.count.is_some() {
                return Err("--fail: `locked` and `no-permission` take neither ENDPOINT nor COUNT".to_owned());
            }
            if self.kind == Kind::Locked {
                emulator.lock_account(LockReason::ExhaustedBalance);
            } else {
                operations.into_iter().for_each(|operation| emulator.deny_permission(operation));
            }
            return Ok(());
        };
        let mut fault = fault.repeat();
        if let Some(endpoint) = &self.endpoint {
            fault = fault.on(endpoint.as_str());
        }
        if let Some(count) = self.count {
            let left = Arc::new(AtomicU32::new(count));
            // Checked last, so that it only counts requests that fail.
            fault = fault.when(move |_| left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok());
        }
        for operation in operations {
            emulator.inject_fault(operation, fault.clone());
        }
        Ok(())
    }
}

impl Kind {
    /// Returns the fault of each request, or `None` for a state of the account.
    fn fault(self) -> Option<Fault> {
        Some(match self {
            // A model fails once it runs.
            Kind::Status(status @ (422 | 500)) => Fault::outcome(status),
            Kind::Status(status @ 502..=504) => Fault::nginx(status),
            Kind::Status(status) => Fault::respond(status),
            Kind::RateLimit => Fault::request_error("concurrent_requests_limit"),
            Kind::ContentPolicy => Fault::outcome(422).json(&json!({ "detail": [{
                "loc": ["body", "prompt"],
                "msg": "The content could not be processed because it contained material flagged by a content checker.",
                "type": "content_policy_violation",
                "url": "https://docs.fal.ai/errors/#content_policy_violation",
            }] })),
            Kind::Drop => Fault::drop_connection(),
            Kind::AcceptedDrop => Fault::drop_connection().after_effect(),
            Kind::Locked | Kind::NoPermission => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoint_and_count_are_optional() {
        let parsed = |text: &str| {
            let Failure { endpoint, count, kind } = text.parse()?;
            Ok::<_, String>((endpoint, count, kind))
        };
        assert_eq!(parsed("500"), Ok((None, None, Kind::Status(500))));
        assert_eq!(parsed("3x503"), Ok((None, Some(3), Kind::Status(503))));
        assert_eq!(parsed("2xdrop"), Ok((None, Some(2), Kind::Drop)));
        let endpoint = Some("acme/x2".to_owned());
        assert_eq!(parsed("acme/x2=rate-limit"), Ok((endpoint.clone(), None, Kind::RateLimit)));
        assert_eq!(parsed("acme/x2=1xdrop"), Ok((endpoint, Some(1), Kind::Drop)));
        assert_eq!(parsed("locked"), Ok((None, None, Kind::Locked)));
    }

    #[test]
    fn unknown_failures_are_rejected() {
        for (text, message) in [
            ("", "missing failure in ``"),
            ("422x", "missing failure in `422x`: expected an HTTP status"),
            ("acme/echo=", "missing failure in `acme/echo=`"),
            ("200", "unknown failure `200`"),
            ("600", "unknown failure `600`"),
            ("rate_limit", "unknown failure `rate_limit`"),
            ("acme/echo", "unknown failure `acme/echo`"),
            ("0x500", "invalid count in `0x500`"),
            ("99999999999x500", "invalid count in"),
        ] {
            let error = text.parse::<Failure>().expect_err(text);
            assert!(error.starts_with(message), "{error}");
        }
    }
}

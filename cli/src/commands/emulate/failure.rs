//! The option `--fail` of `cargo fal emulate`.

use std::str::FromStr;

use fal_client::LockReason;
use fal_emulator::{Emulator, Fault, Operation};
use serde_json::json;

/// A failure of submissions, direct runs and streams: `[ENDPOINT=][WHICHx]FAILURE`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    /// The only endpoint that fails, or else all of them.
    endpoint: Option<String>,
    which: Which,
    kind: Kind,
}

/// The requests that fail. Submissions, direct runs and streams are counted apart.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Which {
    All,
    /// The next ones.
    Next(u64),
    /// A single one.
    Nth(u64),
    /// A share, from 0 to 1.
    Share(f64),
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
        // No name begins like that.
        let (which, failure) = match failure.split_once('x') {
            Some((which, failure)) if which.starts_with(|first: char| first.is_ascii_digit() || first == '@') => {
                let which = Which::parse(which).ok_or_else(|| {
                    format!("invalid `{which}x` in `{text}`: expected a count, such as 3x, a single request, such as @3x, or a share, such as 10%x")
                })?;
                (which, failure)
            }
            _ => (Which::All, failure),
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
        Ok(Failure { endpoint, which, kind })
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
            if self.endpoint.is_some() || self.which != Which::All {
                return Err("--fail: `locked` and `no-permission` take neither ENDPOINT nor WHICH".to_owned());
            }
            if self.kind == Kind::Locked {
                emulator.lock_account(LockReason::ExhaustedBalance);
            } else {
                operations.into_iter().for_each(|operation| emulator.deny_permission(operation));
            }
            return Ok(());
        };
        let mut fault = match self.which {
            Which::All => fault.repeat(),
            Which::Next(count) => fault.times(count),
            Which::Nth(number) => fault.nth(number),
            Which::Share(share) => fault.probability(share),
        };
        if let Some(endpoint) = &self.endpoint {
            fault = fault.on(endpoint.as_str());
        }
        for operation in operations {
            emulator.inject_fault(operation, fault.clone());
        }
        Ok(())
    }
}

impl Which {
    fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| text.parse().ok().filter(|number| *number > 0);
        if let Some(number) = text.strip_prefix('@').map(number) {
            return number.map(Which::Nth);
        }
        match text.strip_suffix('%') {
            Some(percent) => percent
                .parse()
                .ok()
                .map(|percent: f64| percent / 100.0)
                .filter(|share| *share > 0.0 && *share <= 1.0)
                .map(Which::Share),
            None => number(text).map(Which::Next),
        }
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
    fn endpoint_and_selection_are_optional() {
        let parsed = |text: &str| {
            let Failure { endpoint, which, kind } = text.parse()?;
            Ok::<_, String>((endpoint, which, kind))
        };
        assert_eq!(parsed("500"), Ok((None, Which::All, Kind::Status(500))));
        assert_eq!(parsed("3x503"), Ok((None, Which::Next(3), Kind::Status(503))));
        assert_eq!(parsed("2xdrop"), Ok((None, Which::Next(2), Kind::Drop)));
        assert_eq!(parsed("@3x503"), Ok((None, Which::Nth(3), Kind::Status(503))));
        assert_eq!(parsed("2.5%xdrop"), Ok((None, Which::Share(0.025), Kind::Drop)));
        let endpoint = Some("acme/x2".to_owned());
        assert_eq!(parsed("acme/x2=rate-limit"), Ok((endpoint.clone(), Which::All, Kind::RateLimit)));
        assert_eq!(parsed("acme/x2=1xdrop"), Ok((endpoint.clone(), Which::Next(1), Kind::Drop)));
        assert_eq!(parsed("acme/x2=10%x500"), Ok((endpoint, Which::Share(0.1), Kind::Status(500))));
        assert_eq!(parsed("locked"), Ok((None, Which::All, Kind::Locked)));
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
            ("0x500", "invalid `0x` in `0x500`"),
            ("99999999999999999999x500", "invalid `99999999999999999999x` in"),
            ("@0x500", "invalid `@0x` in"),
            ("@x500", "invalid `@x` in"),
            ("0%x500", "invalid `0%x` in"),
            ("101%x500", "invalid `101%x` in"),
            ("1e999%x500", "invalid `1e999%x` in"),
            ("3.5x500", "invalid `3.5x` in"),
            ("10%500", "unknown failure `10%500`"),
        ] {
            let error = text.parse::<Failure>().expect_err(text);
            assert!(error.starts_with(message), "{error}");
        }
    }
}

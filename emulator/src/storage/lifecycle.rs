use std::time::Duration;

use serde_json::{Map, Value};

use crate::storage::acl::Acl;

/// The lifetime and the ACL of a file, as a client requests them in a header.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Lifecycle {
    /// `None` means no expiry.
    pub(crate) expires_after: Option<Duration>,
    pub(crate) acl: Acl,
}

impl Lifecycle {
    /// Parses a lifecycle header, `{"expiration_duration_seconds": n, "initial_acl": {…}}`. Returns `None` if it is
    /// invalid.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let header: Map<String, Value> = serde_json::from_str(header).ok()?;
        let mut lifecycle = Lifecycle::default();
        for (name, value) in &header {
            match (name.as_str(), value) {
                (_, Value::Null) => {}
                ("expiration_duration_seconds", seconds) => {
                    let seconds = seconds.as_u64().filter(|seconds| *seconds > 0)?;
                    lifecycle.expires_after = Some(Duration::from_secs(seconds));
                }
                ("initial_acl", acl) => lifecycle.acl = Acl::parse(acl)?,
                _ => return None,
            }
        }
        Some(lifecycle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::acl::Decision;

    #[test]
    fn lifecycle_header_is_parsed() {
        assert_eq!(Lifecycle::parse("{}"), Some(Lifecycle::default()));
        let nulls = r#"{"expiration_duration_seconds": null, "initial_acl": null}"#;
        assert_eq!(Lifecycle::parse(nulls), Some(Lifecycle::default()));
        let full = r#"{"expiration_duration_seconds": 60, "initial_acl":
            {"default": "hide", "rules": [{"user": "a", "decision": "allow"}]}}"#;
        let acl = Acl { default: Decision::Hide, rules: vec![("a".to_owned(), Decision::Allow)] };
        let full = Lifecycle::parse(full);
        assert_eq!(full, Some(Lifecycle { expires_after: Some(Duration::from_secs(60)), acl: acl.clone() }));
        assert_eq!(Acl::parse(&acl.json()), Some(acl));
        for invalid in [
            "",
            "60",
            "[]",
            r#"{"expiration_duration_seconds": 0}"#,
            r#"{"expiration_duration_seconds": -1}"#,
            r#"{"expiration_duration_seconds": true}"#,
            r#"{"expiration_duration_seconds": "1h"}"#,
            r#"{"expiration_duration_seconds": 1.5}"#,
            r#"{"expires": 60}"#,
            r#"{"initial_acl": {"default": "deny"}}"#,
            r#"{"initial_acl": {"rules": [{"user": "a"}]}}"#,
            r#"{"initial_acl": {"other": "hide"}}"#,
        ] {
            assert_eq!(Lifecycle::parse(invalid), None, "{invalid}");
        }
    }
}

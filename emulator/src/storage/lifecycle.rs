use std::time::Duration;

use serde_json::{Map, Value, json};

/// How long a file lives and who may read it, as a caller asks for it in a header.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Lifecycle {
    /// None for ever.
    pub(crate) expires_after: Option<Duration>,
    pub(crate) acl: Acl,
}

/// Who may read a file. The owner always may.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Acl {
    /// What holds for everybody else.
    pub(crate) default: Decision,
    /// What holds for users by name. The emulator knows nobody but the owner, so this is only remembered.
    pub(crate) rules: Vec<(String, Decision)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Decision {
    #[default]
    Allow,
    /// Answered with 403.
    Forbid,
    /// Answered with 404.
    Hide,
}

impl Lifecycle {
    /// Reads the value of a lifecycle header, `{"expiration_duration_seconds": n, "initial_acl": {…}}`; none if it has
    /// another form.
    pub(crate) fn read(header: &str) -> Option<Self> {
        let header: Map<String, Value> = serde_json::from_str(header).ok()?;
        let mut lifecycle = Lifecycle::default();
        for (name, value) in &header {
            match (name.as_str(), value) {
                (_, Value::Null) => {}
                ("expiration_duration_seconds", seconds) => {
                    let seconds = seconds.as_u64().filter(|seconds| *seconds > 0)?;
                    lifecycle.expires_after = Some(Duration::from_secs(seconds));
                }
                ("initial_acl", acl) => lifecycle.acl = Acl::read(acl)?,
                _ => return None,
            }
        }
        Some(lifecycle)
    }
}

impl Acl {
    /// Reads `{"default": …, "rules": [{"user": …, "decision": …}]}`; none if it has another form.
    pub(crate) fn read(acl: &Value) -> Option<Self> {
        let acl = acl.as_object()?;
        if acl.keys().any(|key| key != "default" && key != "rules") {
            return None;
        }
        let default = acl.get("default").filter(|default| !default.is_null());
        let rules = acl.get("rules").filter(|rules| !rules.is_null());
        let rule =
            |rule: &Value| Some((rule.get("user")?.as_str()?.to_owned(), Decision::read(rule.get("decision")?)?));
        Some(Acl {
            default: default.map_or(Some(Decision::Allow), Decision::read)?,
            rules: match rules {
                Some(rules) => rules.as_array()?.iter().map(rule).collect::<Option<_>>()?,
                None => Vec::new(),
            },
        })
    }

    pub(crate) fn json(&self) -> Value {
        let rules = self.rules.iter().map(|(user, decision)| json!({ "user": user, "decision": decision.word() }));
        json!({ "default": self.default.word(), "rules": rules.collect::<Value>() })
    }
}

impl Decision {
    fn read(word: &Value) -> Option<Self> {
        [Decision::Allow, Decision::Forbid, Decision::Hide].into_iter().find(|decision| word == decision.word())
    }

    fn word(self) -> &'static str {
        match self {
            Decision::Allow => "allow",
            Decision::Forbid => "forbid",
            Decision::Hide => "hide",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read() {
        assert_eq!(Lifecycle::read("{}"), Some(Lifecycle::default()));
        let nulls = r#"{"expiration_duration_seconds": null, "initial_acl": null}"#;
        assert_eq!(Lifecycle::read(nulls), Some(Lifecycle::default()));
        let full = r#"{"expiration_duration_seconds": 60, "initial_acl":
            {"default": "hide", "rules": [{"user": "a", "decision": "allow"}]}}"#;
        let acl = Acl { default: Decision::Hide, rules: vec![("a".to_owned(), Decision::Allow)] };
        let full = Lifecycle::read(full);
        assert_eq!(full, Some(Lifecycle { expires_after: Some(Duration::from_secs(60)), acl: acl.clone() }));
        assert_eq!(Acl::read(&acl.json()), Some(acl));
        for bad in [
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
            assert_eq!(Lifecycle::read(bad), None, "{bad}");
        }
    }
}

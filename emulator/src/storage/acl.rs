use serde_json::{Value, json};

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

impl Acl {
    /// Reads `{"default": …, "rules": [{"user": …, "decision": …}]}`; none if it has another form.
    pub(crate) fn parse(acl: &Value) -> Option<Self> {
        let acl = acl.as_object()?;
        if acl.keys().any(|key| key != "default" && key != "rules") {
            return None;
        }
        let default = acl.get("default").filter(|default| !default.is_null());
        let rules = acl.get("rules").filter(|rules| !rules.is_null());
        let rule =
            |rule: &Value| Some((rule.get("user")?.as_str()?.to_owned(), Decision::parse(rule.get("decision")?)?));
        Some(Acl {
            default: default.map_or(Some(Decision::Allow), Decision::parse)?,
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
    fn parse(word: &Value) -> Option<Self> {
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

use serde_json::{Value, json};

/// The most rules of an ACL.
const MAX_RULES: usize = 1_000;

/// The access control list of a file. The owner may always read it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Acl {
    /// The decision for everyone else.
    pub(crate) default: Decision,
    /// The decisions for single users. They have no effect, because the emulator knows only the owner.
    pub(crate) rules: Vec<(String, Decision)>,
}

/// The decision of an ACL about a reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Decision {
    #[default]
    Allow,
    /// Respond with 403.
    Forbid,
    /// Respond with 404.
    Hide,
}

impl Acl {
    /// Parses `{"default": …, "rules": [{"user": …, "decision": …}]}`. Returns `None` if it is invalid.
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
                Some(rules) => {
                    let rules = rules.as_array().filter(|rules| rules.len() <= MAX_RULES)?;
                    rules.iter().map(rule).collect::<Option<_>>()?
                }
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

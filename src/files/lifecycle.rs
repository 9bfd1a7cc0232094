use std::time::Duration;

use serde_json::{Map, Value, json};

/// How long files live and who may read them: those that a request makes, or one that is uploaded.
///
/// ```
/// use std::time::Duration;
/// use fal_client::{Access, Lifecycle};
///
/// let a_day = Lifecycle::expires_after(Duration::from_secs(86_400));
/// let for_one = Lifecycle::never_expires().access(Access::Hide).allow("a-nickname");
/// # let _ = (a_day, for_one);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lifecycle {
    seconds: Option<u64>,
    access: Option<Access>,
    rules: Vec<(String, Access)>,
}

/// Who may read a file. The owner always may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// Everybody who has the URL.
    Allow,
    /// Nobody: the URL answers with 403.
    Forbid,
    /// Nobody: the URL answers with 404.
    Hide,
}

impl Access {
    fn word(self) -> &'static str {
        match self {
            Access::Allow => "allow",
            Access::Forbid => "forbid",
            Access::Hide => "hide",
        }
    }
}

impl Lifecycle {
    /// Files that stay.
    pub fn never_expires() -> Self {
        Lifecycle::default()
    }

    /// Files that go away after a time, in whole seconds and of at least one: a part of a second counts as a whole one.
    pub fn expires_after(time: Duration) -> Self {
        let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
        Lifecycle { seconds: Some(seconds.max(1)), ..Lifecycle::default() }
    }

    /// Files that go away as soon as they may: after a minute.
    pub fn expires_immediately() -> Self {
        Lifecycle::expires_after(Duration::from_secs(60))
    }

    /// What holds for everybody for whom there is no rule.
    pub fn access(mut self, access: Access) -> Self {
        self.access = Some(access);
        self
    }

    /// Lets a user, by nickname, read what others may not. fal drops a user whom it does not know.
    pub fn allow(self, user: impl Into<String>) -> Self {
        self.rule(user, Access::Allow)
    }

    /// What holds for one user, by nickname. Of several rules that fit, the one that allows most counts.
    pub fn rule(mut self, user: impl Into<String>, access: Access) -> Self {
        self.rules.push((user.into(), access));
        self
    }

    /// The value of the header, if there is anything to say.
    pub(crate) fn header(&self) -> Option<String> {
        let mut preference = Map::new();
        if let Some(seconds) = self.seconds {
            preference.insert("expiration_duration_seconds".to_owned(), json!(seconds));
        }
        let mut acl = Map::new();
        if let Some(access) = self.access {
            acl.insert("default".to_owned(), json!(access.word()));
        }
        if !self.rules.is_empty() {
            let rules = self.rules.iter().map(|(user, access)| json!({ "user": user, "decision": access.word() }));
            acl.insert("rules".to_owned(), rules.collect());
        }
        if !acl.is_empty() {
            preference.insert("initial_acl".to_owned(), Value::Object(acl));
        }
        (!preference.is_empty()).then(|| ascii(&Value::Object(preference).to_string()))
    }
}

/// JSON in ASCII, which a header takes whatever the nicknames are.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let mut units = [0; 2];
    for c in json.chars() {
        if c.is_ascii() {
            text.push(c);
        } else {
            c.encode_utf16(&mut units).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(lifecycle: &Lifecycle) -> Value {
        let header = lifecycle.header().expect("something to say");
        assert!(header.is_ascii());
        serde_json::from_str(&header).expect("JSON")
    }

    #[test]
    fn a_lifecycle_is_written_as_fal_reads_it() {
        assert_eq!(Lifecycle::never_expires().header(), None);
        let seconds = |lifecycle: Lifecycle| header(&lifecycle)["expiration_duration_seconds"].as_u64();
        assert_eq!(seconds(Lifecycle::expires_immediately()), Some(60));
        assert_eq!(seconds(Lifecycle::expires_after(Duration::from_secs(3600))), Some(3600));
        assert_eq!(seconds(Lifecycle::expires_after(Duration::from_millis(1500))), Some(2));
        assert_eq!(seconds(Lifecycle::expires_after(Duration::ZERO)), Some(1));
        let day = Lifecycle::expires_after(Duration::from_secs(86_400)).access(Access::Hide);
        assert_eq!(
            day.header().as_deref(),
            Some(r#"{"expiration_duration_seconds":86400,"initial_acl":{"default":"hide"}}"#)
        );
        assert_eq!(
            header(&Lifecycle::never_expires().access(Access::Forbid).allow("zoë").rule("b", Access::Hide)),
            json!({ "initial_acl": { "default": "forbid", "rules": [
                { "user": "zoë", "decision": "allow" }, { "user": "b", "decision": "hide" } ] } })
        );
    }
}

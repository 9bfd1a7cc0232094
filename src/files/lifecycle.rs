use std::time::Duration;

use serde::Serialize;

use super::acl::{Access, Acl};

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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Lifecycle {
    #[serde(rename = "expiration_duration_seconds", skip_serializing_if = "Option::is_none")]
    seconds: Option<u64>,
    #[serde(rename = "initial_acl", skip_serializing_if = "Acl::is_empty")]
    acl: Acl,
}

impl Lifecycle {
    /// Files that stay, as far as the account's setting lets them: as in fal's own clients it is said by saying nothing.
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
        self.acl.default = Some(access);
        self
    }

    /// Lets a user, by nickname, read what others may not. fal drops a user whom it does not know.
    pub fn allow(self, user: impl Into<String>) -> Self {
        self.rule(user, Access::Allow)
    }

    /// What holds for one user, by nickname. Of several rules that fit, the one that allows most counts.
    pub fn rule(mut self, user: impl Into<String>, access: Access) -> Self {
        self.acl = self.acl.rule(user, access);
        self
    }

    /// Who may read the files, all at once.
    pub fn acl(mut self, acl: Acl) -> Self {
        self.acl = acl;
        self
    }

    /// The value of the header, if there is anything to say.
    pub(crate) fn header(&self) -> Option<String> {
        let is_empty = self.seconds.is_none() && self.acl.is_empty();
        // It is made of numbers and texts only, which can always be written.
        let json = (!is_empty).then(|| serde_json::to_string(self).ok()).flatten()?;
        Some(ascii(&json))
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
    use serde_json::{Value, json};

    use super::*;

    fn header(lifecycle: &Lifecycle) -> Value {
        let header = lifecycle.header().expect("something to say");
        assert!(header.is_ascii());
        serde_json::from_str(&header).expect("JSON")
    }

    #[test]
    fn a_lifecycle_is_written_as_fal_reads_it() {
        assert_eq!(Lifecycle::never_expires().header(), None);
        assert_eq!(Lifecycle::default().acl(Acl::default()).header(), None);
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
        let acl = Acl::default().allow("a");
        assert_eq!(
            header(&Lifecycle::expires_immediately().acl(acl)),
            json!({ "expiration_duration_seconds": 60, "initial_acl": { "rules": [{ "user": "a", "decision": "allow" }] } })
        );
    }
}

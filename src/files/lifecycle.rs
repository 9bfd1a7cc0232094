use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::acl::{Access, Acl};

/// The expiration of files and who may read them. Applies to the outputs of a request, or to an upload.
///
/// ```
/// use std::time::Duration;
/// use fal_client::{Access, Lifecycle};
///
/// let a_day = Lifecycle::expires_after(Duration::from_secs(86_400));
/// let for_one = Lifecycle::never_expires().access(Access::Hide).allow("a-nickname");
/// # let _ = (a_day, for_one);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lifecycle {
    #[serde(rename = "expiration_duration_seconds", default, skip_serializing_if = "Option::is_none")]
    seconds: Option<u64>,
    #[serde(rename = "initial_acl", default, skip_serializing_if = "Acl::is_empty")]
    acl: Acl,
}

impl Lifecycle {
    /// Keeps files as long as the account's setting allows. As in fal's own clients, this sends no expiration.
    pub fn never_expires() -> Self {
        Lifecycle::default()
    }

    /// Deletes files after `time`, rounded up to whole seconds. Minimum: 1 s.
    pub fn expires_after(time: Duration) -> Self {
        let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
        Lifecycle { seconds: Some(seconds.max(1)), ..Lifecycle::default() }
    }

    /// Deletes files as early as possible: after one minute.
    pub fn expires_immediately() -> Self {
        Lifecycle::expires_after(Duration::from_secs(60))
    }

    /// Sets the access of users without a rule. Default: the account's setting.
    pub fn access(mut self, access: Access) -> Self {
        self.acl.default = Some(access);
        self
    }

    /// Allows a user, by nickname, to read the files. fal ignores unknown users.
    pub fn allow(self, user: impl Into<String>) -> Self {
        self.rule(user, Access::Allow)
    }

    /// Sets the access of one user, by nickname. If several rules match, the most permissive one applies.
    pub fn rule(mut self, user: impl Into<String>, access: Access) -> Self {
        self.acl = self.acl.rule(user, access);
        self
    }

    /// Replaces all access rules.
    pub fn acl(mut self, acl: Acl) -> Self {
        self.acl = acl;
        self
    }

    /// Returns the time after which files are deleted, if it is not the account's setting.
    pub(crate) fn lifetime(&self) -> Option<Duration> {
        self.seconds.map(Duration::from_secs)
    }

    /// Returns the value of the header, or `None` if nothing is set.
    pub(crate) fn header(&self) -> Option<String> {
        let is_empty = self.seconds.is_none() && self.acl.is_empty();
        // Numbers and strings always serialize.
        let json = (!is_empty).then(|| serde_json::to_string(self).ok()).flatten()?;
        Some(ascii(&json))
    }
}

/// Escapes JSON to ASCII, so that a header can contain any nickname.
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
        let header = lifecycle.header().expect("a header");
        assert!(header.is_ascii());
        serde_json::from_str(&header).expect("JSON")
    }

    #[test]
    fn header_has_fals_json_form() {
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

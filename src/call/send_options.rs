use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use url::Url;

use crate::error::{Error, ErrorKind};
use crate::files::{Lifecycle, S3Post};
#[cfg(feature = "money")]
use crate::money::{Decimal, IntoAmount, not_negative};
use crate::text::learn_url;
use crate::transport::{Hosts, UPLOAD_POLICY, parse_header, shown_host};

/// The options that a call sends with its input. The error of the first invalid option is kept until the call is awaited, and
/// is then returned before anything is sent.
#[derive(Debug, Default)]
pub(crate) struct SendOptions {
    pub(crate) headers: HeaderMap,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) extra: Map<String, Value>,
    pub(crate) unchecked: bool,
    /// Smaller files become data URIs; `None` uses the client's policy.
    pub(crate) inline_below: Option<u64>,
    /// True if fal should reject the request when the queue is full.
    pub(crate) bounded: bool,
    /// The URL of the caller's bucket for outputs.
    pub(crate) bucket: Option<String>,
    /// The units that the call is expected to be billed, if the caller has given them.
    #[cfg(feature = "money")]
    pub(crate) expected_units: Option<Decimal>,
    webhook: Option<Url>,
    invalid: Option<Error>,
}

impl SendOptions {
    /// Returns the error of the first invalid option.
    pub(crate) fn check(&mut self, hosts: &Hosts) -> Result<(), Error> {
        if let Some(webhook) = self.webhook.take().filter(|webhook| !hosts.delivers_to(webhook)) {
            self.reject(format!(
                "invalid webhook \"{}\": fal does not deliver to private hosts; expected a public URL, or the \
                 hosts of a local emulator in the client",
                shown_host(webhook.as_str())
            ));
        }
        self.invalid.take().map_or(Ok(()), Err)
    }

    fn reject(&mut self, reason: String) {
        self.invalid.get_or_insert_with(|| Error::new(ErrorKind::InvalidInput, reason));
    }

    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        match HeaderValue::from_str(value) {
            Ok(value) => drop(self.headers.insert(HeaderName::from_static(name), value)),
            Err(_) => self.reject(format!("invalid value {value:?} for the header `{name}`")),
        }
    }

    pub(crate) fn header(&mut self, name: &str, value: &str) {
        match parse_header(name, value) {
            Ok((name, value)) => drop(self.headers.insert(name, value)),
            Err(reason) => self.reject(reason),
        }
    }

    pub(crate) fn start_timeout(&mut self, timeout: Duration) {
        if timeout <= Duration::from_millis(100) {
            return self.reject(format!("start timeout of {timeout:?} is too short: expected more than 0.1 s"));
        }
        self.set("x-fal-request-start-timeout", &timeout.as_secs_f64().to_string());
    }

    pub(crate) fn webhook(&mut self, url: &str) {
        match Url::parse(url) {
            Ok(mut parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => {
                learn_url(&parsed);
                parsed.set_fragment(None);
                self.query.retain(|(name, _)| *name != "fal_webhook");
                self.query.push(("fal_webhook", parsed.to_string()));
                self.webhook = Some(parsed);
            }
            _ => self.reject(format!("invalid webhook \"{}\": expected an http or https URL", shown_host(url))),
        }
    }

    pub(crate) fn no_retry(&mut self, no_retry: bool) {
        const NO_RETRY: &str = "x-fal-no-retry";
        if no_retry {
            self.set(NO_RETRY, "1");
        } else {
            self.headers.remove(NO_RETRY);
        }
    }

    pub(crate) fn max_queue_length(&mut self, length: u32) {
        self.bounded = true;
        self.query.retain(|(name, _)| *name != "fal_max_queue_length");
        self.query.push(("fal_max_queue_length", length.to_string()));
    }

    #[cfg(feature = "money")]
    pub(crate) fn expected_units(&mut self, units: impl IntoAmount) {
        match not_negative(units) {
            Ok(units) => self.expected_units = Some(units),
            Err(error) => drop(self.invalid.get_or_insert_with(|| error.context("the expected units"))),
        }
    }

    /// Sets or replaces the preference for files of the request. A lifecycle without a preference removes the header.
    pub(crate) fn lifecycle(&mut self, lifecycle: &Lifecycle) {
        const PREFERENCE: &str = "x-fal-object-lifecycle-preference";
        match lifecycle.header() {
            Some(preference) => self.set(PREFERENCE, &preference),
            None => drop(self.headers.remove(PREFERENCE)),
        }
    }

    pub(crate) fn output_to(&mut self, post: &S3Post) {
        match post.check().and_then(|()| post.header()) {
            Ok(policy) => {
                self.headers.insert(HeaderName::from_static(UPLOAD_POLICY), policy);
                self.bucket = Some(post.url.clone());
            }
            Err(reason) => self.reject(format!("invalid upload policy of `output_to`: {reason}")),
        }
    }

    /// Sets billing tags. They are checked here because fal silently drops invalid tags.
    pub(crate) fn tags(&mut self, tags: Vec<(String, String)>) {
        if let Some(reason) = invalid_tags(&tags) {
            return self.reject(reason);
        }
        if tags.is_empty() {
            return drop(self.headers.remove("x-fal-tags"));
        }
        let pairs: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        self.set("x-fal-tags", &pairs.join(","));
    }
}

fn invalid_tags(tags: &[(String, String)]) -> Option<String> {
    if tags.len() > 10 {
        return Some(format!("too many tags: {}; expected at most 10", tags.len()));
    }
    let mut total = tags.len().saturating_sub(1);
    for (index, (key, value)) in tags.iter().enumerate() {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        if key.is_empty() || key.len() > 64 || !key.bytes().all(allowed) {
            return Some(format!("invalid tag {key:?}: expected 1 to 64 characters of `a-z`, `0-9`, `.`, `_` and `-`"));
        }
        if key.starts_with("fal.") {
            return Some(format!("invalid tag {key:?}: the prefix `fal.` is reserved for fal"));
        }
        if value.is_empty()
            || value.len() > 256
            || !value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b',')
        {
            return Some(format!(
                "invalid value {value:?} of the tag {key:?}: expected 1 to 256 printable ASCII characters without a comma"
            ));
        }
        if tags[..index].iter().any(|(other, _)| other == key) {
            return Some(format!("duplicate tag {key:?}"));
        }
        total += key.len() + 1 + value.len();
    }
    (total > 1024).then(|| format!("the tags are too long: {total} bytes; expected at most 1024"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fal() -> Hosts {
        Hosts::new(None, None, None).expect("fal's hosts")
    }

    fn tagged(tags: &[(&str, &str)]) -> Result<String, Error> {
        let mut options = SendOptions::default();
        options.tags(tags.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect());
        options.check(&fal())?;
        Ok(options.headers["x-fal-tags"].to_str().expect("text").to_owned())
    }

    #[test]
    fn invalid_tags_are_rejected() {
        assert_eq!(tagged(&[("team", "a b"), ("cost.center", "7")]).expect("good tags"), "team=a b,cost.center=7");
        let long = "x".repeat(257);
        for bad in [
            vec![("", "v")],
            vec![("Team", "v")],
            vec![("fal.x", "v")],
            vec![("k", "")],
            vec![("k", "a,b")],
            vec![("k", "é")],
            vec![("k", &long)],
            vec![("k", "1"), ("k", "2")],
            vec![("a b", "v")],
        ] {
            assert_eq!(tagged(&bad).expect_err("a bad tag").kind(), ErrorKind::InvalidInput, "{bad:?}");
        }
        let many: Vec<(String, &str)> = (0..11).map(|index| (format!("k{index}"), "v")).collect();
        assert!(tagged(&many.iter().map(|(key, value)| (key.as_str(), *value)).collect::<Vec<_>>()).is_err());
        let wide = "y".repeat(250);
        assert!(tagged(&[("a", &wide), ("b", &wide), ("c", &wide), ("d", &wide), ("e", &wide)]).is_err());
    }

    #[test]
    fn last_no_retry_applies() {
        let mut options = SendOptions::default();
        options.no_retry(true);
        assert_eq!(options.headers["x-fal-no-retry"], "1");
        options.no_retry(false);
        assert!(options.headers.is_empty());
    }

    #[test]
    fn start_timeout_must_exceed_a_tenth_of_a_second() {
        for (timeout, text) in [(5000, Some("5")), (2500, Some("2.5")), (45500, Some("45.5")), (101, Some("0.101"))] {
            let mut options = SendOptions::default();
            options.start_timeout(Duration::from_millis(timeout));
            assert!(options.check(&fal()).is_ok());
            let sent = options.headers.get("x-fal-request-start-timeout").map(|value| value.to_str().expect("text"));
            assert_eq!(sent, text);
        }
        for timeout in [0, 1, 100] {
            let mut options = SendOptions::default();
            options.start_timeout(Duration::from_millis(timeout));
            assert!(options.check(&fal()).is_err_and(|error| error.to_string().contains("0.1 s")));
        }
    }

    #[test]
    fn last_lifecycle_applies() {
        let mut options = SendOptions::default();
        let sent = |options: &SendOptions| {
            options.headers.values().map(|value| value.to_str().expect("text").to_owned()).collect::<Vec<_>>()
        };
        options.lifecycle(&Lifecycle::expires_after(Duration::from_secs(3600)));
        options.lifecycle(&Lifecycle::expires_immediately());
        assert_eq!(sent(&options), [r#"{"expiration_duration_seconds":60}"#]);
        options.lifecycle(&Lifecycle::never_expires());
        assert!(sent(&options).is_empty());
    }

    #[test]
    fn invalid_headers_are_rejected() {
        for (name, value) in [("a b", "c"), ("x", "a\nb"), ("Authorization", "Key x"), ("", "x")] {
            let mut options = SendOptions::default();
            options.header(name, value);
            assert!(options.check(&fal()).is_err(), "{name}: {value:?}");
        }
    }

    #[test]
    fn webhook_must_be_an_http_or_https_url() {
        for (url, valid) in [
            ("https://x.y/z?a=b&c=d", true),
            ("http://x.y", true),
            (" https://x.y/ ", true),
            ("ftp://x.y", false),
            ("x.y/z", false),
            ("", false),
            ("javascript:alert(1)", false),
        ] {
            let mut options = SendOptions::default();
            options.webhook(url);
            assert_eq!(options.check(&fal()).is_ok(), valid, "{url}");
        }
    }

    #[test]
    fn webhook_is_sent_in_its_canonical_form() {
        for (url, sent) in [
            (" https://X.y ", "https://x.y/"),
            ("https://x.y/é?a=b c#d", "https://x.y/%C3%A9?a=b%20c"),
            ("https://x.y/z?a=b&c=d", "https://x.y/z?a=b&c=d"),
        ] {
            let mut options = SendOptions::default();
            options.webhook("https://replaced.example/");
            options.webhook(url);
            assert_eq!(options.query, [("fal_webhook", sent.to_owned())]);
        }
    }

    #[test]
    fn private_webhooks_need_another_queue_host_than_fals() {
        let emulator =
            Hosts::new(Some("http://127.0.0.1:4000/fal.run"), Some("http://127.0.0.1:4000/queue.fal.run"), None);
        let emulator = emulator.expect("an emulator's hosts");
        for url in ["http://127.0.0.1:3000/fal", "https://localhost/", "https://10.0.0.1/?token=abc", "http://[::1]/"] {
            for (hosts, valid) in [(&fal(), false), (&emulator, true)] {
                let mut options = SendOptions::default();
                options.webhook(url);
                let error = options.check(hosts).err().map(|error| error.to_string());
                assert_eq!(error.is_none(), valid, "{url}");
                assert!(!error.unwrap_or_default().contains("abc"));
            }
        }
    }
}

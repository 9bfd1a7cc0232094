use std::fmt;

use crate::text::shown;

/// Namespaces that may precede the owner. Such an id has one more segment.
const NAMESPACES: &[&str] = &["workflows", "comfy"];

/// Maximum bytes of an endpoint id. fal's ids have fewer than 100.
const MAX_LENGTH: usize = 1024;

/// An endpoint id that knows where its application ends. Runs and submissions use the whole id; everything about a
/// queued request uses the application (`owner/app`, or `workflows/owner/app`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EndpointId {
    whole: String,
    app: usize,
}

/// A string that is not an endpoint id, with the reason.
#[derive(Debug)]
pub(crate) struct InvalidEndpointId(String);

impl fmt::Display for InvalidEndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl EndpointId {
    /// Parses `[namespace/]owner/app[/path…]`, or the legacy form `123-app` for `123/app`.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidEndpointId> {
        let refuse = |why: &str| {
            let text = shown(text);
            InvalidEndpointId(format!(
                "invalid endpoint id \"{text}\": {why}; expected `owner/app` or `owner/app/path`"
            ))
        };
        let whole = match legacy(text) {
            Some((owner, app)) => format!("{owner}/{app}"),
            None => text.strip_suffix('/').unwrap_or(text).to_owned(),
        };
        if whole.len() > MAX_LENGTH {
            return Err(refuse(&format!("it exceeds {MAX_LENGTH} bytes")));
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
        // The segments before `start`, those of the application, and the end of the latter.
        let (mut segments, mut start, mut app_segments, mut app) = (0, 0, 2, None);
        for (end, byte) in whole.bytes().chain([b'/']).enumerate() {
            if allowed(byte) {
                continue;
            }
            if byte != b'/' {
                let c = whole.get(end..).and_then(|rest| rest.chars().next()).unwrap_or_default();
                return Err(refuse(&format!("the character {c:?} is not allowed")));
            }
            match &whole[start..end] {
                "" | "." | ".." => return Err(refuse("a segment is empty, `.` or `..`")),
                first if segments == 0 && Self::is_namespace(first) => app_segments = 3,
                _ => {}
            }
            segments += 1;
            start = end + 1;
            if segments == app_segments {
                app = Some(end);
            }
        }
        let Some(app) = app else { return Err(refuse("the application is missing")) };
        Ok(EndpointId { whole, app })
    }

    pub(crate) fn is_namespace(segment: &str) -> bool {
        NAMESPACES.contains(&segment)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.whole
    }

    pub(crate) fn into_string(self) -> String {
        self.whole
    }

    /// The application: the part under which the queue files requests.
    pub(crate) fn app(&self) -> &str {
        &self.whole[..self.app]
    }

    /// The name of the application, without its owner.
    pub(crate) fn alias(&self) -> &str {
        self.app().rsplit('/').next().unwrap_or_default()
    }
}

/// Splits the legacy form `123-my-app` into owner and application.
fn legacy(text: &str) -> Option<(&str, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (owner, app) = text.split_at(digits);
    let app = app.strip_prefix('-')?;
    let plain = !app.is_empty() && app.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (digits > 0 && plain).then_some((owner, app))
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_split_into_application_and_path() {
        for (text, whole, app) in [
            ("a/b", "a/b", "a/b"),
            ("a/b/", "a/b", "a/b"),
            ("fal-ai/flux/dev/image-to-image", "fal-ai/flux/dev/image-to-image", "fal-ai/flux"),
            ("fal-ai/veo3.1", "fal-ai/veo3.1", "fal-ai/veo3.1"),
            ("workflows/a/b", "workflows/a/b", "workflows/a/b"),
            ("workflows/a/b/c", "workflows/a/b/c", "workflows/a/b"),
            ("comfy/a/b", "comfy/a/b", "comfy/a/b"),
            ("123-x-y", "123/x-y", "123/x-y"),
            ("110602490-lcm/stream", "110602490-lcm/stream", "110602490-lcm/stream"),
        ] {
            let id = EndpointId::parse(text).expect(text);
            assert_eq!((id.as_str(), id.app()), (whole, app), "{text}");
        }
    }

    #[test]
    fn invalid_ids_are_rejected() {
        for text in [
            "",
            "/",
            "just-an-id",
            "workflows/a",
            "comfy/a",
            "workflows",
            "/a/b",
            "a//b",
            "a/b//",
            "a/..",
            "a/b/.",
            "a/b?c",
            "a/b#c",
            "a/b%2f",
            "a/ b",
            "a/b\n",
            "https://fal.run/a/b",
            "a/é",
            "a\\b",
            &"a/b".repeat(1000),
        ] {
            assert!(EndpointId::parse(text).is_err(), "{text}");
        }
    }
}

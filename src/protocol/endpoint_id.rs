use std::fmt;

/// The namespaces that go before an owner: such an id has one segment more.
const NAMESPACES: &[&str] = &["workflows", "comfy"];

/// An endpoint's id, split where its application ends: runs and submissions go to the whole id, everything about a
/// request in the queue to the application (`owner/app`, or `workflows/owner/app`).
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
    /// Reads `[namespace/]owner/app[/path…]`, or the legacy form `123-app` for `123/app`.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidEndpointId> {
        let refuse = |why: &str| {
            InvalidEndpointId(format!(
                "{text:?} is not an endpoint id: {why}; it has the form `owner/app` or `owner/app/path`"
            ))
        };
        let whole = match legacy(text) {
            Some((owner, app)) => format!("{owner}/{app}"),
            None => text.strip_suffix('/').unwrap_or(text).to_owned(),
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
        let segments: Vec<&str> = whole.split('/').collect();
        if segments.iter().any(|segment| segment.is_empty() || matches!(*segment, "." | "..")) {
            return Err(refuse("a part of it is empty or only dots"));
        }
        if let Some(c) = whole.chars().find(|c| *c != '/' && !allowed(*c)) {
            return Err(refuse(&format!("it has the character {c:?}")));
        }
        let app_segments = if NAMESPACES.contains(&segments[0]) { 3 } else { 2 };
        if segments.len() < app_segments {
            return Err(refuse("it names no application"));
        }
        let app = segments[..app_segments].join("/").len();
        Ok(EndpointId { whole, app })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.whole
    }

    /// The application, under which the queue knows the endpoint's requests.
    pub(crate) fn app(&self) -> &str {
        &self.whole[..self.app]
    }
}

/// `123-my-app`, as applications were once called.
fn legacy(text: &str) -> Option<(&str, &str)> {
    let (owner, app) = text.split_once('-')?;
    let digits = !owner.is_empty() && owner.bytes().all(|byte| byte.is_ascii_digit());
    let plain = !app.is_empty() && app.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (digits && plain).then_some((owner, app))
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
    fn an_id_has_an_application_and_a_path() {
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
    fn what_is_no_id_is_refused() {
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
        ] {
            assert!(EndpointId::parse(text).is_err(), "{text}");
        }
    }
}

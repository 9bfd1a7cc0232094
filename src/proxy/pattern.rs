use std::collections::BTreeSet;

use crate::error::{Error, ErrorKind};
use crate::protocol::EndpointId;
use crate::text::shown;

/// A pattern of endpoint ids: `*` is any part of a segment, and `**` any number of segments.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Vec<String>);

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |why: &str| {
            let text = shown(text);
            let message = format!(
                "invalid pattern of endpoint ids `{text}`: {why}; expected an id such as `owner/app/path`, in which `*` is \
                 any part of a segment and `**` any number of segments"
            );
            Error::new(ErrorKind::Configuration, message)
        };
        if !text.contains('*') {
            let id = EndpointId::parse(text).map_err(|error| refuse(&error.to_string()))?;
            return Ok(Pattern(segments(id.as_str()).map(str::to_owned).collect()));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '*');
        for segment in segments(text) {
            match segment {
                "" => return Err(refuse("a segment is empty")),
                "**" => {}
                _ if segment.contains("**") => return Err(refuse("`**` is not a whole segment")),
                _ if !segment.chars().all(allowed) => return Err(refuse("a character is not allowed")),
                _ => {}
            }
        }
        if segments(text).count() < 2 && text != "**" {
            return Err(refuse("the application is missing"));
        }
        Ok(Pattern(segments(text).map(str::to_owned).collect()))
    }

    /// Returns true if the pattern matches the whole id.
    pub(super) fn matches(&self, id: &str) -> bool {
        matches(&self.0, segments(id)).contains(&self.0.len())
    }

    /// Returns true if the pattern matches an endpoint of the application.
    pub(super) fn reaches(&self, app: &str) -> bool {
        !matches(&self.0, segments(app)).is_empty()
    }

    /// Returns true if the pattern matches an application with this name, of any owner, as a whole: the application itself, or
    /// all endpoints below it. The applications of one owner, such as `fal-ai/*`, could have any name. They would include those
    /// of every owner.
    pub(super) fn covers_alias(&self, alias: &str) -> bool {
        let segments: Vec<&str> = self.0.iter().map(String::as_str).collect();
        let segments = match &segments[..] {
            [namespace, rest @ ..] if EndpointId::is_namespace(namespace) => rest,
            all => all,
        };
        match segments {
            ["**"] => true,
            [owner, app] | [owner, app, "**"] => {
                let is_of_any_owner = matches!(*owner, "*" | "**");
                (is_of_any_owner || !app.contains('*')) && glob(app, alias)
            }
            _ => false,
        }
    }
}

fn segments(id: &str) -> std::str::Split<'_, char> {
    id.split('/')
}

/// Matches segments from the first to the last. Returns the positions in the pattern that the last segment can lead to.
fn matches<'a>(pattern: &[String], id: impl Iterator<Item = &'a str>) -> BTreeSet<usize> {
    let is_any = |at: usize| pattern.get(at).is_some_and(|segment| segment == "**");
    // `**` may be no segment.
    let reached = |from: usize| (from..pattern.len()).take_while(move |at| is_any(*at)).map(|at| at + 1).chain([from]);
    id.fold(reached(0).collect(), |positions: BTreeSet<usize>, found| {
        let fitting = positions.into_iter().filter(|at| pattern.get(*at).is_some_and(|segment| glob(segment, found)));
        fitting.flat_map(|at| reached(if is_any(at) { at } else { at + 1 })).collect()
    })
}

/// Matches one segment, in which `*` is any number of characters.
fn glob(pattern: &str, text: &str) -> bool {
    if pattern == "**" {
        return true;
    }
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut parts = rest.split('*').rev();
    let tail = parts.next().unwrap_or_default();
    for part in parts.rev() {
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    text.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).expect(text)
    }

    #[test]
    fn ids_match_whole_patterns() {
        for (text, matching, other) in [
            ("a/b", &["a/b"][..], &["a/bc", "a/b/c", "x/a/b", "A/b"][..]),
            ("a/*", &["a/b", "a/-"], &["a/b/c", "aa/b"]),
            ("a/**", &["a/b", "a/b/c/d"], &["b/a", "aa/b"]),
            ("**", &["a/b", "a/b/c"], &[]),
            ("*/b", &["a/b"], &["a/c", "a/b/b"]),
            ("a/fast-*", &["a/fast-", "a/fast-sdxl"], &["a/fast", "a/fast-sdxl/x", "a/breakfast-x"]),
            ("a/*-fast-*x/c", &["a/1-fast-2x/c", "a/-fast-x/c"], &["a/1-fast-2/c", "a/fast-x/c"]),
            ("a/**/edit", &["a/edit", "a/b/edit", "a/b/c/edit"], &["a/b", "a/b/edit/x"]),
            ("workflows/me/*", &["workflows/me/w"], &["workflows/you/w", "me/w"]),
            ("123-app", &["123/app"], &["123-app/x"]),
            ("a/b*b", &["a/bb", "a/bxb"], &["a/b"]),
            ("a/**/**/b/**", &["a/b", "a/b/b", "a/x/b/x"], &["a/a", "b/b"]),
        ] {
            for id in matching {
                assert!(pattern(text).matches(id), "{text} {id}");
            }
            for id in other {
                assert!(!pattern(text).matches(id), "{text} {id}");
            }
        }
    }

    #[test]
    fn applications_of_matching_ids_are_reached() {
        for (text, reached, other) in [
            ("a/b", &["a/b"][..], &["a/c", "b/a"][..]),
            ("a/b/c/d", &["a/b"], &["a/c"]),
            ("a/*", &["a/b", "a/c"], &["b/a"]),
            ("a/**/edit", &["a/b"], &["b/a"]),
            ("a/fast-*/x", &["a/fast-sdxl"], &["a/slow"]),
            ("**", &["a/b", "workflows/a/b"], &[]),
            ("workflows/me/w/step", &["workflows/me/w"], &["workflows/me/x", "me/w"]),
        ] {
            for app in reached {
                assert!(pattern(text).reaches(app), "{text} {app}");
            }
            for app in other {
                assert!(!pattern(text).reaches(app), "{text} {app}");
            }
        }
    }

    #[test]
    fn names_of_applications_are_covered_as_a_whole() {
        for (text, covered, other) in [
            ("a/b", &["b"][..], &["a", "c"][..]),
            ("a/b/**", &["b"], &["c"]),
            ("a/fast-*", &[], &["fast-sdxl"]),
            ("*/fast-*/**", &["fast-sdxl"], &["slow"]),
            ("*/b", &["b"], &["a"]),
            ("a/*", &[], &["any", "a"]),
            ("a/**", &[], &["any", "a"]),
            ("*/*", &["any"], &[]),
            ("**", &["any"], &[]),
            ("workflows/me/w", &["w"], &["me"]),
            ("workflows/me/**", &[], &["w"]),
            ("a/b/c", &[], &["b", "c"]),
            ("a/b/*", &[], &["b"]),
            ("**/edit", &[], &["b", "a"]),
            ("workflows/me/w/step", &[], &["w"]),
        ] {
            assert!(covered.iter().all(|alias| pattern(text).covers_alias(alias)), "{text}");
            assert!(!other.iter().any(|alias| pattern(text).covers_alias(alias)), "{text}");
        }
    }

    #[test]
    fn invalid_patterns_are_rejected() {
        for text in
            ["", "*", "a", "/a/b", "a//*", "a/b*/", "a/***", "a/b**", "a/?", "https://fal.run/**", "a/b c*", "a/é*"]
        {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }
}

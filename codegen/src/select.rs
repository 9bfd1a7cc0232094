//! The *select* stage: patterns over ids decide which endpoints are generated.

#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    pub(crate) include: Vec<String>,
    pub(crate) exclude: Vec<String>,
}

impl Selection {
    pub(crate) fn has(&self, id: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, id));
        (self.include.is_empty() || any(&self.include)) && !any(&self.exclude)
    }

    /// Returns the patterns that match no id.
    pub(crate) fn unused(&self, ids: &[&str]) -> impl Iterator<Item = &String> {
        let is_unused = |pattern: &&String| !ids.iter().any(|id| matches(pattern, id));
        self.include.iter().chain(&self.exclude).filter(is_unused)
    }
}

/// Returns true if an endpoint id matches a pattern: `*` stands for any characters of a segment, `**` for any characters at all.
///
/// ```
/// assert!(fal_codegen::matches("fal-ai/flux/**", "fal-ai/flux/dev/redux"));
/// assert!(!fal_codegen::matches("fal-ai/*", "fal-ai/flux/dev"));
/// ```
pub fn matches(pattern: &str, id: &str) -> bool {
    // `reached[n]`: the pattern so far matches the first n bytes of the id. This needs no backtracking.
    let (pattern, id) = (pattern.as_bytes(), id.as_bytes());
    let mut reached = vec![false; id.len() + 1];
    reached[0] = true;
    let mut rest = pattern;
    while let Some((first, after)) = rest.split_first() {
        let (deep, after) = match (first, after.strip_prefix(b"*")) {
            (b'*', Some(after)) => (true, after),
            _ => (false, after),
        };
        rest = after;
        let mut next = vec![false; id.len() + 1];
        let mut open = false;
        for end in 0..=id.len() {
            if *first == b'*' {
                // A star extends over every character that it may stand for.
                open = reached[end] || (open && (deep || id[end - 1] != b'/'));
                next[end] = open;
            } else if end > 0 {
                next[end] = reached[end - 1] && id[end - 1] == *first;
            }
        }
        reached = next;
    }
    reached[id.len()]
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn one_star_stops_at_a_slash_and_two_do_not() {
        for (pattern, id, expected) in [
            ("fal-ai/flux", "fal-ai/flux", true),
            ("fal-ai/flux", "fal-ai/flux/dev", false),
            ("fal-ai/*", "fal-ai/flux", true),
            ("fal-ai/*", "fal-ai/flux/dev", false),
            ("fal-ai/**", "fal-ai/flux/dev", true),
            ("fal-ai/flux*/**", "fal-ai/flux-2/dev", true),
            ("fal-ai/flux*/**", "fal-ai/flux", false),
            ("**/image-to-image", "fal-ai/flux/dev/image-to-image", true),
            ("**/image-to-*", "fal-ai/flux/dev/image-to-image", true),
            ("*", "fal-ai/flux", false),
            ("**", "fal-ai/flux", true),
            ("", "fal-ai/flux", false),
            ("fal-ai/*x*", "fal-ai/flux", true),
            ("*.*", "a", false),
        ] {
            assert_eq!(matches(pattern, id), expected, "{pattern} {id}");
        }
        assert!(!matches(&"*a".repeat(500), &"a".repeat(400)));
    }
}

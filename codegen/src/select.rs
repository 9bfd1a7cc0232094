//! Which endpoints are generated: patterns over ids.

/// Whether an id fits a pattern: `*` stands for any characters of a segment, `**` for any characters at all.
pub(crate) fn fits(pattern: &str, id: &str) -> bool {
    // What is left to be matched, after each choice that a star left open. Each pair is looked at once.
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
        for place in 0..=id.len() {
            if *first == b'*' {
                // A star goes on over every character that it may stand for.
                open = reached[place] || (open && (deep || id[place - 1] != b'/'));
                next[place] = open;
            } else if place > 0 {
                next[place] = reached[place - 1] && id[place - 1] == *first;
            }
        }
        reached = next;
    }
    reached[id.len()]
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn stars_stand_for_a_part_of_a_segment_or_for_anything() {
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
            assert_eq!(fits(pattern, id), expected, "{pattern} {id}");
        }
        assert!(!fits(&"*a".repeat(500), &"a".repeat(400)));
    }
}

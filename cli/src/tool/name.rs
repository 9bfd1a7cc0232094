//! The name of an endpoint's tool.

/// The longest name that all clients accept.
const MAX_NAME: usize = 64;

/// Returns the name of an endpoint's tool: `fal-ai/flux-pro/v1.1` is `fal-ai_flux-pro_v1--1`.
///
/// A name has 1 to 64 of the characters `a-zA-Z0-9_-`, which OpenAI, Anthropic and all MCP clients accept. It depends on the id
/// alone. An id that another one could be mistaken for gets a part of its hash.
pub(crate) fn of_endpoint(id: &str, reserved: &[&str]) -> String {
    let mut name = String::with_capacity(id.len());
    for c in id.chars() {
        match c {
            '/' => name.push('_'),
            '.' => name.push_str("--"),
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' => name.push(c),
            _ => name.push('-'),
        }
    }
    let is_reversible = id.bytes().all(|c| c.is_ascii_alphanumeric() || b"/-.".contains(&c))
        && !["--", "-.", ".-", ".."].iter().any(|pair| id.contains(pair));
    if is_reversible && name.len() <= MAX_NAME && !reserved.contains(&name.as_str()) {
        return name;
    }
    let hash = hash(id);
    name.truncate(MAX_NAME - hash.len() - 1);
    format!("{name}_{hash}")
}

/// FNV-1a with 64 bits, folded to 8 hexadecimal digits. Two endpoints of the same name are refused anyway.
fn hash(id: &str) -> String {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325, fold);
    format!("{:08x}", (hash >> 32) ^ (hash & 0xffff_ffff))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_valid_and_differ() {
        let long = format!("fal-ai/{}", "a".repeat(100));
        let ids = [
            "fal-ai/flux-pro/v1.1",
            "fal-ai/flux-pro/v1-1",
            "fal-ai/flux-pro/v1--1",
            "fal-ai/flux-pro_v1.1",
            "fal-ai/flux-pro/v1-.1",
            "fal-ai/flux-pro/v1.-1",
            "fal-ai/füchse",
            "fal-ai/f\u{202e}chse",
            "search/models",
            "a/b c",
            &long,
            &format!("{long}b"),
        ];
        let mut names: Vec<String> = ids.iter().map(|id| of_endpoint(id, &["search_models"])).collect();
        for name in &names {
            let is_valid = name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-');
            assert!(is_valid && (1..=MAX_NAME).contains(&name.len()), "{name}");
        }
        assert_eq!(names[0], "fal-ai_flux-pro_v1--1");
        assert_eq!(names[1], "fal-ai_flux-pro_v1-1");
        assert_ne!(names[8], "search_models");
        names.sort();
        names.dedup();
        assert_eq!(names.len(), ids.len());
    }
}

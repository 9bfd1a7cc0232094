//! Keys of jobs, and their short forms.

use std::borrow::Cow;

/// The characters of a hash in a short key.
const SHORT: usize = 8;

/// The characters of a SHA-256 in hexadecimal.
pub(crate) const HASH: usize = 64;

/// An automatic key: an endpoint, the hash of an input, and a number if the input was run before.
pub(crate) struct Automatic<'a> {
    pub(crate) endpoint: &'a str,
    pub(crate) hash: &'a str,
    pub(crate) number: Option<&'a str>,
}

impl<'a> Automatic<'a> {
    pub(crate) fn of(key: &'a str) -> Option<Self> {
        let (endpoint, rest) = key.split_once('#')?;
        let (hash, number) = rest.split_once('#').map_or((rest, None), |(hash, number)| (hash, Some(number)));
        let is_number = number.is_none_or(|number| !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit()));
        (hash.len() == HASH && is_hexadecimal(hash) && is_number).then_some(Automatic { endpoint, hash, number })
    }

    /// Returns true if a short key, or a longer one, means this key: the begin of its hash, and its number after a hyphen.
    pub(crate) fn is_meant(&self, hash: &str, number: Option<&str>) -> bool {
        self.hash.starts_with(hash) && (number.is_none() || number == self.number)
    }
}

/// Returns the short form of a key, which commands understand: `1f2e3d4c` or `1f2e3d4c-2` of an automatic one. A key of the user
/// stays as it is, quoted for a shell if it has to be.
pub(crate) fn short(key: &str) -> Cow<'_, str> {
    match Automatic::of(key) {
        Some(Automatic { hash, number: None, .. }) => hash[..SHORT].into(),
        Some(Automatic { hash, number: Some(number), .. }) => format!("{}-{number}", &hash[..SHORT]).into(),
        None => quoted(key),
    }
}

/// Quotes a key for a shell, if it has to be. Control characters are escaped.
fn quoted(key: &str) -> Cow<'_, str> {
    match !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "-_.:/@+,=%#".contains(c)) {
        true => key.into(),
        false => format!("'{}'", fal_documents::text::printable(key, usize::MAX).replace('\'', r"'\''")).into(),
    }
}

pub(crate) fn is_hexadecimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn automatic_keys_are_shortened_and_others_quoted() {
        let hash = "1f2e3d4c".repeat(8);
        for (key, expected) in [
            (format!("fal-ai/flux/dev#{hash}"), "1f2e3d4c"),
            (format!("fal-ai/flux/dev#{hash}#2"), "1f2e3d4c-2"),
            ("fox".to_owned(), "fox"),
            ("fox one".to_owned(), "'fox one'"),
            ("it's".to_owned(), r"'it'\''s'"),
            ("\u{1b}[2J".to_owned(), r"'\u{1b}[2J'"),
            (format!("fal-ai/flux/dev#{hash}#x"), &*format!("fal-ai/flux/dev#{hash}#x")),
        ] {
            assert_eq!(short(&key), expected);
        }
    }
}

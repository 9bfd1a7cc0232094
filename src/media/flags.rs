//! The fields of an output that say which files are unsafe.

use super::words;
use crate::schema::{AnyField, Parts};

/// The words of a field that says so, one of which must be among [`UNSAFE`].
const WORDS: [&str; 21] = [
    "are",
    "concept",
    "concepts",
    "contains",
    "content",
    "contents",
    "detected",
    "detection",
    "file",
    "files",
    "flag",
    "flags",
    "has",
    "image",
    "images",
    "is",
    "moderation",
    "result",
    "results",
    "video",
    "videos",
];

const UNSAFE: [&str; 3] = ["flagged", "nsfw", "unsafe"];

/// The verdicts on the files around which they were found. True means unsafe.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Flags {
    #[default]
    Unknown,
    /// One verdict for all files.
    All(bool),
    /// One verdict for each file.
    Each(Vec<Option<bool>>),
}

impl Flags {
    /// Returns the verdicts among the fields of an object.
    pub(super) fn among(fields: &[(&str, &dyn AnyField)]) -> Option<Self> {
        let mut named = fields.iter().filter(|(name, _)| is_verdict(name));
        named.find_map(|(_, value)| match value.node().0 {
            Parts::List { items, .. } if !items.is_empty() => {
                let verdicts: Vec<Option<bool>> = items.into_iter().map(verdict).collect();
                verdicts.iter().any(Option::is_some).then_some(Flags::Each(verdicts))
            }
            _ => verdict(*value).map(Flags::All),
        })
    }

    /// Returns the verdicts for the item of an array at an index.
    pub(super) fn of_item(&self, index: usize, items: usize) -> Flags {
        match self {
            Flags::Each(verdicts) if verdicts.len() <= items => {
                verdicts.get(index).copied().flatten().map_or(Flags::Unknown, Flags::All)
            }
            // It is unknown which files are not in the array.
            Flags::Each(_) => self.of_one().map_or(Flags::Unknown, Flags::All),
            other => other.clone(),
        }
    }

    /// Returns the verdict on a single file.
    pub(super) fn of_one(&self) -> Option<bool> {
        match self {
            Flags::Unknown => None,
            Flags::All(verdict) => Some(*verdict),
            Flags::Each(verdicts) => {
                let first = verdicts.first().copied().flatten()?;
                verdicts.iter().all(|verdict| *verdict == Some(first)).then_some(first)
            }
        }
    }
}

fn is_verdict(name: &str) -> bool {
    let words = words::split(name);
    let is_unsafe = |word: &String| UNSAFE.contains(&word.as_str());
    words.iter().any(is_unsafe) && words.iter().all(|word| is_unsafe(word) || WORDS.contains(&word.as_str()))
}

fn verdict(value: &dyn AnyField) -> Option<bool> {
    match value.node().0 {
        Parts::Bool(verdict) => Some(verdict),
        Parts::Integer(verdict @ (0 | 1)) => Some(verdict == 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_recognised_by_the_words_of_their_names() {
        for name in ["has_nsfw_concepts", "nsfw_content_detected", "moderation_flagged", "nsfw", "is_unsafe", "hasNsfw"]
        {
            assert!(is_verdict(name), "{name}");
        }
        for name in ["enable_nsfw_filter", "nsfw_score", "has_audio", "safety_checker_version", "flag", "is_safe", ""] {
            assert!(!is_verdict(name), "{name}");
        }
    }

    #[test]
    fn verdicts_count_for_one_file_only_if_they_agree() {
        let each = |verdicts: &[Option<bool>]| Flags::Each(verdicts.to_vec());
        for (flags, verdict) in [
            (each(&[Some(true), Some(true)]), Some(true)),
            (each(&[Some(true), Some(false)]), None),
            (each(&[Some(false), None]), None),
            (Flags::All(false), Some(false)),
            (Flags::Unknown, None),
        ] {
            assert_eq!(flags.of_one(), verdict, "{flags:?}");
        }
    }
}

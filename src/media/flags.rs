//! The fields of an output that say which files are unsafe.

use std::rc::Rc;

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
    /// One verdict for each file, and the verdict on which they all agree. Shared, because every part of the output has them.
    Each(Rc<[Option<bool>]>, Option<bool>),
}

impl Flags {
    /// Returns the verdicts among the fields of an object.
    pub(super) fn among(fields: &[(&str, &dyn AnyField)]) -> Option<Self> {
        let mut named = fields.iter().filter(|(name, _)| is_verdict(name));
        named.find_map(|(_, value)| match value.node().0 {
            Parts::List { items, .. } if !items.is_empty() => {
                let verdicts: Vec<Option<bool>> = items.into_iter().map(verdict).collect();
                verdicts.iter().any(Option::is_some).then(|| Flags::each(verdicts))
            }
            _ => verdict(*value).map(Flags::All),
        })
    }

    fn each(verdicts: Vec<Option<bool>>) -> Self {
        let first = verdicts.first().copied().flatten();
        let common = first.filter(|_| verdicts.iter().all(|verdict| *verdict == first));
        Flags::Each(verdicts.into(), common)
    }

    /// Returns the verdicts for the item of an array at an index.
    pub(super) fn of_item(&self, index: usize, items: usize) -> Flags {
        let verdict = match self {
            Flags::Each(verdicts, _) if verdicts.len() <= items => verdicts.get(index).copied().flatten(),
            // It is unknown which files are not in the array.
            other => other.of_one(),
        };
        verdict.map_or(Flags::Unknown, Flags::All)
    }

    /// Returns the verdict on a single file.
    pub(super) fn of_one(&self) -> Option<bool> {
        match self {
            Flags::Unknown => None,
            Flags::All(verdict) => Some(*verdict),
            Flags::Each(_, common) => *common,
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
        let each = |verdicts: &[Option<bool>]| Flags::each(verdicts.to_vec());
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

use std::hash::{BuildHasher, RandomState};

use crate::protocol::LogEntry;

/// Remembers which lines were delivered, so that each is delivered once although a new stream, or a poll, may start over.
#[derive(Debug, Default)]
pub(super) struct LogCursor {
    hasher: RandomState,
    delivered: Vec<u64>,
}

impl LogCursor {
    /// What is new in lines that may begin with lines that were delivered: all of them, the latest of them, or none.
    pub(super) fn after_overlap(&mut self, mut lines: Vec<LogEntry>) -> Vec<LogEntry> {
        let hashes: Vec<u64> = lines.iter().map(|line| self.hash(line)).collect();
        let known = overlap(&self.delivered, &hashes);
        self.delivered.extend_from_slice(&hashes[known..]);
        lines.drain(..known);
        lines
    }

    /// Takes note of lines that are known to be new.
    pub(super) fn note(&mut self, lines: &[LogEntry]) {
        let hashes: Vec<u64> = lines.iter().map(|line| self.hash(line)).collect();
        self.delivered.extend(hashes);
    }

    fn hash(&self, line: &LogEntry) -> u64 {
        self.hasher.hash_one((&line.message, &line.timestamp, &line.level, &line.source))
    }
}

/// The length of the longest end of `before` that `after` begins with, in linear time (Knuth, Morris and Pratt).
fn overlap(before: &[u64], after: &[u64]) -> usize {
    let borders = borders(after);
    let mut matched = 0;
    for hash in before {
        while matched > 0 && after.get(matched) != Some(hash) {
            matched = borders[matched - 1];
        }
        matched += usize::from(after.get(matched) == Some(hash));
    }
    matched
}

/// For each start of a list, the length of the longest shorter start that is also its end.
fn borders(list: &[u64]) -> Vec<usize> {
    let mut borders = vec![0; list.len()];
    let mut length = 0;
    for index in 1..list.len() {
        while length > 0 && list[length] != list[index] {
            length = borders[length - 1];
        }
        length += usize::from(list[length] == list[index]);
        borders[index] = length;
    }
    borders
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(messages: &str) -> Vec<LogEntry> {
        messages.chars().map(|c| LogEntry { message: c.to_string(), ..LogEntry::default() }).collect()
    }

    fn text(lines: &[LogEntry]) -> String {
        lines.iter().map(|line| line.message.as_str()).collect()
    }

    #[test]
    fn a_list_that_starts_over_yields_what_is_new() {
        for (before, after, new) in [
            ("", "abc", "abc"),
            ("abc", "abcde", "de"),
            ("abc", "abc", ""),
            ("abc", "cde", "de"),
            ("abc", "de", "de"),
            ("abc", "", ""),
            ("aaa", "aaaa", "a"),
            ("aab", "aabaab", "aab"),
            ("abab", "ababab", "ab"),
            ("xabab", "ababc", "c"),
        ] {
            let mut cursor = LogCursor::default();
            cursor.note(&lines(before));
            assert_eq!(text(&cursor.after_overlap(lines(after))), new, "{before} then {after}");
        }
    }
}

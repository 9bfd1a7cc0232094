use std::hash::{BuildHasher, RandomState};

use crate::protocol::LogEntry;

/// Tracks delivered log lines, so that each is delivered once even though a new stream or a poll may start over.
#[derive(Debug, Default)]
pub(super) struct LogCursor {
    hasher: RandomState,
    delivered: Vec<u64>,
}

impl LogCursor {
    /// Removes delivered lines from the beginning of `lines`, and records the rest as delivered. `lines` may begin with all
    /// delivered lines, with the latest of them, or with none.
    pub(super) fn after_overlap(&mut self, mut lines: Vec<LogEntry>) -> Vec<LogEntry> {
        let hashes: Vec<u64> = lines.iter().map(|line| self.hash(line)).collect();
        let delivered = overlap(&self.delivered, &hashes);
        self.delivered.extend_from_slice(&hashes[delivered..]);
        lines.drain(..delivered);
        lines
    }

    /// Records new lines as delivered.
    pub(super) fn record(&mut self, lines: &[LogEntry]) {
        let hashes: Vec<u64> = lines.iter().map(|line| self.hash(line)).collect();
        self.delivered.extend(hashes);
    }

    fn hash(&self, line: &LogEntry) -> u64 {
        self.hasher.hash_one((&line.message, &line.timestamp, &line.level, &line.source))
    }
}

/// Returns the length of the longest suffix of `before` that is a prefix of `after`, in linear time (Knuth-Morris-Pratt).
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

/// Returns, for each prefix, the length of its longest proper prefix that is also its suffix.
fn borders(hashes: &[u64]) -> Vec<usize> {
    let mut borders = vec![0; hashes.len()];
    let mut length = 0;
    for index in 1..hashes.len() {
        while length > 0 && hashes[length] != hashes[index] {
            length = borders[length - 1];
        }
        length += usize::from(hashes[length] == hashes[index]);
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
    fn delivered_lines_are_removed_from_the_beginning() {
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
            cursor.record(&lines(before));
            assert_eq!(text(&cursor.after_overlap(lines(after))), new, "{before} then {after}");
        }
    }
}

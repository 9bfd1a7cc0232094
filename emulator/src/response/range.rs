use std::ops::Range;

/// The part of a file that a `Range` header selects.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    Range(Range<u64>),
    /// The range lies outside the file.
    Unsatisfiable,
}

/// Parses a `Range` header for a file of `size` bytes. An invalid header and several ranges select the whole file.
pub(crate) fn parse(header: &str, size: u64) -> Part {
    let Some((from, to)) = header.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Part::Whole;
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let range = match (from.trim(), to.trim()) {
        ("", to) => number(to).map(|last| (last > 0).then(|| size.saturating_sub(last)..size)),
        (from, "") => number(from).map(|from| Some(from..size)),
        (from, to) => match (number(from), number(to)) {
            (Some(from), Some(to)) if from <= to => Some(Some(from..to.saturating_add(1).min(size))),
            _ => None,
        },
    };
    match range {
        None => Part::Whole,
        Some(Some(range)) if range.start < range.end => Part::Range(range),
        Some(_) => Part::Unsatisfiable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range_header_selects_bytes() {
        for (header, part) in [
            ("bytes=0-", Part::Range(0..10)),
            ("bytes=4-", Part::Range(4..10)),
            ("bytes=0-0", Part::Range(0..1)),
            ("bytes=2-5", Part::Range(2..6)),
            ("bytes=2-99", Part::Range(2..10)),
            ("bytes=2-18446744073709551615", Part::Range(2..10)),
            ("bytes=-3", Part::Range(7..10)),
            ("bytes=-99", Part::Range(0..10)),
            ("bytes=10-", Part::Unsatisfiable),
            ("bytes=99-100", Part::Unsatisfiable),
            ("bytes=-0", Part::Unsatisfiable),
            ("bytes=5-2", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("items=0-1", Part::Whole),
            ("", Part::Whole),
        ] {
            assert_eq!(parse(header, 10), part, "{header}");
        }
        assert_eq!(parse("bytes=0-", 0), Part::Unsatisfiable);
    }
}

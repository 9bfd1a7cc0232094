//! Every sentence that the generator itself writes into generated documentation.
//!
//! Sentences about what a schema says and the types do not express are notes, in [`refusals`](crate::refusals).

use crate::prose::code;

// Modules, groups and the methods that lead to them.

pub(crate) const ENDPOINT: &str = "The endpoint, for [`Client::endpoint`](::fal_client::Client::endpoint).";
pub(crate) const ENDPOINTS: &str = "Methods of a client that lead to the endpoints, segment by segment of the id.";

pub(crate) fn endpoint(id: &str) -> String {
    format!("The endpoint {}.", code(id))
}

pub(crate) fn endpoints_below(prefix: &str) -> String {
    format!("The endpoints below {}.", code(prefix))
}

pub(crate) fn endpoint_and_below(id: &str) -> String {
    format!("The endpoint {} and the endpoints below it.", code(id))
}

/// The fence of an example that only a generator with a module path can write as a test.
pub(crate) const IGNORED_EXAMPLE: &str = "```ignore (the path of the module is not known to the generator)";

/// The fence of an example without the values that are nested too deeply.
pub(crate) const PARTIAL_EXAMPLE: &str = "```ignore (some values are left out)";

// Items and fields whose schemas have no prose.

pub(crate) const INPUT: &str = "The endpoint's input.";
pub(crate) const OUTPUT: &str = "The endpoint's output.";
pub(crate) const INPUT_IS_BUILT: &str = "Created with [`Input::builder`].";

/// A field whose schema says nothing about it but the kind of its values.
pub(crate) fn field(name: &str, kind: &str) -> String {
    format!("The {} field: {kind}.", code(name))
}

/// The kind of a value whose type has documentation of its own.
pub(crate) fn see(name: &str) -> String {
    format!("see [`{name}`]")
}

pub(crate) fn array_of(items: &str) -> String {
    format!("an array of {items}")
}

/// A title as a sentence.
pub(crate) fn title(title: &str) -> String {
    let end = if title.ends_with(['.', '!', '?', ':', '…']) { "" } else { "." };
    format!("{title}{end}")
}

pub(crate) const REQUIRED: &str = "Required.";
pub(crate) const REQUIRED_OR_NULL: &str = "Required; may be null.";

/// A type whose values appear at a path such as `Input.loras`.
pub(crate) fn value_of(path: &str, is_item: bool) -> String {
    format!("{} of {}.", if is_item { "An element" } else { "A value" }, code(path))
}

pub(crate) fn union_of(path: &str, is_item: bool) -> String {
    format!("{} Its type varies.", value_of(path, is_item))
}

// Variants of unions whose schemas have no prose.

pub(crate) const BOOLEAN: &str = "A boolean.";
pub(crate) const FILE: &str = "A file.";
pub(crate) const STRING: &str = "A string.";
pub(crate) const NUMBER: &str = "A number.";
pub(crate) const INTEGER: &str = "An integer.";
pub(crate) const ARRAY: &str = "An array.";
pub(crate) const ENUM: &str = "One of the declared values.";
pub(crate) const IMAGE_SIZE: &str = "A width and a height in pixels.";
pub(crate) const MAP: &str = "An object with arbitrary keys.";
pub(crate) const OBJECT: &str = "A custom object.";

pub(crate) fn variant(name: &str) -> String {
    format!("The {} variant.", code(name))
}

// Facts: the default and the bounds of a value.

/// The description of a field that only an example declares.
pub(crate) const FROM_EXAMPLE: &str = "Not declared in the schema, but present in an example of the document.";

pub(crate) const UNIQUE: &str = "Items must be unique.";

/// The default, as inline code.
pub(crate) fn default(code: &str) -> String {
    format!("Default: {code}.")
}

/// The default, as a code block.
pub(crate) fn long_default(block: &[String]) -> String {
    format!("Default:\n\n{}", block.join("\n"))
}

/// A default that is too long for documentation.
pub(crate) fn unstated_default(length: usize) -> String {
    format!("The default has {length} characters. The document states it.")
}

/// Examples, each as inline code, as words that are not broken. `more` of them are left out.
pub(crate) fn examples(shown: &[String], more: usize) -> Vec<String> {
    let label = if shown.len() + more == 1 { "Example:" } else { "Examples:" };
    let mut words = vec![label.to_owned()];
    let last = shown.len().saturating_sub(1);
    words.extend(shown.iter().enumerate().map(|(index, code)| match (index == last, more) {
        (true, 0) => format!("{code}."),
        (true, _) => code.clone(),
        (false, _) => format!("{code},"),
    }));
    if more > 0 {
        words.push(format!("and {more} more."));
    }
    words
}

/// The bounds of a number, each with whether it is exclusive.
pub(crate) fn range(from: Option<(&str, bool)>, to: Option<(&str, bool)>) -> Option<String> {
    let bound = |(bound, exclusive): (&str, bool)| match exclusive {
        true => format!("{bound} (exclusive)"),
        false => bound.to_owned(),
    };
    Some(match (from, to) {
        (Some(from), Some(to)) => format!("Range: {} to {}.", bound(from), bound(to)),
        (Some((from, false)), None) => format!("At least {from}."),
        (Some((from, true)), None) => format!("Greater than {from}."),
        (None, Some((to, false))) => format!("At most {to}."),
        (None, Some((to, true))) => format!("Less than {to}."),
        (None, None) => return None,
    })
}

pub(crate) fn multiple_of(step: &str) -> String {
    format!("A multiple of {step}.")
}

/// The only values of a number or a boolean.
pub(crate) fn one_of(values: &[String]) -> Option<String> {
    match values {
        [] => None,
        [only] => Some(format!("Always {only}.")),
        [first @ .., last] => Some(format!("One of {} and {last}.", first.join(", "))),
    }
}

pub(crate) fn length(min: u64, max: Option<u64>) -> Option<String> {
    let unit = if max.unwrap_or(min) == 1 { "character" } else { "characters" };
    count(min, max).map(|count| format!("Length: {count} {unit}."))
}

pub(crate) fn items(min: u64, max: Option<u64>) -> Option<String> {
    count(min, max).map(|count| format!("Items: {count}."))
}

fn count(min: u64, max: Option<u64>) -> Option<String> {
    match (min, max) {
        (0, None) => None,
        (min, None) => Some(format!("at least {min}")),
        (0, Some(max)) => Some(format!("at most {max}")),
        (min, Some(max)) if min == max => Some(min.to_string()),
        (min, Some(max)) => Some(format!("{min} to {max}")),
    }
}

pub(crate) fn pattern(pattern: &str) -> String {
    format!("Pattern: {}.", code(pattern))
}

// Limits of files, and of sizes of images.

/// The bounds of a measure: `width 300 to 3850 pixels`.
pub(crate) fn limit(name: &str, unit: &str, min: Option<String>, max: Option<String>) -> Option<String> {
    let range = match (&min, &max) {
        (Some(min), Some(max)) if min == max => min.clone(),
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => return None,
    };
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    let bytes = max.filter(|_| name == "size").and_then(|bytes| bytes.parse().ok());
    let round = bytes.map(round).unwrap_or_default();
    Some(format!("{name} {range}{unit}{round}"))
}

/// Returns a round number of bytes in mebibytes or megabytes.
fn round(bytes: i128) -> String {
    match bytes {
        bytes if bytes > 0 && bytes % (1 << 20) == 0 => format!(" ({} MiB)", bytes >> 20),
        bytes if bytes > 0 && bytes % 1_000_000 == 0 => format!(" ({} MB)", bytes / 1_000_000),
        _ => String::new(),
    }
}

pub(crate) fn sides_multiple_of(step: &str) -> String {
    format!("width and height multiples of {step} pixels")
}

pub(crate) fn limits(of_each: bool, limits: &[String]) -> Option<String> {
    let start = if of_each { "Limits of each file" } else { "Limits" };
    (!limits.is_empty()).then(|| format!("{start}: {}.", limits.join(", ")))
}

pub(crate) fn combined_limits(limits: &[String]) -> Option<String> {
    (!limits.is_empty()).then(|| format!("Limits of all files together: {}.", limits.join(", ")))
}

/// A limit of all files together, as a phrase.
pub(crate) fn together(limit: &str) -> String {
    format!("all files together: {limit}")
}

/// A limit beyond which a file is accepted and changed, as a phrase.
pub(crate) fn reshaped_beyond(limit: &str) -> String {
    format!("reshaped beyond {limit}")
}

/// Limits beyond which a file is accepted and changed.
pub(crate) fn reshaped(limits: &[String]) -> Option<String> {
    (!limits.is_empty())
        .then(|| format!("A file beyond these limits is accepted, but reshaped: {}.", limits.join(", ")))
}

pub(crate) fn resampled(fps: &str) -> String {
    format!("A video is resampled to {fps} frames per second.")
}

/// A fact about each item of an array: `Length: 1 to 5 characters.` → `Each item: length 1 to 5 characters.`
pub(crate) fn each_item(fact: &str) -> String {
    format!("Each item: {}", with_first(fact, |first| first.to_ascii_lowercase()).replacen(": ", " ", 1))
}

/// A fact as a phrase: `Range: 0 to 1.` → `0 to 1`, `Length: 1 to 5 characters.` → `1 to 5 characters`, `Items: at most 9.` →
/// `at most 9 items`.
pub(crate) fn phrase(fact: &str) -> String {
    let fact = fact.strip_suffix('.').unwrap_or(fact);
    if let Some(count) = fact.strip_prefix("Items: ") {
        return format!("{count} {}", if count.ends_with(" 1") || count == "1" { "item" } else { "items" });
    }
    let fact = ["Range: ", "Length: "].iter().find_map(|label| fact.strip_prefix(label)).unwrap_or(fact);
    with_first(fact, |first| first.to_ascii_lowercase()).replacen(": ", " ", 1)
}

/// A note as a sentence.
pub(crate) fn sentence(note: &str) -> String {
    format!("{}.", with_first(note, |first| first.to_ascii_uppercase()))
}

fn with_first(text: &str, change: impl Fn(char) -> char) -> String {
    let mut chars = text.chars();
    chars.next().map(change).into_iter().chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_name_their_exclusive_bounds() {
        for (from, to, sentence) in [
            (Some(("0", false)), Some(("1", false)), "Range: 0 to 1."),
            (Some(("0", true)), Some(("1", true)), "Range: 0 (exclusive) to 1 (exclusive)."),
            (Some(("0", false)), None, "At least 0."),
            (Some(("0", true)), None, "Greater than 0."),
            (None, Some(("1", false)), "At most 1."),
            (None, Some(("1", true)), "Less than 1."),
        ] {
            assert_eq!(range(from, to).as_deref(), Some(sentence));
        }
        assert_eq!(range(None, None), None);
    }

    #[test]
    fn counts_have_a_unit_in_singular_or_plural() {
        for (min, max, sentence) in [
            (1, None, Some("Length: at least 1 character.")),
            (2, None, Some("Length: at least 2 characters.")),
            (0, Some(1), Some("Length: at most 1 character.")),
            (1, Some(5), Some("Length: 1 to 5 characters.")),
            (1, Some(1), Some("Length: 1 character.")),
            (0, None, None),
        ] {
            assert_eq!(length(min, max).as_deref(), sentence);
        }
        assert_eq!(items(0, Some(9)).as_deref(), Some("Items: at most 9."));
    }

    #[test]
    fn facts_and_notes_become_sentences() {
        assert_eq!(each_item("At most 9."), "Each item: at most 9.");
        assert_eq!(each_item("Range: 0 to 1."), "Each item: range 0 to 1.");
        assert_eq!(phrase("Range: 0 to 1."), "0 to 1");
        assert_eq!(phrase("Length: 1 to 5 characters."), "1 to 5 characters");
        assert_eq!(phrase("Items: at most 9."), "at most 9 items");
        assert_eq!(phrase("Items: 1."), "1 item");
        assert_eq!(sentence("the schema declares no fields"), "The schema declares no fields.");
        let values = ["1", "2", "3"].map(str::to_owned);
        assert_eq!(one_of(&values).as_deref(), Some("One of 1, 2 and 3."));
        assert_eq!(one_of(&values[..1]).as_deref(), Some("Always 1."));
        assert_eq!(value_of("Input.loras", true), "An element of `Input.loras`.");
    }
}

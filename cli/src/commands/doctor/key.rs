use std::ffi::OsString;

use super::report::Report;
use crate::error::Exit;

/// The result of the checks of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// fal may accept the key.
    Usable,
    /// The key is missing, or surely wrong.
    Unusable,
}

/// The page on which keys are created.
pub(super) const KEYS: &str = "https://fal.ai/dashboard/keys";

/// Variables that users set by mistake.
const SIMILAR: [&str; 8] = [
    "FAL_API_KEY",
    "FAL_AI_KEY",
    "FAL_AI_API_KEY",
    "FALAI_KEY",
    "FAL_TOKEN",
    "FAL_SECRET",
    "FAL_KEY_SECRETE",
    "FAL_CREDENTIALS",
];

/// The fewest characters of an id whose beginning is shown.
const MIN_SHOWN: usize = 12;

/// Checks where the key comes from, and its shape. Never shows more than the beginning of its id.
pub(super) fn check(report: &mut Report) -> Key {
    let variables = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let is_fal = variables("FAL_RUN_HOST").is_none() && variables("FAL_QUEUE_RUN_HOST").is_none();
    check_of(&variables, is_fal, report)
}

/// `is_fal` is false if an emulator or a gateway takes the place of fal, with keys of its own.
fn check_of(variables: &dyn Fn(&str) -> Option<OsString>, is_fal: bool, report: &mut Report) -> Key {
    let unusable = |report: &mut Report, message: String, help: String| {
        report.fail("key", Exit::Account, message, help);
        Key::Unusable
    };
    let (id, secret) = (variables("FAL_KEY_ID"), variables("FAL_KEY_SECRET"));
    let (source, key) = match (variables("FAL_KEY"), id, secret) {
        (Some(key), id, secret) => {
            if id.is_some() || secret.is_some() {
                report.warn(
                    "key",
                    "FAL_KEY takes precedence over FAL_KEY_ID and FAL_KEY_SECRET, which are set as well",
                    "unset the variables that you do not use",
                );
            }
            ("FAL_KEY", key)
        }
        (None, Some(id), Some(secret)) => {
            let mut key = id;
            key.push(":");
            key.push(secret);
            ("FAL_KEY_ID and FAL_KEY_SECRET", key)
        }
        (None, None, None) => {
            let similar = SIMILAR.into_iter().find(|name| variables(name).is_some());
            let help = match similar {
                Some(name) => format!("{name} is set, but not read: name the variable FAL_KEY"),
                None if is_in_dotenv() => {
                    "the file .env has FAL_KEY, but is not read: export the variable, such as by `set -a; . ./.env`"
                        .to_owned()
                }
                None => format!(
                    "create a key at {KEYS}, and run `export FAL_KEY=id:secret`; `cargo fal emulate` needs no key of fal's"
                ),
            };
            return unusable(report, "FAL_KEY is not set".to_owned(), help);
        }
        (None, id, _) => {
            let missing = if id.is_some() { "FAL_KEY_SECRET" } else { "FAL_KEY_ID" };
            let message = format!("{missing} is not set, but its other half is");
            return unusable(report, message, "set both, or FAL_KEY to `id:secret`".to_owned());
        }
    };
    let Ok(key) = key.into_string() else {
        return unusable(report, format!("{source}: not valid UTF-8"), format!("copy the key again from {KEYS}"));
    };
    if key.trim() != key {
        report.warn("key", format!("{source} has whitespace around the key, which is ignored"), "remove it");
    }
    let key = key.trim();
    if let Some((problem, help)) = problem(key, is_fal) {
        return unusable(report, format!("{source} {problem}"), help);
    }
    match (is_fal, key.split_once(':')) {
        (false, _) => report.pass("key", format!("{source} is set, for the configured hosts")),
        (true, Some((id, _))) if id.chars().count() >= MIN_SHOWN => {
            let beginning: String = id.chars().take(8).collect();
            report.pass("key", format!("{source} is set, with the id {beginning}…"));
        }
        (true, _) => report.pass("key", format!("{source} is set")),
    }
    Key::Usable
}

/// Returns what is wrong with the shape of a key, and the remedy.
fn problem(key: &str, is_fal: bool) -> Option<(&'static str, String)> {
    let copy = || format!("copy the key again from {KEYS}");
    let lower = key.to_ascii_lowercase();
    let is_quoted = |quote: char| key.starts_with(quote) || key.ends_with(quote);
    if key.is_empty() {
        return Some(("is blank", copy()));
    }
    if is_quoted('"') || is_quoted('\'') || is_quoted('`') || is_quoted('“') || is_quoted('”') {
        return Some(("has quotes around the key", "remove the quotes".to_owned()));
    }
    if ["key ", "bearer ", "authorization:"].iter().any(|prefix| lower.starts_with(prefix)) {
        return Some(("begins with the scheme of a header", "set the key alone: `id:secret`".to_owned()));
    }
    if lower.starts_with("fal_key=") || lower.starts_with("export ") {
        return Some(("repeats the name of the variable", "set the key alone: `id:secret`".to_owned()));
    }
    if is_placeholder(&lower) {
        return Some(("is a placeholder", format!("create a key at {KEYS}, and set FAL_KEY to it")));
    }
    if !key.chars().all(|c| c.is_ascii_graphic()) {
        return Some(("has whitespace, a control character or a non-ASCII character within the key", copy()));
    }
    // A gateway may have keys of another shape.
    match key.split_once(':') {
        _ if !is_fal => None,
        None => Some(("has no colon: fal's keys are `id:secret`", copy())),
        Some(("", _)) => Some(("has no id before the colon", copy())),
        Some((_, "")) => Some(("has no secret after the colon", copy())),
        Some((_, secret)) if secret.contains(':') => Some(("has more than one colon", copy())),
        Some(_) => None,
    }
}

fn is_placeholder(lower: &str) -> bool {
    const WORDS: [&str; 14] =
        ["your", "xxxx", "****", "<", ">", "${", "$fal", "$(", "%fal", "changeme", "placeholder", "...", "…", "paste"];
    const WHOLE: [&str; 8] =
        ["id:secret", "key_id:key_secret", "keyid:keysecret", "key", "secret", "none", "null", "undefined"];
    WORDS.iter().any(|word| lower.contains(word)) || WHOLE.contains(&lower)
}

/// Returns true if the file `.env` of the working directory sets the key.
fn is_in_dotenv() -> bool {
    let text = fal_documents::file::read_head(".env".as_ref()).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().any(|line| line.trim_start().trim_start_matches("export ").starts_with("FAL_KEY="))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// Returns the last check.
    fn checked(variables: &[(&str, &str)], is_fal: bool) -> (Key, Value) {
        let mut report = Report::default();
        let find = |name: &str| variables.iter().find(|(found, _)| *found == name).map(|(_, value)| value.into());
        let key = check_of(&find, is_fal, &mut report);
        let json = serde_json::to_value(report.to_json()).unwrap_or_default();
        let last = json["checks"].as_array().and_then(|checks| checks.last().cloned());
        (key, last.unwrap_or_default())
    }

    #[test]
    fn the_shape_of_a_key_is_checked_and_the_key_never_shown() {
        const SECRET: &str = "0123456789abcdef0123456789abcdef";
        let id = "1a2b3c4d-1111-2222-3333-444455556666";
        for (key, words) in [
            (format!("\"{id}:{SECRET}\""), "quotes"),
            (format!("{id}:{SECRET}'"), "quotes"),
            (format!("Key {id}:{SECRET}"), "scheme of a header"),
            (format!("Bearer {id}:{SECRET}"), "scheme of a header"),
            (format!("FAL_KEY={id}:{SECRET}"), "name of the variable"),
            (format!("{id}: {SECRET}"), "whitespace"),
            (format!("{id}:{SECRET}\u{7}x"), "control character"),
            (format!("{id}:{SECRET}é"), "non-ASCII"),
            (format!("{id}{SECRET}"), "no colon"),
            (format!("{id}:"), "no secret"),
            (format!(":{SECRET}"), "no id"),
            (format!("{id}:{SECRET}:"), "more than one colon"),
            ("   ".to_owned(), "blank"),
            ("YOUR_FAL_KEY".to_owned(), "placeholder"),
            ("<key>".to_owned(), "placeholder"),
            ("$FAL_KEY".to_owned(), "placeholder"),
            ("id:secret".to_owned(), "placeholder"),
        ] {
            let (usable, check) = checked(&[("FAL_KEY", &key)], true);
            assert_eq!(usable, Key::Unusable, "{key}");
            let text = check.to_string();
            assert!(text.contains(words) && check["help"].is_string(), "{key}: {text}");
            assert!(!text.contains(SECRET) && !text.contains(id), "{text}");
        }
        let (usable, check) = checked(&[("FAL_KEY", &format!(" {id}:{SECRET}\n"))], true);
        assert_eq!((usable, &check["message"]), (Key::Usable, &"FAL_KEY is set, with the id 1a2b3c4d…".into()));
        let (usable, check) = checked(&[("FAL_KEY_ID", "short"), ("FAL_KEY_SECRET", SECRET)], true);
        assert_eq!((usable, &check["message"]), (Key::Usable, &"FAL_KEY_ID and FAL_KEY_SECRET is set".into()));
        let (usable, check) = checked(&[("FAL_KEY", "gateway-token")], false);
        assert_eq!((usable, &check["status"]), (Key::Usable, &"passed".into()));
    }

    #[test]
    fn a_missing_key_has_the_remedy_that_fits() {
        for (variables, words) in [
            (&[][..], "create a key"),
            (&[("FAL_API_KEY", "x")], "name the variable FAL_KEY"),
            (&[("FAL_KEY_ID", "x")], "set both"),
            (&[("FAL_KEY_SECRET", "x")], "set both"),
        ] {
            let (usable, check) = checked(variables, true);
            assert_eq!(usable, Key::Unusable);
            assert!(check["help"].as_str().is_some_and(|help| help.contains(words)), "{check}");
        }
    }
}

//! The jobs of the journal, as the command line names them.

use std::borrow::Cow;
use std::path::Path;

use fal_jobs::{Filter, Journal, Record, Target};
use futures_util::TryStreamExt;

use crate::error::{Error, Exit};

/// The characters of a hash in a short key.
const SHORT: usize = 8;

/// The characters of a SHA-256 in hexadecimal.
const HASH: usize = 64;

/// The characters of a file's hash in its name.
const IN_FILE_NAME: usize = 12;

/// The longest part of a file's name that comes from a key.
const MAX_STEM: usize = 60;

/// The most jobs that the error of an ambiguous key lists.
const MAX_CANDIDATES: usize = 10;

/// An automatic key: an endpoint, the hash of an input, and a number if the input was run before.
struct Automatic<'a> {
    endpoint: &'a str,
    hash: &'a str,
    number: Option<&'a str>,
}

impl<'a> Automatic<'a> {
    fn of(key: &'a str) -> Option<Self> {
        let (endpoint, rest) = key.split_once('#')?;
        let (hash, number) = rest.split_once('#').map_or((rest, None), |(hash, number)| (hash, Some(number)));
        let is_number = number.is_none_or(|number| !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit()));
        (hash.len() == HASH && is_hexadecimal(hash) && is_number).then_some(Automatic { endpoint, hash, number })
    }

    /// Returns true if a short key, or a longer one, means this key: the begin of its hash, and its number after a hyphen.
    fn is_meant(&self, hash: &str, number: Option<&str>) -> bool {
        self.hash.starts_with(hash) && (number.is_none() || number == self.number)
    }
}

/// Returns the short form of a key, which [`find`] understands: `1f2e3d4c` or `1f2e3d4c-2` of an automatic one. A key of the user
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

/// Finds a job by its key, the beginning of one, its short key, its request id, or `last`.
///
/// # Errors
///
/// The journal has no such job, or several.
pub(crate) async fn find(journal: &Journal, name: &str) -> Result<Record, Error> {
    let missing = || {
        Error::new(Exit::NotFound, format!("no job {} in the journal", fal_documents::text::quoted(name)))
            .help("`cargo fal history` lists the jobs; for a request that it does not have, add `--endpoint ID`")
    };
    if name.is_empty() {
        return Err(missing());
    }
    if let Some(record) = journal.get(name).await? {
        return Ok(record);
    }
    if name == "last" {
        return journal.list(Filter::new().newest_first()).try_next().await?.ok_or_else(missing);
    }
    if is_request_id(name)
        && let Some(record) = journal.list(Filter::new().request_id(name)).try_next().await?
    {
        return Ok(record);
    }
    let mut found: Vec<Record> = Vec::new();
    let (hash, number) = name.split_once('-').map_or((name, None), |(hash, number)| (hash, Some(number)));
    if is_hexadecimal(hash) && hash.len() <= HASH {
        let is_meant = |job: &Record| Automatic::of(&job.key).is_some_and(|key| key.is_meant(hash, number));
        found = of_filter(journal, Filter::new().key_contains(format!("#{hash}")), is_meant).await?;
        // Without a number, it is the first job of an input that was run several times.
        let first = |job: &&Record| Automatic::of(&job.key).is_some_and(|key| key.number.is_none());
        if let ([first], true) = (&found.iter().filter(first).collect::<Vec<_>>()[..], is_of_one_input(&found)) {
            return Ok((*first).clone());
        }
    }
    if found.is_empty() {
        found = of_filter(journal, Filter::new().key_prefix(name), |_| true).await?;
    }
    match found.len() {
        0 => Err(missing()),
        1 => Ok(found.remove(0)),
        _ => {
            let mut candidates: Vec<_> = found.iter().take(MAX_CANDIDATES).map(|job| short(&job.key)).collect();
            if found.len() > MAX_CANDIDATES {
                candidates.push("…".into());
            }
            let message = format!("the key {} is ambiguous", fal_documents::text::quoted(name));
            Err(Error::new(Exit::Usage, message).help(format!("use one of these: {}", candidates.join(", "))))
        }
    }
}

/// Returns the jobs of a filter, a few more than are listed.
async fn of_filter(
    journal: &Journal,
    filter: Filter,
    is_meant: impl Fn(&Record) -> bool,
) -> Result<Vec<Record>, Error> {
    let mut jobs = journal.list(filter.newest_first());
    let mut found = Vec::new();
    while found.len() <= MAX_CANDIDATES
        && let Some(job) = jobs.try_next().await?
    {
        found.extend(Some(job).filter(&is_meant));
    }
    Ok(found)
}

fn is_of_one_input(jobs: &[Record]) -> bool {
    let hash = |job: &Record| Automatic::of(&job.key).map(|key| (key.endpoint.to_owned(), key.hash.to_owned()));
    jobs.windows(2).all(|pair| hash(&pair[0]) == hash(&pair[1]))
}

fn is_hexadecimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c))
}

/// Returns true for a UUID, which every request id of fal is.
pub(crate) fn is_request_id(text: &str) -> bool {
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.bytes().all(|c| c == b'-' || c.is_ascii_hexdigit())
}

/// Returns the target of a job's files in a folder. A name is that of the endpoint, or the user's key, with the hash of the bytes,
/// so that no file replaces another one.
pub(crate) fn downloads(folder: &Path) -> Target {
    Target::folder(folder).names(|file, sha256| {
        let stem = stem(&file.key);
        let extension = Path::new(&file.file_name).extension().and_then(|extension| extension.to_str());
        let extension = extension.filter(|extension| extension.bytes().all(|c| c.is_ascii_alphanumeric()));
        let hash = &sha256[..IN_FILE_NAME];
        match extension {
            Some(extension) => format!("{stem}-{hash}.{extension}"),
            None => format!("{stem}-{hash}"),
        }
    })
}

/// Returns the begin of the names of a job's files: `flux-dev` of the endpoint `fal-ai/flux/dev`, or the user's key.
fn stem(key: &str) -> String {
    let text = match Automatic::of(key) {
        Some(Automatic { endpoint, .. }) => endpoint.split_once('/').map_or(endpoint, |(_, name)| name),
        None => key,
    };
    let plain = text.chars().map(|c| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '-' });
    let stem: String = plain.take(MAX_STEM).collect();
    match stem.trim_matches('-') {
        "" => "file".to_owned(),
        stem => stem.to_owned(),
    }
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

    #[test]
    fn stems_are_plain() {
        let hash = "0".repeat(64);
        for (key, expected) in [
            (format!("fal-ai/flux/dev/redux#{hash}"), "flux-dev-redux"),
            (format!("openrouter/router#{hash}#7"), "router"),
            ("hero image".to_owned(), "hero-image"),
            ("../../etc/passwd".to_owned(), "etc-passwd"),
            ("..".to_owned(), "file"),
            ("\u{1b}[2J/é".to_owned(), "2J"),
        ] {
            assert_eq!(stem(&key), expected);
        }
    }
}

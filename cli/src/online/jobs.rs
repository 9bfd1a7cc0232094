//! The jobs of the journal, as the command line names them.

use std::path::Path;

use fal_jobs::{Filter, Journal, Record, Target};
use futures_util::TryStreamExt;

use crate::error::{Error, Exit};
use crate::job_key::{Automatic, HASH, is_hexadecimal, short};

/// The characters of a file's hash in its name.
const IN_FILE_NAME: usize = 12;

/// The longest part of a file's name that comes from a key.
const MAX_STEM: usize = 60;

/// The most jobs that the error of an ambiguous key lists.
const MAX_CANDIDATES: usize = 10;

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

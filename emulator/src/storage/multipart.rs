use std::collections::BTreeMap;
use std::sync::Arc;

use crate::storage::content::{Blob, Content};
use crate::storage::metadata::Metadata;

/// The most parts that an upload has.
const MOST_PARTS: u32 = 10_000;

/// A file that comes in parts.
#[derive(Debug)]
pub(super) struct Multipart {
    /// Where the file will be.
    pub(super) path: String,
    pub(super) plan: Metadata,
    parts: BTreeMap<u32, Arc<Blob>>,
    /// What it was completed with. Nothing can be added then, but who did not hear of it may ask again.
    completed: Option<Vec<ListedPart>>,
}

/// A part as the one who completes an upload names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListedPart {
    pub(crate) number: u64,
    pub(crate) etag: String,
}

/// What completing an upload comes to.
pub(super) enum Completed {
    /// There is a file now.
    Now(Content),
    /// There was before, of the same parts.
    Before,
}

impl Multipart {
    pub(super) fn new(path: String, plan: Metadata) -> Self {
        Multipart { path, plan, parts: BTreeMap::new(), completed: None }
    }

    /// Takes a part, in place of one of the same number. The error says why not.
    pub(super) fn put(&mut self, number: &str, blob: Blob) -> Result<String, String> {
        let number = number.parse().ok().filter(|number| (1..=MOST_PARTS).contains(number));
        let number = number.ok_or_else(|| format!("A part number is a number from 1 to {MOST_PARTS}"))?;
        if self.completed.is_some() {
            return Err("The upload is completed".to_owned());
        }
        let etag = blob.etag();
        self.parts.insert(number, Arc::new(blob));
        Ok(etag)
    }

    /// Makes a file of the parts that are listed, in the order of their numbers. The error says what does not agree.
    pub(super) fn complete(&mut self, listed: Vec<ListedPart>) -> Result<Completed, String> {
        if let Some(before) = &self.completed {
            let same = *before == listed;
            return if same {
                Ok(Completed::Before)
            } else {
                Err("The upload is completed with other parts".to_owned())
            };
        }
        if listed.is_empty() {
            return Err("An upload has at least one part".to_owned());
        }
        let mut numbers: Vec<u64> = listed.iter().map(|part| part.number).collect();
        numbers.sort_unstable();
        if let Some(twice) = numbers.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("Part {} is listed twice", twice[0]));
        }
        if let Some((_, gap)) = numbers.iter().zip(1..).find(|(number, expected)| **number != *expected) {
            return Err(format!("Part {gap} is missing: parts are numbered from 1 without a gap"));
        }
        for ListedPart { number, etag } in &listed {
            let blob = u32::try_from(*number).ok().and_then(|number| self.parts.get(&number));
            let blob = blob.ok_or_else(|| format!("Part {number} was not uploaded"))?;
            if etag.trim_matches('"') != blob.etag().trim_matches('"') {
                return Err(format!("Part {number} has another ETag than {etag}"));
            }
        }
        if let Some(number) = self.parts.keys().find(|number| u64::from(**number) > listed.len() as u64) {
            return Err(format!("Part {number} was uploaded, but is not listed"));
        }
        self.completed = Some(listed);
        Ok(Completed::Now(Content::new(std::mem::take(&mut self.parts).into_values().collect())))
    }
}

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::storage::content::{Blob, Content};
use crate::storage::metadata::Metadata;

/// The most parts of an upload.
const MAX_PARTS: u32 = 10_000;

/// A multipart upload.
#[derive(Debug)]
pub(super) struct Multipart {
    /// The path of the completed file.
    pub(super) path: String,
    pub(super) metadata: Metadata,
    parts: BTreeMap<u32, Arc<Blob>>,
    /// The parts of the completed file. A completed upload takes no more parts. Completing it again with the same parts
    /// succeeds, because the first response may have been lost.
    completed: Option<Vec<ListedPart>>,
}

/// A part as listed in the request that completes an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListedPart {
    pub(crate) number: u64,
    pub(crate) etag: String,
}

/// The result of completing an upload.
pub(super) enum Completed {
    /// The upload is completed now.
    Now(Content),
    /// The upload was completed before, with the same parts.
    Before,
}

impl Multipart {
    pub(super) fn new(path: String, metadata: Metadata) -> Self {
        Multipart { path, metadata, parts: BTreeMap::new(), completed: None }
    }

    /// Returns the number of a part that can be added, or why it is rejected.
    pub(super) fn takes(&self, number: &str) -> Result<u32, String> {
        let number = number.parse().ok().filter(|number| (1..=MAX_PARTS).contains(number));
        let number = number.ok_or_else(|| format!("A part number is a number from 1 to {MAX_PARTS}"))?;
        if self.completed.is_some() {
            return Err("The upload is completed".to_owned());
        }
        Ok(number)
    }

    /// Adds a part, or replaces the one of the same number. Returns its ETag, or why it is rejected.
    pub(super) fn put(&mut self, number: &str, blob: Blob) -> Result<String, String> {
        let number = self.takes(number)?;
        let etag = blob.etag();
        self.parts.insert(number, Arc::new(blob));
        Ok(etag)
    }

    /// Joins the listed parts in the order of their numbers. Fails if the list does not match the uploaded parts.
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

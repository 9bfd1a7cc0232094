//! Records that would never end: one that requires itself, directly or by others, has no finite value. Such a field is
//! made optional, so that the record can at least be built.

use std::collections::{BTreeMap, BTreeSet};

use super::docs;
use super::draft::{Draft, Note};
use crate::model::{Item, Presence, Record, Union};
use crate::schema::reference;

/// Makes a field of every endless circle of records optional.
pub(super) fn cut(drafts: &mut [Draft], notes: &mut Vec<Note>) {
    loop {
        let circles = circles(drafts);
        if circles.is_empty() {
            return;
        }
        for (draft, field) in circles {
            if let Item::Record(Record { name, fields, .. }) = &mut drafts[draft] {
                let field = &mut fields[field];
                field.presence = Presence::Optional;
                let text = "a value that has this field would never end; it is optional".to_owned();
                let note = Note { at: format!("{name}.{}", field.wire), text };
                field.facts.extend(docs::of_losses(&note.at, std::slice::from_ref(&note)));
                notes.push(note);
            }
        }
    }
}

/// The definitions that a draft cannot be without, each with the index of the field that requires it. For a union, its
/// first member counts.
fn demands(draft: &Draft) -> Vec<(usize, &str)> {
    match draft {
        Item::Record(Record { fields, .. }) => {
            let required = fields.iter().enumerate().filter(|(_, field)| field.is_required());
            required.filter_map(|(index, field)| Some((index, reference(&field.kind)?))).collect()
        }
        Item::Union(Union { members, .. }) => {
            members.first().and_then(|first| Some((0, reference(&first.of)?))).into_iter().collect()
        }
        Item::Enum(_) | Item::FreeForm { .. } => Vec::new(),
    }
}

/// A record's field in each circle, as places of the draft and the field.
fn circles(drafts: &[Draft]) -> Vec<(usize, usize)> {
    let places: BTreeMap<&str, usize> = drafts.iter().enumerate().map(|(place, draft)| (draft.name(), place)).collect();
    let demands: Vec<Vec<(usize, usize)>> = drafts
        .iter()
        .map(|draft| demands(draft).into_iter().filter_map(|(field, name)| Some((field, *places.get(name)?))).collect())
        .collect();
    // Finite is what demands only what is finite; it is found from the ends.
    let mut open: Vec<usize> = demands.iter().map(Vec::len).collect();
    let mut demanded_by: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (draft, targets) in demands.iter().enumerate() {
        targets.iter().for_each(|(_, target)| demanded_by.entry(*target).or_default().push(draft));
    }
    let mut finite: Vec<usize> = (0..drafts.len()).filter(|draft| open[*draft] == 0).collect();
    let mut next = 0;
    while let Some(target) = finite.get(next).copied() {
        next += 1;
        for draft in demanded_by.get(&target).into_iter().flatten() {
            open[*draft] -= 1;
            if open[*draft] == 0 {
                finite.push(*draft);
            }
        }
    }
    let finite: BTreeSet<usize> = finite.into_iter().collect();

    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for start in (0..drafts.len()).filter(|draft| !finite.contains(draft)) {
        let mut walk: Vec<(usize, usize)> = Vec::new();
        let mut on_walk = BTreeSet::new();
        let mut draft = start;
        while seen.insert(draft) {
            on_walk.insert(draft);
            let Some((field, target)) = demands[draft].iter().find(|(_, target)| !finite.contains(target)) else {
                break;
            };
            walk.push((draft, *field));
            if on_walk.contains(target) {
                // The last record of the circle; a circle of unions alone is none that a value could have.
                let record = walk.iter().rev().find(|(draft, _)| matches!(drafts[*draft], Item::Record(_)));
                found.extend(record);
                break;
            }
            draft = *target;
        }
    }
    found
}

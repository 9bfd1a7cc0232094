//! Records without finite values: a record that requires itself, directly or through others. One field of each such cycle
//! becomes optional, so that the record can be built.

use std::collections::{BTreeMap, BTreeSet};

use super::docs;
use super::draft::{Draft, Note};
use crate::model::{Item, Presence, Record, Union};
use crate::refusals;
use crate::schema::reference;

/// The most rounds of cutting. Each takes a while, and known documents need two.
const MAX_ROUNDS: usize = 64;

/// Makes a field of every endless cycle of records optional. Returns false if that would take too many rounds.
pub(super) fn cut(drafts: &mut [Draft], notes: &mut Vec<Note>) -> bool {
    for _ in 0..MAX_ROUNDS {
        let cycles = cycles(drafts);
        if cycles.is_empty() {
            return true;
        }
        for (draft, field) in cycles {
            if let Item::Record(Record { name, fields, .. }) = &mut drafts[draft] {
                let field = &mut fields[field];
                field.presence = Presence::Optional;
                let text = refusals::ENDLESS.to_owned();
                let note = Note { at: format!("{name}.{}", field.wire), text };
                field.facts.extend(docs::of_notes(&note.at, std::slice::from_ref(&note)));
                notes.push(note);
            }
        }
    }
    false
}

/// The definitions that a draft cannot be without, each with the index of the field that requires it. For a union, its
/// first member counts.
fn demands(draft: &Draft) -> Vec<(usize, &str)> {
    match draft {
        Item::Record(Record { fields, .. }) => {
            let required = fields.iter().enumerate().filter(|(_, field)| field.presence == Presence::Required);
            required.filter_map(|(index, field)| Some((index, reference(&field.kind)?))).collect()
        }
        Item::Union(Union { members, .. }) => {
            members.first().and_then(|first| Some((0, reference(&first.of)?))).into_iter().collect()
        }
        Item::Enum(_) | Item::FreeForm { .. } => Vec::new(),
    }
}

/// Finds a record's field in each cycle, as the indexes of the draft and the field.
fn cycles(drafts: &[Draft]) -> Vec<(usize, usize)> {
    let indexes: BTreeMap<&str, usize> =
        drafts.iter().enumerate().map(|(index, draft)| (draft.name(), index)).collect();
    let demands: Vec<Vec<(usize, usize)>> = drafts
        .iter()
        .map(|draft| {
            demands(draft).into_iter().filter_map(|(field, name)| Some((field, *indexes.get(name)?))).collect()
        })
        .collect();
    // A draft is finite if all drafts that it demands are finite. The search starts at drafts without demands.
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
                // The last record of the cycle. A cycle of unions alone has no field to make optional.
                let record = walk.iter().rev().find(|(draft, _)| matches!(drafts[*draft], Item::Record(_)));
                found.extend(record);
                break;
            }
            draft = *target;
        }
    }
    found
}

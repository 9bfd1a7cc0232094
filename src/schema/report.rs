//! Notes about what an output lacks, taken while it is read.
//!
//! The reader of a nested type knows nothing of the call, because serde has no room for a context. So the notes are kept by
//! thread while one output is read, which never awaits.

use std::any::TypeId;
use std::cell::{Cell, RefCell};

use serde::de::{Deserialize, DeserializeOwned, Deserializer};

use super::record::{Record, RecordInfo};

/// The parts that an output lacks.
#[derive(Debug)]
pub(crate) struct Report {
    of: TypeId,
    /// The paths of required fields that are absent or null.
    pub(crate) missing: Vec<String>,
    /// The paths of values that no type could hold.
    pub(crate) skipped: Vec<String>,
    /// The outermost object, if it has a table of its fields.
    pub(crate) outermost: Option<Outermost>,
}

/// The outermost object of an output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outermost {
    info: &'static RecordInfo,
    /// The number of fields that were read.
    pub(crate) read: usize,
    /// The number of required fields that were read.
    pub(crate) required_read: usize,
}

impl Outermost {
    /// Returns true if no object of the type has a field.
    pub(crate) fn has_no_fields(&self) -> bool {
        self.info.fields.is_empty()
    }

    /// Returns the names of the required fields.
    pub(crate) fn required(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.info.fields.iter().filter(|field| field.required).map(|field| field.name)
    }
}

thread_local! {
    static REPORT: RefCell<Option<Report>> = const { RefCell::new(None) };

    /// The mark of the notes so far. Kept apart from them, because it is read with every field and every item.
    static MARK: Cell<Mark> = const { Cell::new(Mark::NONE) };
}

/// An output with the report of its reading.
#[derive(Debug)]
pub(crate) struct Reported<O> {
    pub(crate) data: O,
    pub(crate) report: Report,
}

impl<'de, O: DeserializeOwned + 'static> Deserialize<'de> for Reported<O> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        begin(TypeId::of::<O>());
        let data = O::deserialize(deserializer);
        let report = end(TypeId::of::<O>());
        Ok(Reported { data: data?, report })
    }
}

fn new(of: TypeId) -> Report {
    Report { of, missing: Vec::new(), skipped: Vec::new(), outermost: None }
}

fn begin(of: TypeId) {
    REPORT.set(Some(new(of)));
    MARK.set(Mark::NONE);
}

fn end(of: TypeId) -> Report {
    MARK.set(Mark::NONE);
    REPORT.take().unwrap_or_else(|| new(of))
}

/// Notes a required field that is absent or null.
pub(super) fn missing(name: &str) {
    with(|report| report.missing.push(name.to_owned()));
}

/// Notes the object that an output of its type consists of.
pub(super) fn outermost<R: Record>(read: usize, required_read: usize) {
    note_outermost(TypeId::of::<R>(), Outermost { info: &R::INFO, read, required_read });
}

fn note_outermost(of: TypeId, outermost: Outermost) {
    with(|report| {
        if report.of == of {
            report.outermost = Some(outermost);
        }
    });
}

fn with(note: impl FnOnce(&mut Report)) {
    REPORT.with_borrow_mut(|report| {
        if let Some(report) = report {
            note(report);
            MARK.set(Mark { missing: report.missing.len(), skipped: report.skipped.len() });
        }
    });
}

/// The notes so far.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    missing: usize,
    skipped: usize,
}

impl Mark {
    const NONE: Mark = Mark { missing: 0, skipped: 0 };
}

/// Returns a mark of the notes so far.
#[inline]
pub(super) fn mark() -> Mark {
    MARK.get()
}

/// Prepends a segment to the paths noted since the mark.
#[inline]
pub(super) fn prepend(since: Mark, segment: impl FnOnce() -> String) {
    if mark() != since {
        prepend_segment(since, &segment());
    }
}

fn prepend_segment(since: Mark, segment: &str) {
    with(|report| {
        for path in report.missing[since.missing..].iter_mut().chain(&mut report.skipped[since.skipped..]) {
            let dot = if path.starts_with('[') { "" } else { "." };
            path.insert_str(0, &format!("{segment}{dot}"));
        }
    });
}

/// Notes a value that its type cannot hold, in the place of what was noted inside since the mark.
pub(super) fn replace(since: Mark, segment: String) {
    forget(since);
    with(|report| report.skipped.push(segment));
}

/// Removes the notes since the mark.
pub(super) fn forget(since: Mark) {
    with(|report| {
        report.missing.truncate(since.missing);
        report.skipped.truncate(since.skipped);
    });
}

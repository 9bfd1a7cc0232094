use std::any::Any;
use std::fmt;

use super::part::{FieldPath, Part, Shape};
use super::record::{About, Record, Visit, VisitMut};
use super::validate::{Rule, Validator};
use super::wire::Mode;
use crate::files::FileInput;
use crate::protocol::LocSegment;

/// A field of a record, of any type. What is done with fields by way of it is compiled once, and not for each record.
pub(super) trait AnyPart: Any {
    /// Becomes a copy of a field of the same type.
    fn copy_from(&mut self, original: &dyn AnyPart);

    /// Whether the other is of the same type and equal.
    fn equals(&self, other: &dyn AnyPart) -> bool;

    /// Itself, for showing.
    fn shown(&self) -> &dyn fmt::Debug;

    /// Reports what the schema does not allow.
    fn check(&self, at: &mut Validator, rules: &'static [Rule]);

    /// Shows the files in it.
    fn lend_files(&mut self, at: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput));

    /// Becomes what a field is that is not there; false if it has to be there.
    fn become_missing(&mut self, mode: Mode) -> bool;
}

impl<T: Part> AnyPart for T {
    fn copy_from(&mut self, original: &dyn AnyPart) {
        if let Some(original) = (original as &dyn Any).downcast_ref::<T>() {
            self.clone_from(original);
        }
    }

    fn equals(&self, other: &dyn AnyPart) -> bool {
        (other as &dyn Any).downcast_ref::<T>() == Some(self)
    }

    fn shown(&self) -> &dyn fmt::Debug {
        self
    }

    fn check(&self, at: &mut Validator, rules: &'static [Rule]) {
        T::Shape::validate(self, at, rules);
    }

    fn lend_files(&mut self, at: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        T::Shape::files_mut(self, at, visit);
    }

    fn become_missing(&mut self, mode: Mode) -> bool {
        T::Shape::missing(mode).map(|missing| *self = missing).is_some()
    }
}

/// The fields of a record.
pub(super) fn fields_of<R: Record>(record: &R) -> Vec<&dyn AnyPart> {
    let mut fields = Fields(Vec::with_capacity(R::ABOUT.fields.len()));
    record.fields(&mut fields);
    fields.0
}

struct Fields<'a>(Vec<&'a dyn AnyPart>);

impl<'a> Visit<'a> for Fields<'a> {
    fn field<T: Part>(&mut self, value: &'a T) {
        self.0.push(value);
    }
}

/// The fields of a record, to be changed.
pub(super) fn fields_mut_of<R: Record>(record: &mut R) -> Vec<&mut dyn AnyPart> {
    let mut fields = FieldsMut(Vec::with_capacity(R::ABOUT.fields.len()));
    record.fields_mut(&mut fields);
    fields.0
}

struct FieldsMut<'a>(Vec<&'a mut dyn AnyPart>);

impl<'a> VisitMut<'a> for FieldsMut<'a> {
    fn field<T: Part>(&mut self, value: &'a mut T) {
        self.0.push(value);
    }
}

/// Copies fields.
pub(super) fn copy_fields(copies: &mut [&mut dyn AnyPart], originals: &[&dyn AnyPart]) {
    copies.iter_mut().zip(originals).for_each(|(copy, original)| copy.copy_from(*original));
}

/// Whether all fields are equal.
pub(super) fn fields_are_equal(fields: &[&dyn AnyPart], others: &[&dyn AnyPart]) -> bool {
    fields.iter().zip(others).all(|(field, other)| field.equals(*other))
}

/// Shows fields by their names in JSON.
pub(super) fn debug_fields(about: &About, fields: &[&dyn AnyPart], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut shown = f.debug_struct(about.name);
    for (field, value) in about.fields.iter().zip(fields) {
        shown.field(field.name, value.shown());
    }
    shown.finish()
}

/// Reports what the schema does not allow.
pub(super) fn validate_fields(about: &About, fields: &[&dyn AnyPart], at: &mut Validator) {
    for (field, value) in about.fields.iter().zip(fields) {
        at.step(LocSegment::Key(field.name.to_owned()), |at| value.check(at, field.rules));
    }
}

/// Shows the files in fields.
pub(super) fn visit_files(
    about: &About,
    fields: &mut [&mut dyn AnyPart],
    at: &mut FieldPath,
    visit: &mut dyn FnMut(&str, &mut FileInput),
) {
    for (field, value) in about.fields.iter().zip(fields) {
        at.visit_field(field.name, |at| value.lend_files(at, visit));
    }
}

/// Fills in the fields that were not read; the name of one that must be there.
pub(super) fn complete(
    about: &About,
    fields: &mut [&mut dyn AnyPart],
    read: &[bool],
    mode: Mode,
) -> Option<&'static str> {
    let mut unread = about.fields.iter().zip(fields).zip(read).filter(|(_, read)| !**read);
    unread.find_map(|((field, value), _)| (!value.become_missing(mode)).then_some(field.name))
}

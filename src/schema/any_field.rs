use std::any::Any;
use std::fmt;

use super::field_path::FieldPath;
use super::mode::Mode;
use super::record::{Record, RecordInfo, Visitor, VisitorMut};
use super::rules::Rule;
use super::shape::{SchemaType, Shape};
use super::validator::Validator;
use crate::files::FileInput;
use crate::protocol::LocSegment;

/// A field of a record, of any type. Code that uses fields through this trait is compiled once, instead of once per record.
pub(super) trait AnyField: Any {
    /// Copies the value of a field of the same type.
    fn copy_from(&mut self, original: &dyn AnyField);

    /// Returns true if the other field has the same type and an equal value.
    fn equals(&self, other: &dyn AnyField) -> bool;

    /// Returns the value for formatting.
    fn as_debug(&self) -> &dyn fmt::Debug;

    /// Reports violations of the schema.
    fn validate(&self, validator: &mut Validator, rules: &'static [Rule]);

    /// Visits the files in the value.
    fn visit_files(&mut self, path: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput));

    /// Sets the value of a missing field. Returns false if the field is required.
    fn set_missing(&mut self, mode: Mode) -> bool;
}

impl<T: SchemaType> AnyField for T {
    fn copy_from(&mut self, original: &dyn AnyField) {
        if let Some(original) = (original as &dyn Any).downcast_ref::<T>() {
            self.clone_from(original);
        }
    }

    fn equals(&self, other: &dyn AnyField) -> bool {
        (other as &dyn Any).downcast_ref::<T>() == Some(self)
    }

    fn as_debug(&self) -> &dyn fmt::Debug {
        self
    }

    fn validate(&self, validator: &mut Validator, rules: &'static [Rule]) {
        T::Shape::validate(self, validator, rules);
    }

    fn visit_files(&mut self, path: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        T::Shape::visit_files(self, path, visit);
    }

    fn set_missing(&mut self, mode: Mode) -> bool {
        T::Shape::missing(mode).map(|missing| *self = missing).is_some()
    }
}

/// Returns the fields of a record.
pub(super) fn fields_of<R: Record>(record: &R) -> Vec<&dyn AnyField> {
    let mut fields = Fields(Vec::with_capacity(R::INFO.fields.len()));
    record.fields(&mut fields);
    fields.0
}

struct Fields<'a>(Vec<&'a dyn AnyField>);

impl<'a> Visitor<'a> for Fields<'a> {
    fn field<T: SchemaType>(&mut self, value: &'a T) {
        self.0.push(value);
    }
}

/// Returns the fields of a record, for changing them.
pub(super) fn fields_mut_of<R: Record>(record: &mut R) -> Vec<&mut dyn AnyField> {
    let mut fields = FieldsMut(Vec::with_capacity(R::INFO.fields.len()));
    record.fields_mut(&mut fields);
    fields.0
}

struct FieldsMut<'a>(Vec<&'a mut dyn AnyField>);

impl<'a> VisitorMut<'a> for FieldsMut<'a> {
    fn field<T: SchemaType>(&mut self, value: &'a mut T) {
        self.0.push(value);
    }
}

/// Copies fields.
pub(super) fn copy_fields(copies: &mut [&mut dyn AnyField], originals: &[&dyn AnyField]) {
    copies.iter_mut().zip(originals).for_each(|(copy, original)| copy.copy_from(*original));
}

/// Returns true if all fields are equal.
pub(super) fn fields_are_equal(fields: &[&dyn AnyField], others: &[&dyn AnyField]) -> bool {
    fields.iter().zip(others).all(|(field, other)| field.equals(*other))
}

/// Formats fields by their names in JSON.
pub(super) fn debug_fields(info: &RecordInfo, fields: &[&dyn AnyField], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut output = f.debug_struct(info.name);
    for (field, value) in info.fields.iter().zip(fields) {
        output.field(field.name, value.as_debug());
    }
    output.finish()
}

/// Reports violations of the schema.
pub(super) fn validate_fields(
    info: &RecordInfo,
    fields: &[&dyn AnyField],
    validator: &mut Validator,
    rules: &'static [Rule],
) {
    for (field, value) in info.fields.iter().zip(fields) {
        validator.step(LocSegment::Key(field.name.to_owned()), |validator| {
            value.validate(validator, field.rules);
            for rule in rules {
                if let Rule::Field(name, rules) = rule
                    && *name == field.name
                {
                    value.validate(validator, rules);
                }
            }
        });
    }
}

/// Visits the files in fields.
pub(super) fn visit_files(
    info: &RecordInfo,
    fields: &mut [&mut dyn AnyField],
    path: &mut FieldPath,
    visit: &mut dyn FnMut(&str, &mut FileInput),
) {
    for (field, value) in info.fields.iter().zip(fields) {
        path.visit_field(field.name, |path| value.visit_files(path, visit));
    }
}

/// Sets the fields that were not read. Returns the name of the first one that is required.
pub(super) fn default_missing(
    info: &RecordInfo,
    fields: &mut [&mut dyn AnyField],
    read: &[bool],
    mode: Mode,
) -> Option<&'static str> {
    let mut unread = info.fields.iter().zip(fields).zip(read).filter(|(_, read)| !**read);
    unread.find_map(|((field, value), _)| (!value.set_missing(mode)).then_some(field.name))
}

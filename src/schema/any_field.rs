use std::any::Any;
use std::fmt;

use serde::de::{Error, Unexpected};
use serde_json::{Map, Value};

use super::field_path::FieldPath;
use super::mode::Mode;
use super::node::{Node, Parts};
use super::record::{FieldInfo, Record, RecordInfo, Visitor, VisitorMut};
use super::report;
use super::rules::Rule;
use super::scalar::Scalar;
use super::shape::{Read, SchemaType, Shape};
use super::validator::{Step, Validator};
use crate::files::FileInput;

/// A field of a record, of any type. Code that uses fields through this trait is compiled once, instead of once per record.
pub(crate) trait AnyField: Any {
    /// Copies the value of a field of the same type.
    fn copy_from(&mut self, original: &dyn AnyField);

    /// Returns true if the other field has the same type and an equal value.
    fn equals(&self, other: &dyn AnyField) -> bool;

    /// Returns the value for formatting.
    fn as_debug(&self) -> &dyn fmt::Debug;

    /// Returns the value as JSON, unless it contains a local file, which is still to be uploaded.
    fn to_json(&self) -> Option<Value>;

    /// Reports violations of the schema.
    fn validate(&self, validator: &mut Validator, rules: &'static [Rule]);

    /// Returns the value as its parts.
    fn node(&self) -> Node<'_>;

    /// Returns false if the value contains no files, because of its type.
    fn has_files(&self) -> bool;

    /// Visits the files in the value.
    fn visit_files(&mut self, path: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput));

    /// Sets the value of a field that was not read.
    fn set_unread(&mut self, is_null: bool, mode: Mode) -> Unread;

    /// Returns true if the field is an object with declared fields, or contains some.
    fn has_objects(&self) -> bool;

    /// Sets the field to the URL of a file, if it can hold one.
    fn set_url(&mut self, url: &Scalar<'_>);
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

    fn to_json(&self) -> Option<Value> {
        let mut is_local = false;
        let mut note = |_: &str, file: &mut FileInput| is_local |= file.as_url().is_none();
        T::Shape::visit_files(&mut self.clone(), &mut FieldPath::default(), &mut note);
        if is_local { None } else { serde_json::to_value(self).ok() }
    }

    fn validate(&self, validator: &mut Validator, rules: &'static [Rule]) {
        T::Shape::validate(self, validator, rules);
    }

    fn node(&self) -> Node<'_> {
        T::Shape::node(self)
    }

    fn has_files(&self) -> bool {
        T::Shape::HAS_FILES
    }

    fn visit_files(&mut self, path: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        T::Shape::visit_files(self, path, visit);
    }

    fn set_unread(&mut self, is_null: bool, mode: Mode) -> Unread {
        let empty = if is_null { T::Shape::null(mode) } else { T::Shape::missing(mode) };
        let hollow = || T::Shape::hollow().filter(|_| !mode.is_strict());
        let (value, unread) = match empty {
            Some(empty) => (Some(empty), Unread::Empty),
            None => (hollow(), Unread::Hollow),
        };
        value.map_or(Unread::Required, |value| {
            *self = value;
            unread
        })
    }

    fn has_objects(&self) -> bool {
        T::Shape::HAS_OBJECTS
    }

    fn set_url(&mut self, url: &Scalar<'_>) {
        if let Some(url) = T::Shape::from_scalar(url, Mode::Lenient) {
            *self = url;
        }
    }
}

/// The outcome for a field that was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// Its type has an empty value.
    Empty,
    /// It is an object whose fields are all empty.
    Hollow,
    /// Its type has no such value.
    Required,
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
    let mut fields = Vec::with_capacity(R::INFO.fields.len());
    each_unread(record, &[], &mut |_, field| fields.push(field));
    fields
}

/// Calls a function with each field of a record that has not been read, and with its index.
pub(super) fn each_unread<'a, R: Record>(
    record: &'a mut R,
    states: &[Option<Read>],
    visit: &mut dyn FnMut(usize, &'a mut dyn AnyField),
) {
    record.fields_mut(&mut EachUnread { states, index: 0, visit });
}

struct EachUnread<'v, 'a> {
    /// The states of the first fields. The others have not been read.
    states: &'v [Option<Read>],
    index: usize,
    visit: &'v mut dyn FnMut(usize, &'a mut dyn AnyField),
}

impl<'a> VisitorMut<'a> for EachUnread<'_, 'a> {
    #[inline]
    fn field<T: SchemaType>(&mut self, value: &'a mut T) {
        if self.states.get(self.index) != Some(&Some(Read::Value(()))) {
            (self.visit)(self.index, value);
        }
        self.index += 1;
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
        if is_accepted(*value, field.rules) {
            continue;
        }
        validator.step(Step::Field(field.name), |validator| {
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
    if rules.iter().any(|rule| matches!(rule, Rule::Field("area" | "aspect_ratio", _))) {
        let side = |name: &str| {
            let index = info.fields.iter().position(|field| field.name == name)?;
            if let Parts::Integer(side) = fields[index].node().0 { Some(side) } else { None }
        };
        if let (Some(width), Some(height)) = (side("width"), side("height")) {
            validator.size(width, height, rules);
        }
    }
}

/// Returns true if a field has a value that is accepted although it may break other rules.
fn is_accepted(value: &dyn AnyField, rules: &'static [Rule]) -> bool {
    let accepted = rules.iter().find_map(|rule| if let Rule::Accepts(values) = rule { Some(*values) } else { None });
    accepted.is_some_and(|accepted| {
        let value = value.to_json();
        let mut accepted = accepted.iter().filter_map(|json| serde_json::from_str::<Value>(json).ok());
        value.is_some_and(|value| accepted.any(|accepted| is_same(&accepted, &value)))
    })
}

/// Returns true if two values are the same JSON, where 1 equals 1.0.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let present = |object: &Map<String, Value>| object.values().filter(|value| !value.is_null()).count();
            let mut fields = one.iter().filter(|(_, value)| !value.is_null());
            present(one) == present(other)
                && fields.all(|(key, one)| other.get(key).is_some_and(|other| is_same(one, other)))
        }
        (one, other) => one == other,
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
        if value.has_files() {
            path.visit_field(field.name, |path| value.visit_files(path, visit));
        }
    }
}

/// The outcome for each field of an object, or `None` for an absent one. Most objects have few fields, which need no allocation.
pub(super) struct States {
    few: [Option<Read>; States::FEW],
    many: Vec<Option<Read>>,
    length: usize,
}

impl States {
    const FEW: usize = 32;

    #[inline]
    pub(super) fn new(length: usize) -> Self {
        let many = if length > States::FEW { vec![None; length] } else { Vec::new() };
        States { few: [None; States::FEW], many, length }
    }

    #[inline]
    pub(super) fn as_mut_slice(&mut self) -> &mut [Option<Read>] {
        if self.many.is_empty() { &mut self.few[..self.length] } else { &mut self.many }
    }
}

/// The reason why an object cannot be read.
#[derive(Clone, Copy, Debug)]
enum Flaw {
    /// A required field is absent.
    Missing(&'static str),
    /// A required field is null.
    Null,
    /// No object of an output can be read; this field should have had one.
    Unreadable(&'static str),
}

impl Flaw {
    fn into_error<E: Error>(self) -> E {
        match self {
            Flaw::Missing(name) => E::missing_field(name),
            Flaw::Null => E::invalid_type(Unexpected::Other("null"), &"a value"),
            Flaw::Unreadable(name) => E::custom(format_args!("nothing in the field `{name}` has the declared type")),
        }
    }
}

/// Sets the fields that were not read. In an output, notes the required ones among them.
pub(super) struct Finish<'a> {
    fields: &'static [FieldInfo],
    states: &'a [Option<Read>],
    mode: Mode,
    /// True if a field with objects was read.
    has_objects: bool,
    /// The first field that had to have objects.
    lost: Option<Flaw>,
    /// The first field without a value of its type.
    flaw: Option<Flaw>,
}

impl<'a> Finish<'a> {
    pub(super) fn new(info: &RecordInfo, states: &'a [Option<Read>], mode: Mode) -> Self {
        Finish { fields: info.fields, states, mode, has_objects: false, lost: None, flaw: None }
    }

    /// Sets a field if it was not read.
    pub(super) fn field(&mut self, index: usize, value: &mut dyn AnyField) {
        if self.flaw.is_some() {
            return;
        }
        let field = &self.fields[index];
        let (is_null, is_odd) = match self.states[index] {
            Some(Read::Value(())) => {
                self.has_objects |= value.has_objects();
                return;
            }
            Some(Read::Null) => (true, false),
            Some(Read::Odd) => (false, true),
            None => (false, false),
        };
        let flaw = match is_odd {
            true => Flaw::Unreadable(field.name),
            false if is_null && self.mode.is_strict() => Flaw::Null,
            false => Flaw::Missing(field.name),
        };
        let unread = value.set_unread(is_null, self.mode);
        if unread == Unread::Required {
            self.flaw = Some(flaw);
            return;
        }
        if !is_odd && field.required && !self.mode.is_strict() {
            report::missing(field.name);
        }
        if unread == Unread::Hollow || is_odd && value.has_objects() {
            self.lost.get_or_insert(flaw);
        }
    }

    /// Returns an error if the object cannot be read.
    pub(super) fn end<E: Error>(self) -> Result<(), E> {
        let lost = self.lost.filter(|_| self.mode == Mode::Output && !self.has_objects);
        self.flaw.or(lost).map_or(Ok(()), |flaw| Err(flaw.into_error()))
    }
}

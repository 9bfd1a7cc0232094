use std::any::Any;
use std::fmt::Debug;

use serde::Serialize;
use serde::de::Deserializer;

use super::record::Field;
use super::validate::{Rule, Validator};
use super::wire::Mode;
use crate::files::FileInput;

/// The path to the field that is being visited, written as `loras[0].path`.
#[derive(Debug, Default)]
pub struct FieldPath(String);

impl FieldPath {
    /// Visits an object's field.
    pub(super) fn visit_field(&mut self, name: &str, visit: impl FnOnce(&mut Self)) {
        let length = self.0.len();
        if length > 0 {
            self.0.push('.');
        }
        self.0.push_str(name);
        visit(self);
        self.0.truncate(length);
    }

    /// Visits a list's item.
    pub(super) fn visit_item(&mut self, index: usize, visit: impl FnOnce(&mut Self)) {
        let length = self.0.len();
        self.0.push_str(&format!("[{index}]"));
        visit(self);
        self.0.truncate(length);
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A value inside a generated type.
pub trait Part: Any + Clone + Debug + PartialEq + Serialize {
    /// What it is. All records have the same shape, and so have all enums and all unions of a side: what is done with them
    /// is written here, not generated for each.
    type Shape: Shape<Self>;
}

/// How values of a type are read, checked and searched for files. Here, and nowhere else, is decided what null and absence
/// mean.
pub trait Shape<T = Self> {
    /// Its fields, if it is a record.
    const FIELDS: Option<&'static [Field]> = None;

    /// The value that null is, where null has a meaning of its own.
    fn meant_null() -> Option<T> {
        None
    }

    /// What a field becomes that is not there; `None` where that is an error.
    fn missing(_mode: Mode) -> Option<T> {
        None
    }

    /// What a field becomes that is null: the same as an absent one, except for free-form values.
    fn null(mode: Mode) -> Option<T> {
        Self::missing(mode)
    }

    /// Whether the field stays off the wire.
    fn is_unset(_value: &T) -> bool {
        false
    }

    /// Reads a value.
    fn read<'de, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<T, D::Error>;

    /// What stands in a record for a field until it is read or set. It is never sent: the builder's type says which fields
    /// are set.
    fn blank() -> T;

    /// Reports what the schema does not allow, if it is of an input.
    fn validate(_value: &T, _at: &mut Validator, _rules: &'static [Rule]) {}

    /// Shows the files in it.
    fn files_mut(_value: &mut T, _at: &mut FieldPath, _visit: &mut dyn FnMut(&str, &mut FileInput)) {}
}

/// What stands in a record for a field until it is read or set.
pub fn blank<T: Part>() -> T {
    T::Shape::blank()
}

/// Reads a value.
pub fn read<'de, T: Part, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<T, D::Error> {
    T::Shape::read(deserializer, mode)
}

/// Reports what the schema does not allow.
pub fn validate<T: Part>(value: &T, at: &mut Validator, rules: &'static [Rule]) {
    T::Shape::validate(value, at, rules);
}

/// Shows the files in a part of an input.
pub fn files_mut<T: Part>(value: &mut T, at: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
    T::Shape::files_mut(value, at, visit);
}

/// Shows the files in an input, each with its path.
pub fn files_of<T: Part>(input: &mut T, visit: &mut dyn FnMut(&str, &mut FileInput)) {
    T::Shape::files_mut(input, &mut FieldPath::default(), visit);
}

/// Declares a record inside an input, with chained setters for its optional fields:
///
/// ```text
/// input_part! {
///     pub struct LoraWeight {
///         /// Where the weights are.
///         pub path: String,
///         /// How much weight they get.
///         pub scale: Option<f64> { set(maybe_scale: f64) rules(Minimum(Int(0)), Maximum(Int(4))) },
///     }
/// }
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __input_part {
    (
        $(#[doc = $doc:tt])*
        pub struct $record:ident {
            $(#[doc = $field_doc:tt] $(#[doc = $more_doc:tt])* pub $field:ident: $type:ty $({ $($mark:tt)* })?,)*
        }
    ) => {
        $(#[doc = $doc])*
        #[non_exhaustive]
        pub struct $record {
            $(#[doc = $field_doc] $(#[doc = $more_doc])* pub $field: $type,)*
        }

        $crate::__record! { Strict $record: RecordShape { $($field { $($($mark)*)? })* } }

        impl $record {
            $($crate::__setter! { [] [$field_doc $($more_doc)*] $field { $($($mark)*)? } })*
        }
    };
}

/// Sets an optional field.
pub fn set<T>(place: &mut Option<T>, value: impl Into<T>) {
    *place = Some(value.into());
}

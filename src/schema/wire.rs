use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde_json::Value;

use super::part::{FieldPath, Part, Shape};
use super::record::Field;
use super::validate::{Number, Rule, Validator};
use crate::files::FileInput;
use crate::protocol::LocSegment;

/// How forgiving reading is. It is chosen by the outermost type and holds for everything inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// For inputs: what the schema does not name is refused, what it requires must be there.
    Strict,
    /// For outputs, which are paid for: unknown fields are passed over, an absent list, map or string is empty.
    Lenient,
}

/// Reads a `T` in a mode.
pub(super) struct Seed<T> {
    mode: Mode,
    of: PhantomData<T>,
}

impl<T> Seed<T> {
    pub(super) fn new(mode: Mode) -> Self {
        Seed { mode, of: PhantomData }
    }
}

impl<'de, T: Part> DeserializeSeed<'de> for Seed<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::Shape::read(deserializer, self.mode)
    }
}

/// Reads a field of a record, which may be null.
pub(super) struct FieldSeed<T> {
    mode: Mode,
    of: PhantomData<T>,
}

impl<T> FieldSeed<T> {
    pub(super) fn new(mode: Mode) -> Self {
        FieldSeed { mode, of: PhantomData }
    }
}

impl<'de, T: Part> DeserializeSeed<'de> for FieldSeed<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, T: Part> Visitor<'de> for FieldSeed<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value other than null")
    }

    fn visit_none<E: Error>(self) -> Result<T, E> {
        T::Shape::null(self.mode).ok_or_else(|| E::invalid_type(Unexpected::Other("null"), &"a value"))
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        self.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::Shape::read(deserializer, self.mode)
    }
}

impl<T: Part> Part for Option<T> {
    type Shape = Self;
}

impl<T: Part> Shape for Option<T> {
    const FIELDS: Option<&'static [Field]> = T::Shape::FIELDS;

    fn missing(_mode: Mode) -> Option<Self> {
        Some(None)
    }

    fn null(_mode: Mode) -> Option<Self> {
        Some(T::Shape::meant_null())
    }

    fn is_unset(value: &Self) -> bool {
        value.is_none()
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<Self, D::Error> {
        struct OptionVisitor<T>(Seed<T>);

        impl<'de, T: Part> Visitor<'de> for OptionVisitor<T> {
            type Value = Option<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value or null")
            }

            fn visit_none<E: Error>(self) -> Result<Option<T>, E> {
                Ok(None)
            }

            fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
                Ok(None)
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
                self.0.deserialize(deserializer).map(Some)
            }
        }

        deserializer.deserialize_option(OptionVisitor(Seed::new(mode)))
    }

    fn blank() -> Self {
        None
    }

    fn validate(value: &Self, at: &mut Validator, rules: &'static [Rule]) {
        if let Some(value) = value {
            T::Shape::validate(value, at, rules);
        }
    }

    fn files_mut(value: &mut Self, at: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        if let Some(value) = value {
            T::Shape::files_mut(value, at, visit);
        }
    }
}

impl<T: Part> Part for Box<T> {
    type Shape = Self;
}

impl<T: Part> Shape for Box<T> {
    const FIELDS: Option<&'static [Field]> = T::Shape::FIELDS;

    fn missing(mode: Mode) -> Option<Self> {
        T::Shape::missing(mode).map(Box::new)
    }

    fn null(mode: Mode) -> Option<Self> {
        T::Shape::null(mode).map(Box::new)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<Self, D::Error> {
        T::Shape::read(deserializer, mode).map(Box::new)
    }

    fn blank() -> Self {
        Box::new(T::Shape::blank())
    }

    fn validate(value: &Self, at: &mut Validator, rules: &'static [Rule]) {
        T::Shape::validate(value, at, rules);
    }

    fn files_mut(value: &mut Self, at: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        T::Shape::files_mut(value, at, visit);
    }
}

/// The rules for the items inside a list's or map's rules.
fn item_rules(rules: &'static [Rule]) -> &'static [Rule] {
    rules.iter().find_map(|rule| if let Rule::Items(rules) = rule { Some(*rules) } else { None }).unwrap_or(&[])
}

impl<T: Part> Part for Vec<T> {
    type Shape = Self;
}

impl<T: Part> Shape for Vec<T> {
    fn missing(mode: Mode) -> Option<Self> {
        (mode == Mode::Lenient).then(Vec::new)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<Self, D::Error> {
        struct ListVisitor<T>(Mode, PhantomData<T>);

        impl<'de, T: Part> Visitor<'de> for ListVisitor<T> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element_seed(Seed::new(self.0))? {
                    list.push(item);
                }
                Ok(list)
            }
        }

        deserializer.deserialize_seq(ListVisitor(mode, PhantomData))
    }

    fn blank() -> Self {
        Vec::new()
    }

    fn validate(list: &Self, at: &mut Validator, rules: &'static [Rule]) {
        at.list(list, rules);
        for (index, item) in list.iter().enumerate() {
            at.step(LocSegment::Index(index as u64), |at| T::Shape::validate(item, at, item_rules(rules)));
        }
    }

    fn files_mut(list: &mut Self, at: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        for (index, item) in list.iter_mut().enumerate() {
            at.visit_item(index, |at| T::Shape::files_mut(item, at, visit));
        }
    }
}

impl<T: Part> Part for BTreeMap<String, T> {
    type Shape = Self;
}

impl<T: Part> Shape for BTreeMap<String, T> {
    fn missing(mode: Mode) -> Option<Self> {
        (mode == Mode::Lenient).then(BTreeMap::new)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<Self, D::Error> {
        struct MapVisitor<T>(Mode, PhantomData<T>);

        impl<'de, T: Part> Visitor<'de> for MapVisitor<T> {
            type Value = BTreeMap<String, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
                let mut map = BTreeMap::new();
                while let Some(key) = entries.next_key::<String>()? {
                    map.insert(key, entries.next_value_seed(Seed::new(self.0))?);
                }
                Ok(map)
            }
        }

        deserializer.deserialize_map(MapVisitor(mode, PhantomData))
    }

    fn blank() -> Self {
        BTreeMap::new()
    }

    fn validate(map: &Self, at: &mut Validator, rules: &'static [Rule]) {
        for (key, value) in map {
            at.step(LocSegment::Key(key.clone()), |at| T::Shape::validate(value, at, item_rules(rules)));
        }
    }

    fn files_mut(map: &mut Self, at: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        for (key, value) in map {
            at.visit_field(key, |at| T::Shape::files_mut(value, at, visit));
        }
    }
}

impl Part for String {
    type Shape = Self;
}

impl Shape for String {
    fn missing(mode: Mode) -> Option<Self> {
        (mode == Mode::Lenient).then(String::new)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D, _mode: Mode) -> Result<Self, D::Error> {
        String::deserialize(deserializer)
    }

    fn blank() -> Self {
        String::new()
    }

    fn validate(value: &Self, at: &mut Validator, rules: &'static [Rule]) {
        at.text(value, rules);
    }
}

impl Part for bool {
    type Shape = Self;
}

impl Shape for bool {
    fn read<'de, D: Deserializer<'de>>(deserializer: D, _mode: Mode) -> Result<Self, D::Error> {
        bool::deserialize(deserializer)
    }

    fn blank() -> Self {
        false
    }

    fn validate(value: &Self, at: &mut Validator, rules: &'static [Rule]) {
        at.truth(*value, rules);
    }
}

impl Part for f64 {
    type Shape = Self;
}

impl Shape for f64 {
    fn read<'de, D: Deserializer<'de>>(deserializer: D, _mode: Mode) -> Result<Self, D::Error> {
        f64::deserialize(deserializer)
    }

    fn blank() -> Self {
        0.0
    }

    fn validate(value: &Self, at: &mut Validator, rules: &'static [Rule]) {
        at.number(Number::Float(*value), rules);
    }
}

impl Part for Value {
    type Shape = Self;
}

/// A free-form value is taken as it is: its nulls mean something and are kept.
impl Shape for Value {
    fn missing(mode: Mode) -> Option<Self> {
        (mode == Mode::Lenient).then_some(Value::Null)
    }

    fn null(_mode: Mode) -> Option<Self> {
        Some(Value::Null)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D, _mode: Mode) -> Result<Self, D::Error> {
        Value::deserialize(deserializer)
    }

    fn blank() -> Self {
        Value::Null
    }
}

/// Integers, which JSON may write as `3.0` or `-0`.
macro_rules! integer {
    ($($integer:ident $name:literal),*) => {$(
        impl Part for $integer {
            type Shape = Self;
        }

        impl Shape for $integer {
            fn read<'de, D: Deserializer<'de>>(deserializer: D, _mode: Mode) -> Result<Self, D::Error> {
                struct IntegerVisitor;

                impl Visitor<'_> for IntegerVisitor {
                    type Value = $integer;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($name)
                    }

                    fn visit_i64<E: Error>(self, value: i64) -> Result<$integer, E> {
                        $integer::try_from(value).map_err(|_| E::invalid_value(Unexpected::Signed(value), &self))
                    }

                    fn visit_u64<E: Error>(self, value: u64) -> Result<$integer, E> {
                        $integer::try_from(value).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
                    }

                    fn visit_f64<E: Error>(self, value: f64) -> Result<$integer, E> {
                        // The upper end is exclusive: `MAX as f64` rounds up to a power of two that does not fit.
                        let fits = value >= $integer::MIN as f64 && value < $integer::MAX as f64;
                        if fits && value.fract() == 0.0 {
                            Ok(value as $integer)
                        } else {
                            Err(E::invalid_value(Unexpected::Float(value), &self))
                        }
                    }
                }

                deserializer.deserialize_any(IntegerVisitor)
            }

            fn blank() -> Self {
                0
            }

            fn validate(value: &Self, at: &mut Validator, rules: &'static [Rule]) {
                at.number(Number::Int(i128::from(*value)), rules);
            }
        }
    )*};
}

integer!(i64 "an integer", i128 "an integer");

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde_json::Value;

use super::field_path::FieldPath;
use super::mode::Mode;
use super::record::FieldInfo;
use super::rules::{Number, Rule};
use super::shape::{SchemaType, Shape};
use super::union::Kind;
use super::validator::Validator;
use crate::files::FileInput;
use crate::protocol::LocSegment;

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

impl<'de, T: SchemaType> DeserializeSeed<'de> for Seed<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::Shape::read(deserializer, self.mode)
    }
}

/// Reads a field of a record; the value may be null.
pub(super) struct FieldSeed<T> {
    mode: Mode,
    of: PhantomData<T>,
}

impl<T> FieldSeed<T> {
    pub(super) fn new(mode: Mode) -> Self {
        FieldSeed { mode, of: PhantomData }
    }
}

impl<'de, T: SchemaType> DeserializeSeed<'de> for FieldSeed<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, T: SchemaType> Visitor<'de> for FieldSeed<T> {
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

impl<T: SchemaType> SchemaType for Option<T> {
    type Shape = Self;
}

impl<T: SchemaType> Shape for Option<T> {
    const KIND: Kind = T::Shape::KIND;
    const FIELDS: Option<&'static [FieldInfo]> = T::Shape::FIELDS;

    fn missing(_mode: Mode) -> Option<Self> {
        Some(None)
    }

    fn null(_mode: Mode) -> Option<Self> {
        Some(T::Shape::explicit_null())
    }

    fn is_unset(value: &Self) -> bool {
        value.is_none()
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<Self, D::Error> {
        struct OptionVisitor<T>(Seed<T>);

        impl<'de, T: SchemaType> Visitor<'de> for OptionVisitor<T> {
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

    fn validate(value: &Self, validator: &mut Validator, rules: &'static [Rule]) {
        if let Some(value) = value {
            T::Shape::validate(value, validator, rules);
        }
    }

    fn visit_files(value: &mut Self, path: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        if let Some(value) = value {
            T::Shape::visit_files(value, path, visit);
        }
    }
}

impl<T: SchemaType> SchemaType for Box<T> {
    type Shape = Self;
}

impl<T: SchemaType> Shape for Box<T> {
    const KIND: Kind = T::Shape::KIND;
    const FIELDS: Option<&'static [FieldInfo]> = T::Shape::FIELDS;

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

    fn validate(value: &Self, validator: &mut Validator, rules: &'static [Rule]) {
        T::Shape::validate(value, validator, rules);
    }

    fn visit_files(value: &mut Self, path: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        T::Shape::visit_files(value, path, visit);
    }
}

/// Returns the rules for the items among the rules of an array or a map.
fn item_rules(rules: &'static [Rule]) -> &'static [Rule] {
    rules.iter().find_map(|rule| if let Rule::Items(rules) = rule { Some(*rules) } else { None }).unwrap_or(&[])
}

impl<T: SchemaType> SchemaType for Vec<T> {
    type Shape = Self;
}

impl<T: SchemaType> Shape for Vec<T> {
    const KIND: Kind = Kind::Array;

    fn missing(mode: Mode) -> Option<Self> {
        (mode == Mode::Lenient).then(Vec::new)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<Self, D::Error> {
        struct ListVisitor<T>(Mode, PhantomData<T>);

        impl<'de, T: SchemaType> Visitor<'de> for ListVisitor<T> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
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

    fn validate(list: &Self, validator: &mut Validator, rules: &'static [Rule]) {
        validator.array(list, rules);
        for (index, item) in list.iter().enumerate() {
            validator.step(LocSegment::Index(index as u64), |validator| {
                T::Shape::validate(item, validator, item_rules(rules));
            });
        }
    }

    fn visit_files(list: &mut Self, path: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        for (index, item) in list.iter_mut().enumerate() {
            path.visit_item(index, |path| T::Shape::visit_files(item, path, visit));
        }
    }
}

impl<T: SchemaType> SchemaType for BTreeMap<String, T> {
    type Shape = Self;
}

impl<T: SchemaType> Shape for BTreeMap<String, T> {
    const KIND: Kind = Kind::Object;

    fn missing(mode: Mode) -> Option<Self> {
        (mode == Mode::Lenient).then(BTreeMap::new)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<Self, D::Error> {
        struct MapVisitor<T>(Mode, PhantomData<T>);

        impl<'de, T: SchemaType> Visitor<'de> for MapVisitor<T> {
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

    fn validate(map: &Self, validator: &mut Validator, rules: &'static [Rule]) {
        for (key, value) in map {
            validator.step(LocSegment::Key(key.clone()), |validator| {
                T::Shape::validate(value, validator, item_rules(rules));
            });
        }
    }

    fn visit_files(map: &mut Self, path: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        for (key, value) in map {
            path.visit_field(key, |path| T::Shape::visit_files(value, path, visit));
        }
    }
}

impl SchemaType for String {
    type Shape = Self;
}

impl Shape for String {
    const KIND: Kind = Kind::String;

    fn missing(mode: Mode) -> Option<Self> {
        (mode == Mode::Lenient).then(String::new)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D, _mode: Mode) -> Result<Self, D::Error> {
        String::deserialize(deserializer)
    }

    fn blank() -> Self {
        String::new()
    }

    fn validate(value: &Self, validator: &mut Validator, rules: &'static [Rule]) {
        validator.string(value, rules);
    }
}

impl SchemaType for bool {
    type Shape = Self;
}

impl Shape for bool {
    const KIND: Kind = Kind::Boolean;

    fn read<'de, D: Deserializer<'de>>(deserializer: D, _mode: Mode) -> Result<Self, D::Error> {
        bool::deserialize(deserializer)
    }

    fn blank() -> Self {
        false
    }

    fn validate(value: &Self, validator: &mut Validator, rules: &'static [Rule]) {
        validator.boolean(*value, rules);
    }
}

impl SchemaType for f64 {
    type Shape = Self;
}

impl Shape for f64 {
    const KIND: Kind = Kind::Number;

    fn read<'de, D: Deserializer<'de>>(deserializer: D, _mode: Mode) -> Result<Self, D::Error> {
        f64::deserialize(deserializer)
    }

    fn blank() -> Self {
        0.0
    }

    fn validate(value: &Self, validator: &mut Validator, rules: &'static [Rule]) {
        validator.number(Number::Float(*value), rules);
    }
}

impl SchemaType for Value {
    type Shape = Self;
}

/// A free-form value is kept as it is, nulls included.
impl Shape for Value {
    const KIND: Kind = Kind::Object;

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

/// Implements the traits for an integer, which JSON may write as `3.0` or `-0`.
macro_rules! integer {
    ($($integer:ident $name:literal),*) => {$(
        impl SchemaType for $integer {
            type Shape = Self;
        }

        impl Shape for $integer {
            const KIND: Kind = Kind::Number;

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

            fn validate(value: &Self, validator: &mut Validator, rules: &'static [Rule]) {
                validator.number(Number::Int(i128::from(*value)), rules);
            }
        }
    )*};
}

integer!(i64 "an integer", i128 "an integer");

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};

use super::mode::Mode;
use super::scalar::Scalar;
use super::shape::{Read, SchemaType, Shape};

/// The shape of a type that is an array or an object in JSON.
pub(super) trait Compound<T>: Shape<T> {
    /// Reads an array.
    fn from_array<'de, A: SeqAccess<'de>>(items: A, mode: Mode) -> Result<Read<T>, A::Error>;

    /// Reads an object.
    fn from_object<'de, A: MapAccess<'de>>(object: A, mode: Mode) -> Result<Read<T>, A::Error>;
}

/// Reads an array or an object.
pub(super) fn read_compound<'de, T, D>(deserializer: D, mode: Mode) -> Result<Read<T>, D::Error>
where
    T: SchemaType<Shape: Compound<T>>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(CompoundVisitor { mode, of: PhantomData })
}

/// Passes over an array in the place of an object.
pub(super) fn odd_array<'de, T, A: SeqAccess<'de>>(mut items: A, mode: Mode, of: &str) -> Result<Read<T>, A::Error> {
    if mode.is_strict() {
        return Err(A::Error::invalid_type(Unexpected::Seq, &of));
    }
    while items.next_element::<IgnoredAny>()?.is_some() {}
    Ok(Read::Odd)
}

/// Reads a value inside an array or an object.
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
    type Value = Read<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Read<T>, D::Error> {
        T::Shape::read(deserializer, self.mode)
    }
}

struct CompoundVisitor<T> {
    mode: Mode,
    of: PhantomData<T>,
}

impl<T: SchemaType> CompoundVisitor<T> {
    fn scalar<E: Error>(self, scalar: &Scalar<'_>) -> Result<Read<T>, E> {
        match self.mode {
            Mode::Strict => Err(E::invalid_type(scalar.unexpected(), &T::Shape::EXPECTED)),
            mode => Ok(T::Shape::from_scalar(scalar, mode).into()),
        }
    }
}

impl<'de, T: SchemaType<Shape: Compound<T>>> Visitor<'de> for CompoundVisitor<T> {
    type Value = Read<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::Shape::EXPECTED)
    }

    fn visit_unit<E: Error>(self) -> Result<Read<T>, E> {
        Ok(Read::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Read<T>, E> {
        self.scalar(&Scalar::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Read<T>, E> {
        self.scalar(&Scalar::Integer(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Read<T>, E> {
        self.scalar(&Scalar::Integer(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Read<T>, E> {
        self.scalar(&Scalar::Float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Read<T>, E> {
        self.scalar(&Scalar::Text(Cow::Borrowed(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Read<T>, A::Error> {
        T::Shape::from_array(items, self.mode)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Read<T>, A::Error> {
        T::Shape::from_object(object, self.mode)
    }
}

//! The visitor that reads a value into its place, and its use inside arrays and objects.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};

use super::mode::Mode;
use super::scalar::Scalar;
use super::shape::{Read, SchemaType, Shape};

/// Passes over an array in the place of an object.
pub(super) fn odd_array<'de, A: SeqAccess<'de>>(mut items: A, mode: Mode, of: &str) -> Result<Read, A::Error> {
    if mode.is_strict() {
        return Err(A::Error::invalid_type(Unexpected::Seq, &of));
    }
    while items.next_element::<IgnoredAny>()?.is_some() {}
    Ok(Read::Odd)
}

/// Reads a value inside an array or an object.
pub(super) struct Seed<'a, T> {
    place: &'a mut T,
    mode: Mode,
}

impl<'a, T> Seed<'a, T> {
    pub(super) fn new(place: &'a mut T, mode: Mode) -> Self {
        Seed { place, mode }
    }
}

impl<'de, T: SchemaType> DeserializeSeed<'de> for Seed<'_, T> {
    type Value = Read;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Read, D::Error> {
        T::Shape::read(self.place, deserializer, self.mode)
    }
}

/// Reads whatever value is there into its place.
pub(super) struct ValueVisitor<'a, T, S: ?Sized> {
    place: &'a mut T,
    mode: Mode,
    shape: PhantomData<fn(&S)>,
}

impl<'a, T, S: Shape<T> + ?Sized> ValueVisitor<'a, T, S> {
    pub(super) fn new(place: &'a mut T, mode: Mode) -> Self {
        ValueVisitor { place, mode, shape: PhantomData }
    }

    fn scalar<E: Error>(self, scalar: &Scalar<'_>) -> Result<Read, E> {
        set::<T, S, E>(self.place, scalar, self.mode)
    }
}

/// Sets a place to a value that is converted to its type.
pub(super) fn set<T, S: Shape<T> + ?Sized, E: Error>(
    place: &mut T,
    scalar: &Scalar<'_>,
    mode: Mode,
) -> Result<Read, E> {
    match S::from_scalar(scalar, mode) {
        Some(value) => {
            *place = value;
            Ok(Read::Value(()))
        }
        None if mode.is_strict() => Err(E::invalid_type(scalar.unexpected(), &S::EXPECTED)),
        None => Ok(Read::Odd),
    }
}

impl<'de, T, S: Shape<T> + ?Sized> Visitor<'de> for ValueVisitor<'_, T, S> {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(S::EXPECTED)
    }

    fn visit_unit<E: Error>(self) -> Result<Read, E> {
        Ok(Read::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Read, E> {
        self.scalar(&Scalar::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Read, E> {
        self.scalar(&Scalar::Integer(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Read, E> {
        self.scalar(&Scalar::Integer(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Read, E> {
        self.scalar(&Scalar::Float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Read, E> {
        self.scalar(&Scalar::Text(Cow::Borrowed(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Read, A::Error> {
        S::from_array(self.place, items, self.mode)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Read, A::Error> {
        S::from_object(self.place, object, self.mode)
    }
}

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How forgiving reading is. It is chosen by the outermost type and holds for everything inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// For inputs: what the schema does not name is refused, what it requires must be there.
    Strict,
    /// For outputs, which are paid for: unknown fields are passed over, an absent list, map or string is empty.
    Lenient,
}

/// How a field of a generated type travels as JSON. Here, and nowhere else, is decided what null and absence mean.
pub trait Wire: Sized + Serialize {
    /// The names of its fields, if it is a record.
    const NAMES: Option<&'static [&'static str]> = None;

    /// The value that null is, where null has a meaning of its own.
    fn meant_null() -> Option<Self> {
        None
    }

    /// What a field becomes that is not there; `None` where that is an error.
    fn missing(_mode: Mode) -> Option<Self> {
        None
    }

    /// What a field becomes that is null: the same as an absent one, except for free-form values.
    fn null(mode: Mode) -> Option<Self> {
        Self::missing(mode)
    }

    /// Whether the field stays off the wire.
    fn is_unset(&self) -> bool {
        false
    }

    /// Reads a value.
    fn read<'de, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<Self, D::Error>;
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

impl<'de, T: Wire> DeserializeSeed<'de> for Seed<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::read(deserializer, self.mode)
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

impl<'de, T: Wire> DeserializeSeed<'de> for FieldSeed<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, T: Wire> Visitor<'de> for FieldSeed<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value other than null")
    }

    fn visit_none<E: Error>(self) -> Result<T, E> {
        T::null(self.mode).ok_or_else(|| E::invalid_type(Unexpected::Other("null"), &"a value"))
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        self.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::read(deserializer, self.mode)
    }
}

impl<T: Wire> Wire for Option<T> {
    const NAMES: Option<&'static [&'static str]> = T::NAMES;

    fn missing(_mode: Mode) -> Option<Self> {
        Some(None)
    }

    fn null(_mode: Mode) -> Option<Self> {
        Some(T::meant_null())
    }

    fn is_unset(&self) -> bool {
        self.is_none()
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<Self, D::Error> {
        struct OptionVisitor<T>(Seed<T>);

        impl<'de, T: Wire> Visitor<'de> for OptionVisitor<T> {
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
}

impl<T: Wire> Wire for Box<T> {
    const NAMES: Option<&'static [&'static str]> = T::NAMES;

    fn missing(mode: Mode) -> Option<Self> {
        T::missing(mode).map(Box::new)
    }

    fn null(mode: Mode) -> Option<Self> {
        T::null(mode).map(Box::new)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<Self, D::Error> {
        T::read(deserializer, mode).map(Box::new)
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn missing(mode: Mode) -> Option<Self> {
        (mode == Mode::Lenient).then(Vec::new)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<Self, D::Error> {
        struct ListVisitor<T>(Mode, PhantomData<T>);

        impl<'de, T: Wire> Visitor<'de> for ListVisitor<T> {
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
}

impl<T: Wire> Wire for BTreeMap<String, T> {
    fn missing(mode: Mode) -> Option<Self> {
        (mode == Mode::Lenient).then(BTreeMap::new)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<Self, D::Error> {
        struct MapVisitor<T>(Mode, PhantomData<T>);

        impl<'de, T: Wire> Visitor<'de> for MapVisitor<T> {
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
}

impl Wire for String {
    fn missing(mode: Mode) -> Option<Self> {
        (mode == Mode::Lenient).then(String::new)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D, _mode: Mode) -> Result<Self, D::Error> {
        String::deserialize(deserializer)
    }
}

impl Wire for bool {
    fn read<'de, D: Deserializer<'de>>(deserializer: D, _mode: Mode) -> Result<Self, D::Error> {
        bool::deserialize(deserializer)
    }
}

impl Wire for f64 {
    fn read<'de, D: Deserializer<'de>>(deserializer: D, _mode: Mode) -> Result<Self, D::Error> {
        f64::deserialize(deserializer)
    }
}

/// A free-form value: its nulls mean something and are kept.
impl Wire for Value {
    fn missing(mode: Mode) -> Option<Self> {
        (mode == Mode::Lenient).then_some(Value::Null)
    }

    fn null(_mode: Mode) -> Option<Self> {
        Some(Value::Null)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D, _mode: Mode) -> Result<Self, D::Error> {
        Value::deserialize(deserializer)
    }
}

/// Integers, which JSON may write as `3.0` or `-0`.
macro_rules! integer {
    ($($integer:ident $name:literal),*) => {$(
        impl Wire for $integer {
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
        }
    )*};
}

integer!(i64 "an integer", i128 "an integer");

//! The shapes of arrays and maps.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, SeqAccess, Unexpected};
use serde_json::{Map, Value};

use super::any_field::AnyField;
use super::field_path::FieldPath;
use super::mode::Mode;
use super::node::{Node, Parts};
use super::reading::{Seed, odd_array};
use super::report;
use super::rules::Rule;
use super::scalar::Scalar;
use super::shape::{Read, SchemaType, Shape};
use super::union::Kind;
use super::validator::{Step, Validator};
use crate::files::FileInput;

/// Returns the rules for the items among the rules of an array or a map.
fn item_rules(rules: &'static [Rule]) -> &'static [Rule] {
    rules.iter().find_map(|rule| if let Rule::Items(rules) = rule { Some(*rules) } else { None }).unwrap_or(&[])
}

impl<T: SchemaType> SchemaType for Vec<T> {
    type Shape = Self;
    type Accepts = Self;
}

impl<T: SchemaType> Shape for Vec<T> {
    const KIND: Kind = Kind::Array;
    const HAS_OBJECTS: bool = T::Shape::HAS_OBJECTS;
    const HAS_FILES: bool = T::Shape::HAS_FILES;
    const EXPECTED: &'static str = "an array";

    fn missing(mode: Mode) -> Option<Self> {
        (!mode.is_strict()).then(Vec::new)
    }

    /// A single value stands for an array of one.
    fn from_scalar(scalar: &Scalar<'_>, mode: Mode) -> Option<Self> {
        if mode.is_strict() { None } else { T::Shape::from_scalar(scalar, mode).map(|item| vec![item]) }
    }

    fn blank() -> Self {
        Vec::new()
    }

    fn validate(list: &Self, validator: &mut Validator, rules: &'static [Rule]) {
        validator.array(list, rules);
        for (index, item) in list.iter().enumerate() {
            validator.step(Step::Index(index as u64), |validator| {
                T::Shape::validate(item, validator, item_rules(rules));
            });
        }
    }

    fn node(list: &Self) -> Node<'_> {
        // Many numbers have no files.
        if T::Shape::KIND == Kind::Number {
            return Node(Parts::Other);
        }
        let items = list.iter().map(|item| item as &dyn AnyField).collect();
        Node(Parts::List { items, has_gaps: T::Shape::gap().is_none() })
    }

    fn visit_files(list: &mut Self, path: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        for (index, item) in list.iter_mut().enumerate() {
            path.visit_item(index, |path| T::Shape::visit_files(item, path, visit));
        }
    }

    fn from_array<'de, A: SeqAccess<'de>>(list: &mut Self, mut items: A, mode: Mode) -> Result<Read, A::Error> {
        let mode = mode.inner();
        let (mut index, start) = (0_usize, report::mark());
        // Numbers and booleans without one are kept together only if all can be read, because their positions matter.
        let mut is_whole = true;
        loop {
            let (before, mut item) = (report::mark(), T::Shape::blank());
            match items.next_element_seed(Seed::new(&mut item, mode))? {
                None => break,
                Some(Read::Value(())) => {
                    report::prepend(before, || format!("[{index}]"));
                    list.push(item);
                }
                Some(Read::Null) if mode.is_strict() => {
                    let null = T::Shape::null(mode);
                    list.push(
                        null.ok_or_else(|| A::Error::invalid_type(Unexpected::Other("null"), &T::Shape::EXPECTED))?,
                    );
                }
                Some(odd) => {
                    let gap = T::Shape::gap();
                    if gap.is_none() || odd == Read::Odd {
                        report::replace(before, format!("[{index}]"));
                    }
                    is_whole &= gap.is_some() || !matches!(T::Shape::KIND, Kind::Number | Kind::Boolean);
                    list.extend(gap);
                }
            }
            index += 1;
        }
        if is_whole && (index == 0 || !list.is_empty()) {
            return Ok(Read::Value(()));
        }
        report::forget(start);
        Ok(Read::Odd)
    }

    /// An object whose keys are numbers stands for the array of its values, any other object for an array of one.
    fn from_object<'de, A: MapAccess<'de>>(list: &mut Self, object: A, mode: Mode) -> Result<Read, A::Error> {
        if mode.is_strict() {
            return Err(A::Error::invalid_type(Unexpected::Map, &Self::EXPECTED));
        }
        let object = Map::deserialize(MapAccessDeserializer::new(object))?;
        let object = match numbered(object) {
            Ok(items) => return reread(list, Value::Array(items), mode),
            Err(object) => object,
        };
        let before = report::mark();
        let mut item = T::Shape::blank();
        let read = reread(&mut item, Value::Object(object), mode.inner())?;
        report::prepend(before, || "[0]".to_owned());
        Ok(read.map(|()| list.push(item)))
    }
}

/// Returns the values of an object by their numbers if all keys are numbers, and the object otherwise.
fn numbered(object: Map<String, Value>) -> Result<Vec<Value>, Map<String, Value>> {
    if object.is_empty() || object.keys().any(|key| key.parse::<u64>().is_err()) {
        return Err(object);
    }
    let mut items: Vec<(String, Value)> = object.into_iter().collect();
    items.sort_by_cached_key(|(key, _)| key.parse::<u64>().ok());
    Ok(items.into_iter().map(|(_, item)| item).collect())
}

/// Reads a value that was read as JSON first. It is read from text, as all outputs are, so that the reader of a type is not
/// compiled again for values.
fn reread<T: SchemaType, E: Error>(place: &mut T, value: Value, mode: Mode) -> Result<Read, E> {
    let json = value.to_string();
    // The values in it may be read in the same way, and each would still be in memory.
    drop(value);
    T::Shape::read(place, &mut serde_json::Deserializer::from_str(&json), mode).map_err(E::custom)
}

impl<T: SchemaType> SchemaType for BTreeMap<String, T> {
    type Shape = Self;
    type Accepts = Self;
}

impl<T: SchemaType> Shape for BTreeMap<String, T> {
    const KIND: Kind = Kind::Object;
    const HAS_OBJECTS: bool = T::Shape::HAS_OBJECTS;
    const HAS_FILES: bool = T::Shape::HAS_FILES;
    const EXPECTED: &'static str = "an object";

    fn missing(mode: Mode) -> Option<Self> {
        (!mode.is_strict()).then(BTreeMap::new)
    }

    fn from_scalar(_scalar: &Scalar<'_>, _mode: Mode) -> Option<Self> {
        None
    }

    fn blank() -> Self {
        BTreeMap::new()
    }

    fn validate(map: &Self, validator: &mut Validator, rules: &'static [Rule]) {
        for (key, value) in map {
            validator.step(Step::Key(key.clone()), |validator| {
                T::Shape::validate(value, validator, item_rules(rules));
            });
        }
    }

    fn node(map: &Self) -> Node<'_> {
        let fields = map.iter().map(|(key, value)| (key.as_str(), value as &dyn AnyField)).collect();
        Node(Parts::Object { of: None, fields })
    }

    fn visit_files(map: &mut Self, path: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        for (key, value) in map {
            path.visit_field(key, |path| T::Shape::visit_files(value, path, visit));
        }
    }

    fn from_array<'de, A: SeqAccess<'de>>(_map: &mut Self, items: A, mode: Mode) -> Result<Read, A::Error> {
        odd_array(items, mode, Self::EXPECTED)
    }

    fn from_object<'de, A: MapAccess<'de>>(map: &mut Self, mut object: A, mode: Mode) -> Result<Read, A::Error> {
        let mode = mode.inner();
        let (mut is_empty, start) = (true, report::mark());
        while let Some(key) = object.next_key::<String>()? {
            is_empty = false;
            let (before, mut value) = (report::mark(), T::Shape::blank());
            let (value, is_odd) = match object.next_value_seed(Seed::new(&mut value, mode))? {
                Read::Value(()) => (Some(value), false),
                Read::Null => (T::Shape::null(mode), false),
                Read::Odd => (T::Shape::missing(mode), true),
            };
            if value.is_none() && mode.is_strict() {
                return Err(A::Error::invalid_type(Unexpected::Other("null"), &T::Shape::EXPECTED));
            }
            if value.is_none() || is_odd {
                report::replace(before, key.clone());
            } else {
                report::prepend(before, || key.clone());
            }
            map.extend(value.map(|value| (key, value)));
        }
        if is_empty || !map.is_empty() {
            return Ok(Read::Value(()));
        }
        report::forget(start);
        Ok(Read::Odd)
    }
}

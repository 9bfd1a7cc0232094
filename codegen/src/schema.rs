//! Helpers for reading a JSON Schema, shared by the stages that do.

use std::collections::BTreeMap;

use fal_documents::component;
use serde_json::{Map, Value};

/// Marks a schema that allows null, after normalisation.
pub(crate) const NULLABLE: &str = "nullable";

/// Marks a property that appears in an example but in no schema.
pub(crate) const UNDECLARED: &str = "x-undeclared";

/// Lists the components that a schema refers to and the document does not have.
pub(crate) const MISSING: &str = "x-missing";

/// Counts the values of an enum that has too many of them. It replaces the enum.
pub(crate) const TOO_MANY_VALUES: &str = "x-too-many-values";

/// The most values of an enum. The longest known one has some hundreds.
pub(crate) const MAX_VALUES: usize = 4_096;

/// Returns the component that a `$ref` names.
pub(crate) fn reference(schema: &Value) -> Option<&str> {
    Some(component(schema.get("$ref")?.as_str()?))
}

/// Returns the fields that an object schema declares, if it declares any.
pub(crate) fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema.get("properties").and_then(Value::as_object).filter(|properties| !properties.is_empty())
}

/// Returns the values of a non-empty `enum`.
pub(crate) fn enum_values(schema: &Value) -> Option<&[Value]> {
    schema.get("enum").and_then(Value::as_array).map(Vec::as_slice).filter(|values| !values.is_empty())
}

/// Returns the strings in an array, or nothing where there is no array.
pub(crate) fn strings(array: Option<&Value>) -> Vec<&str> {
    array.and_then(Value::as_array).map(|array| array.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}

/// Returns an object schema's properties in the order that fal displays them.
///
/// Properties without a stated position come last: required ones first, in the order of `required`, then the others by name.
pub(crate) fn in_order<'a>(schema: &'a Value, required: &[&'a str]) -> Vec<(&'a str, &'a Value)> {
    let positions = |names: &[&'a str]| -> BTreeMap<&'a str, usize> {
        names.iter().enumerate().rev().map(|(index, name)| (*name, index)).collect()
    };
    let (stated, required) = (positions(&strings(schema.get("x-fal-order-properties"))), positions(required));
    let position = |positions: &BTreeMap<&str, usize>, name: &str| positions.get(name).copied().unwrap_or(usize::MAX);
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::iter);
    let mut properties: Vec<(&str, &Value)> = properties.map(|(name, property)| (name.as_str(), property)).collect();
    properties.sort_by_key(|(name, _)| (position(&stated, name), position(&required, name), *name));
    properties
}

/// Returns true if the bounds of an integer allow values beyond `i64`.
pub(crate) fn is_beyond_i64(schema: &Value) -> bool {
    let is_large = |bound: &Value| bound.as_f64() >= Some(i64::MAX as f64);
    let bounds = ["maximum", "exclusiveMaximum"].iter().filter_map(|key| schema.get(key));
    bounds.chain(enum_values(schema).unwrap_or_default()).any(is_large)
}

//! A field's own default and examples. They are accepted even where they break the field's other rules, because fal itself
//! writes them down.

use serde_json::Value;

use super::walk::Walk;
use super::{file_limits, media, rules};
use crate::model::{Number, Rule};
use crate::schema::{enum_values, properties, reference, strings};

/// The most examples of a field that are looked at.
const MAX_EXAMPLES: usize = 32;

/// The longest value that a rule has, in bytes of JSON.
const MAX_VALUE: usize = 4_096;

/// Values nested deeper than this are not looked at.
const MAX_DEPTH: usize = 8;

/// The relation of a value to a schema, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// The value obeys all rules.
    Obeys,
    /// The value has the type, but breaks a rule.
    Breaks,
    /// No value of the generated type is written like this.
    OtherType,
}

impl Fit {
    fn of(obeys: bool) -> Self {
        if obeys { Fit::Obeys } else { Fit::Breaks }
    }
}

impl<'a> Walk<'a> {
    /// Returns the default and the examples of a property that break its rules, as a rule that accepts them.
    pub(super) fn accepted(&mut self, wire: &str, property: &'a Value) -> Option<Rule> {
        let examples = property.get("examples").and_then(Value::as_array).into_iter().flatten().take(MAX_EXAMPLES);
        let values = property.get("default").into_iter().chain(property.get("example")).chain(examples);
        let mut accepted: Vec<String> = Vec::new();
        for value in values.filter(|value| !value.is_null()) {
            if !self.spend_on_use(property) {
                break;
            }
            let text = value.to_string();
            if text.len() <= MAX_VALUE
                && !accepted.contains(&text)
                && self.fit(wire, property, value, MAX_DEPTH) == Fit::Breaks
            {
                accepted.push(text);
            }
        }
        (!accepted.is_empty()).then_some(Rule::Accepts(accepted))
    }

    fn fit(&self, wire: &str, property: &'a Value, value: &Value, depth: usize) -> Fit {
        let takes_files = media::is_file(wire, property) || media::takes_files(wire, property);
        self.fit_to(property, value, takes_files, depth)
    }

    fn fit_to(&self, schema: &'a Value, value: &Value, takes_files: bool, depth: usize) -> Fit {
        // Any schema around a size may have limits of it.
        let size = Fit::of(is_size_within(&file_limits::of_image_size(schema), value));
        size.max(self.fit_to_type(schema, value, takes_files, depth))
    }

    fn fit_to_type(&self, schema: &'a Value, value: &Value, takes_files: bool, depth: usize) -> Fit {
        let Some(depth) = depth.checked_sub(1) else { return Fit::Obeys };
        if reference(schema).is_some() {
            let Some(target) = self.resolve(schema) else { return Fit::Obeys };
            let beside = match rules::number(value) {
                Some(number) => Fit::of(holds(&rules::of_number(schema), number)),
                None => Fit::Obeys,
            };
            return self.fit_to(target, value, takes_files, depth).max(beside);
        }
        if let Some(members) = schema.get("anyOf").and_then(Value::as_array) {
            let fits = members.iter().map(|member| self.fit_to(member, value, takes_files, depth));
            return fits.min().unwrap_or(Fit::Obeys);
        }
        let items = |list: &[Value]| {
            let fits = list.iter().map(|item| {
                schema.get("items").map_or(Fit::Obeys, |items| self.fit_to(items, item, takes_files, depth))
            });
            fits.max().unwrap_or(Fit::Obeys)
        };
        match (schema.get("type").and_then(Value::as_str), value) {
            (Some("string"), Value::String(text)) => match enum_values(schema) {
                Some(values) => Fit::of(values.contains(value)),
                None => Fit::of(is_text(&rules::of_string(schema), text) && (!takes_files || is_url(text))),
            },
            (Some("boolean"), Value::Bool(value)) => {
                Fit::of(rules::of_boolean(schema).iter().all(|rule| *rule == Rule::Only(*value)))
            }
            (Some("number"), Value::Number(_)) => number_fit(schema, value),
            (Some("integer"), Value::Number(number)) if number.as_f64().is_some_and(|number| number.fract() == 0.0) => {
                number_fit(schema, value)
            }
            (Some("array"), Value::Array(list)) => {
                let is_unique = || (1..list.len()).all(|index| !list[..index].contains(&list[index]));
                let obeys = rules::of_array(schema, Vec::new()).iter().all(|rule| match rule {
                    Rule::Count("MinItems", least) => list.len() as u64 >= *least,
                    Rule::Count(_, most) => list.len() as u64 <= *most,
                    Rule::UniqueItems => is_unique(),
                    _ => true,
                });
                items(list).max(Fit::of(obeys))
            }
            (Some("object"), Value::Object(object)) => match properties(schema) {
                Some(properties) => {
                    let required = strings(schema.get("required"));
                    let is_missing =
                        |key: &&str| object.get(*key).is_none_or(Value::is_null) && !has_default(properties.get(*key));
                    if required.iter().any(is_missing) || object.keys().any(|key| !properties.contains_key(key)) {
                        return Fit::OtherType;
                    }
                    let fields = object.iter().filter(|(_, value)| !value.is_null());
                    let fits =
                        fields.filter_map(|(key, value)| Some(self.fit(key, properties.get(key)?, value, depth)));
                    fits.max().unwrap_or(Fit::Obeys)
                }
                None => {
                    let values = schema.get("additionalProperties").filter(|values| values.is_object());
                    let fits = object.values().map(|value| {
                        values.map_or(Fit::Obeys, |values| self.fit_to(values, value, takes_files, depth))
                    });
                    fits.max().unwrap_or(Fit::Obeys)
                }
            },
            (Some("string" | "boolean" | "number" | "integer" | "array" | "object"), _) => Fit::OtherType,
            _ => Fit::Obeys,
        }
    }
}

fn is_size_within(rules: &[Rule], size: &Value) -> bool {
    rules.iter().all(|rule| match rule {
        Rule::Part(part, rules) => part_of_size(size, part).is_none_or(|number| holds(rules, number)),
        _ => true,
    })
}

/// Returns a side, the area or the aspect ratio of a size.
fn part_of_size(size: &Value, part: &str) -> Option<Number> {
    let side = |name: &str| size.get(name).and_then(rules::number);
    match part {
        "area" => Some(Number::Float(side("width")?.to_f64() * side("height")?.to_f64())),
        "aspect_ratio" => Some(Number::Float(side("width")?.to_f64() / side("height")?.to_f64())),
        name => side(name),
    }
}

fn has_default(property: Option<&Value>) -> bool {
    property.and_then(|property| property.get("default")).is_some_and(|default| !default.is_null())
}

fn number_fit(schema: &Value, value: &Value) -> Fit {
    rules::number(value).map_or(Fit::OtherType, |number| Fit::of(holds(&rules::of_number(schema), number)))
}

fn holds(rules: &[Rule], number: Number) -> bool {
    let value = number.to_f64();
    rules.iter().all(|rule| match rule {
        Rule::Bound("Minimum", bound) => value >= bound.to_f64(),
        Rule::Bound("Maximum", bound) => value <= bound.to_f64(),
        Rule::Bound("ExclusiveMinimum", bound) => value > bound.to_f64(),
        Rule::Bound("ExclusiveMaximum", bound) => value < bound.to_f64(),
        // As exact as a multiple can be checked here. A multiple that is listed too does no harm.
        Rule::Bound(_, step) => value % step.to_f64() == 0.0,
        Rule::OneOf(numbers) => numbers.iter().any(|allowed| allowed.to_f64() == value),
        _ => true,
    })
}

fn is_text(rules: &[Rule], text: &str) -> bool {
    let length = || text.chars().count() as u64;
    rules.iter().all(|rule| match rule {
        Rule::Count("MinLength", least) => length() >= *least,
        Rule::Count(_, most) => length() <= *most,
        Rule::Pattern(pattern) => regex_lite::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text)),
        _ => true,
    })
}

/// Returns true if the client accepts a string as a file: a URL or a data URI.
fn is_url(text: &str) -> bool {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|scheme| matches!(scheme.as_str(), "http" | "https" | "data"))
}

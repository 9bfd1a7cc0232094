//! Limits of files, and of sizes of images: `x-fal` of a property, or the same keywords on the property itself.
//!
//! All limits are documented. Rules check those that the client can measure before it sends anything.

use serde_json::{Map, Value};

use super::rules;
use crate::model::{Number, Rule};
use crate::{refusals, words};

/// A property of a file that documents limit.
struct Measure {
    name: &'static str,
    unit: &'static str,
    min: &'static [&'static str],
    max: &'static [&'static str],
    /// The argument of `file(…)` that checks it, if the client can measure it.
    rule: Option<&'static str>,
}

const MEASURES: [Measure; 8] = [
    Measure { name: "size", unit: "bytes", min: &[], max: &["max_file_size"], rule: Some("size") },
    Measure { name: "width", unit: "pixels", min: &["min_width"], max: &["max_width"], rule: Some("width") },
    Measure { name: "height", unit: "pixels", min: &["min_height"], max: &["max_height"], rule: Some("height") },
    Measure {
        name: "area",
        unit: "pixels",
        min: &["min_area", "min_pixels"],
        max: &["max_area", "max_pixels"],
        rule: Some("area"),
    },
    Measure {
        name: "aspect ratio (width / height)",
        unit: "",
        min: &["min_aspect_ratio"],
        max: &["max_aspect_ratio"],
        rule: Some("aspect_ratio"),
    },
    Measure { name: "duration", unit: "seconds", min: &["min_duration"], max: &["max_duration"], rule: None },
    Measure { name: "frames", unit: "", min: &["min_frames"], max: &["max_frames"], rule: None },
    Measure { name: "frame rate", unit: "per second", min: &["min_fps"], max: &["max_fps"], rule: None },
];

const MULTIPLE_OF: &str = "multiple_of";

/// Objects inside `x-fal`: limits of all files of an array together, and of what the model reshapes.
const COMBINED: &str = "combined";
const NORMALIZATION: &str = "normalization";
const RESAMPLED: &str = "fps";

/// The places that have the limits of a value. The first that has a keyword decides on it.
struct Limits<'a>(Vec<&'a Map<String, Value>>);

impl<'a> Limits<'a> {
    /// Finds the limits of a value with these schemas. `x-fal` precedes the keywords next to it.
    fn of(schemas: impl IntoIterator<Item = &'a Value>) -> Self {
        let schemas = schemas.into_iter().filter_map(Value::as_object);
        Limits(
            schemas
                .flat_map(|schema| schema.get("x-fal").and_then(Value::as_object).into_iter().chain([schema]))
                .collect(),
        )
    }

    /// Finds the limits in an object inside `x-fal`.
    fn inside(schemas: impl IntoIterator<Item = &'a Value>, name: &str) -> Self {
        Limits(schemas.into_iter().filter_map(|schema| schema.get("x-fal")?.get(name)?.as_object()).collect())
    }

    fn get(&self, keywords: &[&str]) -> Option<&'a Value> {
        keywords.iter().find_map(|keyword| self.0.iter().find_map(|place| place.get(*keyword)))
    }

    fn number(&self, keywords: &[&str]) -> Option<Number> {
        rules::number(self.get(keywords)?).filter(|number| number.to_f64() >= 0.0)
    }

    /// Returns the bounds of a measure, unless the lower one is above the upper one.
    fn bounds(&self, measure: &Measure) -> (Option<Number>, Option<Number>) {
        match (self.number(measure.min), self.number(measure.max)) {
            (Some(min), Some(max)) if min.to_f64() > max.to_f64() => (None, None),
            bounds => bounds,
        }
    }

    /// Returns the keywords of a measure that have values.
    fn present(&self, measure: &Measure) -> Vec<(&'static str, &'a Value)> {
        let keywords = measure.min.iter().chain(measure.max);
        keywords
            .filter_map(|keyword| Some((*keyword, self.get(&[keyword])?)))
            .filter(|(_, value)| !value.is_null())
            .collect()
    }

    fn multiple_of(&self) -> Option<Number> {
        self.number(&[MULTIPLE_OF]).filter(|step| step.to_f64() > 0.0)
    }

    /// Returns the rules for the measures with these names.
    fn rules(&self, of: &[&str]) -> Vec<Rule> {
        let measured =
            MEASURES.iter().filter_map(|measure| Some((measure, measure.rule.filter(|rule| of.contains(rule))?)));
        let rules = measured.filter_map(|(measure, rule)| {
            let (min, max) = self.bounds(measure);
            let min = min.map(|bound| Rule::Bound("Minimum", bound));
            let max = max.map(|bound| Rule::Bound("Maximum", bound));
            let bounds: Vec<Rule> = min.into_iter().chain(max).collect();
            (!bounds.is_empty()).then_some(Rule::Part(rule, bounds))
        });
        rules.collect()
    }

    fn facts(&self) -> Vec<String> {
        let facts = MEASURES.iter().filter_map(|measure| {
            let (min, max) = self.bounds(measure);
            words::limit(measure.name, measure.unit, min.map(|min| min.to_string()), max.map(|max| max.to_string()))
        });
        facts.chain(self.multiple_of().map(|step| words::sides_multiple_of(&step.to_string()))).collect()
    }
}

/// Returns the schemas of a value that may have limits: those of its items or variants precede its own.
pub(super) fn places(property: &Value) -> Vec<&Value> {
    let variants = property.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    let schemas = variants.chain([property]);
    schemas.flat_map(|schema| schema.get("items").into_iter().chain([schema])).collect()
}

/// Returns true if a keyword limits files.
pub(super) fn is_limit(keyword: &str) -> bool {
    let mut measures = MEASURES.iter().flat_map(|measure| measure.min.iter().chain(measure.max));
    keyword == MULTIPLE_OF || measures.any(|known| *known == keyword)
}

/// Returns the keywords inside `x-fal` that are not limits, as paths from it.
pub(super) fn others(extension: &Map<String, Value>) -> Vec<String> {
    let others = extension.iter().flat_map(|(keyword, value)| match (keyword.as_str(), value) {
        (COMBINED | NORMALIZATION, Value::Object(inner)) => {
            let is_known = |key: &str| is_limit(key) || keyword == NORMALIZATION && key == RESAMPLED;
            inner.keys().filter(|key| !is_known(key)).map(|key| format!("{keyword}.{key}")).collect()
        }
        (keyword, _) if is_limit(keyword) => Vec::new(),
        (keyword, _) => vec![keyword.to_owned()],
    });
    others.collect()
}

/// Returns true if a schema states limits of a file.
pub(super) fn are_in(schema: &Value) -> bool {
    let is_limited =
        |place: &Map<String, Value>, is_known: &dyn Fn(&str) -> bool| place.keys().any(|key| is_known(key));
    let extension = schema.get("x-fal").and_then(Value::as_object);
    schema.as_object().is_some_and(|schema| is_limited(schema, &is_limit))
        || extension.is_some_and(|extension| {
            is_limited(extension, &|key| is_limit(key) || [COMBINED, NORMALIZATION].contains(&key))
        })
}

/// Returns the rules of a file with these schemas.
pub(super) fn of_file<'a>(schemas: impl IntoIterator<Item = &'a Value>) -> Option<Rule> {
    let limits = Limits::of(schemas);
    let mut rules = limits.rules(&["size", "width", "height", "area", "aspect_ratio"]);
    rules.extend(limits.multiple_of().map(|step| Rule::Bound("MultipleOf", step)));
    (!rules.is_empty()).then_some(Rule::Part("file", rules))
}

/// Returns the rules of an array of files: those of each file, and those of all files together.
pub(super) fn of_files(array: &Value, around: &Value) -> (Vec<Rule>, Option<Rule>) {
    let items = array.get("items").unwrap_or(&Value::Null);
    let each = of_file([items, array, around]).into_iter().collect();
    let rules = Limits::inside([array, around], COMBINED).rules(&["size"]);
    (each, (!rules.is_empty()).then_some(Rule::Part("files", rules)))
}

/// Returns the rules of a size of an image, which the field or the union around it has.
pub(super) fn of_image_size(schema: &Value) -> Vec<Rule> {
    let limits = Limits::of([schema]);
    let mut rules = limits.rules(&["width", "height", "area", "aspect_ratio"]);
    if let Some(step) = limits.multiple_of() {
        for side in ["width", "height"] {
            rules::add_part(&mut rules, side, vec![Rule::Bound("MultipleOf", step)]);
        }
    }
    rules
}

/// Adds the rules of a size of an image to those of its type. Returns notes about bounds that no size of the type meets.
pub(super) fn add_to_image_size(rules: &mut Vec<Rule>, schema: &Value) -> Vec<String> {
    let mut notes = Vec::new();
    for rule in of_image_size(schema) {
        if let Rule::Part(name, inner) = rule
            && !rules::add_part(rules, name, inner)
        {
            let measures = MEASURES.iter().filter(|measure| measure.rule == Some(name));
            let keywords = measures.flat_map(|measure| Limits::of([schema]).present(measure));
            notes.extend(keywords.map(|(keyword, _)| refusals::unchecked(keyword, Some(refusals::REVERSED))));
        }
    }
    notes
}

/// Returns the limits of a property as a paragraph, if there are any.
pub(super) fn facts(property: &Value) -> Option<String> {
    let places = places(property);
    let is_array = places.iter().any(|place| place.get("type").is_some_and(|kind| kind == "array"));
    let inside = |name| Limits::inside(places.iter().copied(), name);
    let (combined, reshaped) = (inside(COMBINED), inside(NORMALIZATION));
    let sentences = [
        words::limits(is_array, &Limits::of(places.iter().copied()).facts()),
        words::combined_limits(&combined.facts()),
        words::reshaped(&reshaped.facts()),
        reshaped.number(&[RESAMPLED]).map(|fps| words::resampled(&fps.to_string())),
    ];
    let sentences: Vec<String> = sentences.into_iter().flatten().collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// Returns the limits of a property as phrases, as those of each file or of all files together if it is an array.
pub(super) fn phrases(property: &Value) -> Vec<String> {
    let places = places(property);
    let inside = |name| Limits::inside(places.iter().copied(), name).facts();
    let combined = inside(COMBINED).into_iter().map(|fact| words::together(&fact));
    let reshaped = inside(NORMALIZATION).into_iter().map(|fact| words::reshaped_beyond(&fact));
    Limits::of(places.iter().copied()).facts().into_iter().chain(combined).chain(reshaped).collect()
}

/// Returns notes about the limits of a property that are not positive numbers, or that no file meets.
pub(super) fn unchecked(property: &Value) -> Vec<String> {
    let places = places(property);
    let limits = Limits::of(places);
    let mut notes = Vec::new();
    for measure in &MEASURES {
        let present = limits.present(measure);
        let is_number = |value: &Value| rules::number(value).is_some_and(|number| number.to_f64() >= 0.0);
        let wrong = present.iter().filter(|(_, value)| !is_number(value));
        notes.extend(wrong.map(|(keyword, _)| refusals::unchecked(keyword, Some(refusals::NOT_POSITIVE))));
        if present.len() > 1
            && limits.bounds(measure) == (None, None)
            && present.iter().all(|(_, value)| is_number(value))
        {
            let keywords = present.iter().map(|(keyword, _)| refusals::unchecked(keyword, Some(refusals::REVERSED)));
            notes.extend(keywords);
        }
    }
    if limits.get(&[MULTIPLE_OF]).is_some_and(|step| !step.is_null()) && limits.multiple_of().is_none() {
        notes.push(refusals::unchecked(MULTIPLE_OF, Some(refusals::NOT_POSITIVE)));
    }
    notes
}

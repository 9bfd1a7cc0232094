use std::collections::HashSet;
use std::fmt;

use regex_lite::Regex;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::part::{Part, Shape};
use crate::error::ValidationError;
use crate::files::FileInput;
use crate::protocol::{FieldError, LocSegment};

/// A bound, exactly as the schema has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// An integer; bounds may be beyond `i64`.
    Int(i128),
    /// Any other number.
    Float(f64),
}

impl Number {
    fn to_f64(self) -> f64 {
        match self {
            Number::Int(value) => value as f64,
            Number::Float(value) => value,
        }
    }

    fn to_json(self) -> Value {
        match self {
            Number::Int(value) => match (i64::try_from(value), u64::try_from(value)) {
                (Ok(value), _) => json!(value),
                (_, Ok(value)) => json!(value),
                _ => json!(value as f64),
            },
            Number::Float(value) => json!(value),
        }
    }

    fn less_than(self, other: Number) -> bool {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => a < b,
            (a, b) => a.to_f64() < b.to_f64(),
        }
    }

    fn equals(self, other: Number) -> bool {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => a == b,
            (a, b) => a.to_f64() == b.to_f64(),
        }
    }

    /// Whether it is a multiple of a step: exactly for integers, and for other numbers within the billionth part that
    /// pydantic, which checks fal's inputs, allows too: `0.15` is a multiple of `0.05`.
    fn is_multiple_of(self, step: Number) -> bool {
        match (self, step) {
            (Number::Int(value), Number::Int(step)) => step == 0 || value % step == 0,
            (value, step) => {
                let (value, step) = (value.to_f64(), step.to_f64());
                let (rest, tolerance) = ((value % step).abs(), value.abs() / 1e9);
                rest <= tolerance || (rest - step.abs()).abs() <= tolerance
            }
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Int(value) => value.fmt(f),
            Number::Float(value) => value.fmt(f),
        }
    }
}

/// What a schema demands of a value beyond its type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// At least this.
    Minimum(Number),
    /// At most this.
    Maximum(Number),
    /// More than this.
    ExclusiveMinimum(Number),
    /// Less than this.
    ExclusiveMaximum(Number),
    /// So many characters (code points) at least.
    MinLength(u64),
    /// So many characters (code points) at most.
    MaxLength(u64),
    /// So many items at least.
    MinItems(u64),
    /// So many items at most.
    MaxItems(u64),
    /// A whole multiple of this.
    MultipleOf(Number),
    /// One of these numbers.
    OneOf(&'static [Number]),
    /// This and not the other.
    Only(bool),
    /// A text in which this regular expression finds a match.
    Pattern(&'static str),
    /// No item twice.
    UniqueItems,
    /// What holds for each item of a list or each value of a map.
    Items(&'static [Rule]),
    /// What holds for the width of an `ImageSize`.
    Width(&'static [Rule]),
    /// What holds for the height of an `ImageSize`.
    Height(&'static [Rule]),
}

/// How many of an enum's values a message names; its `ctx` has all.
const MOST_SHOWN: usize = 12;

/// Checks an input from its root.
pub fn validate_input<T: Part>(input: &T) -> Result<(), ValidationError> {
    let mut at = Validator { loc: vec![LocSegment::Key("body".to_owned())], errors: Vec::new() };
    T::Shape::validate(input, &mut at, &[]);
    at.done()
}

/// Checks files that are in places of an input of which there is no schema.
pub(crate) fn validate_files<'a>(
    files: impl Iterator<Item = (Vec<LocSegment>, &'a FileInput)>,
) -> Result<(), ValidationError> {
    let mut at = Validator { loc: Vec::new(), errors: Vec::new() };
    for (loc, file) in files {
        at.loc = loc;
        at.file(file);
    }
    at.done()
}

/// Goes through an input, knows where it is, and collects what is wrong.
#[derive(Debug)]
pub struct Validator {
    loc: Vec<LocSegment>,
    errors: Vec<FieldError>,
}

impl Validator {
    fn done(self) -> Result<(), ValidationError> {
        if self.errors.is_empty() { Ok(()) } else { Err(ValidationError::new(self.errors)) }
    }

    /// Checks what is in a field or an item.
    pub(crate) fn step(&mut self, segment: LocSegment, check: impl FnOnce(&mut Self)) {
        self.loc.push(segment);
        check(self);
        self.loc.pop();
    }

    fn report(&mut self, error_type: &str, msg: String, ctx: Value, input: Option<Value>) {
        let mut error = FieldError::new(self.loc.clone(), error_type, msg);
        if let Value::Object(ctx) = ctx {
            error.ctx = Some(ctx);
        }
        error.input = input;
        error.url = Some(format!("https://docs.fal.ai/errors/#{error_type}"));
        self.errors.push(error);
    }

    /// Checks a number.
    pub(super) fn number(&mut self, number: Number, rules: &'static [Rule]) {
        let input = Some(number.to_json());
        if let Number::Float(value) = number
            && !value.is_finite()
        {
            let msg = "Input should be a finite number".to_owned();
            return self.report("finite_number", msg, Value::Null, None);
        }
        for rule in rules {
            match *rule {
                Rule::MultipleOf(step) if !number.is_multiple_of(step) => self.report(
                    "multiple_of",
                    format!("Input should be a multiple of {step}"),
                    json!({ "multiple_of": step.to_json() }),
                    input.clone(),
                ),
                Rule::OneOf(listed) if !listed.iter().any(|value| value.equals(number)) => {
                    let listed: Vec<Value> = listed.iter().map(|value| value.to_json()).collect();
                    self.one_of(&listed, input.clone());
                }
                _ => {}
            }
            let (broken, error_type, words, key, bound) = match *rule {
                Rule::Minimum(bound) => {
                    (number.less_than(bound), "greater_than_equal", "greater than or equal to", "ge", bound)
                }
                Rule::Maximum(bound) => {
                    (bound.less_than(number), "less_than_equal", "less than or equal to", "le", bound)
                }
                Rule::ExclusiveMinimum(bound) => {
                    (!bound.less_than(number), "greater_than", "greater than", "gt", bound)
                }
                Rule::ExclusiveMaximum(bound) => (!number.less_than(bound), "less_than", "less than", "lt", bound),
                _ => continue,
            };
            if broken {
                let ctx = Map::from_iter([(key.to_owned(), bound.to_json())]);
                self.report(error_type, format!("Input should be {words} {bound}"), Value::Object(ctx), input.clone());
            }
        }
    }

    /// Checks a text's length, counted in code points.
    pub fn text(&mut self, text: &str, rules: &'static [Rule]) {
        if rules.is_empty() {
            return;
        }
        let length = text.chars().count() as u64;
        for rule in rules {
            match *rule {
                Rule::MinLength(least) if length < least => self.report(
                    "string_too_short",
                    format!("String should have at least {least} characters"),
                    json!({ "min_length": least }),
                    Some(json!(text)),
                ),
                Rule::MaxLength(most) if length > most => self.report(
                    "string_too_long",
                    format!("String should have at most {most} characters"),
                    json!({ "max_length": most }),
                    Some(json!(text)),
                ),
                // The generator states only what can be compiled.
                Rule::Pattern(pattern) if Regex::new(pattern).is_ok_and(|regex| !regex.is_match(text)) => self.report(
                    "string_pattern_mismatch",
                    format!("String should match pattern '{pattern}'"),
                    json!({ "pattern": pattern }),
                    Some(json!(text)),
                ),
                _ => {}
            }
        }
    }

    /// Checks a truth value.
    pub(super) fn truth(&mut self, value: bool, rules: &'static [Rule]) {
        let only = rules.iter().find_map(|rule| if let Rule::Only(only) = rule { Some(*only) } else { None });
        if let Some(only) = only.filter(|only| *only != value) {
            self.one_of(&[json!(only)], Some(json!(value)));
        }
    }

    /// Checks a list's length, and that its items differ.
    pub(super) fn list<T: Serialize>(&mut self, list: &[T], rules: &'static [Rule]) {
        let length = list.len() as u64;
        for rule in rules {
            match *rule {
                Rule::MinItems(least) if length < least => self.report(
                    "sequence_too_short",
                    format!("List should have at least {least} items, not {length}"),
                    json!({ "min_length": least }),
                    None,
                ),
                Rule::MaxItems(most) if length > most => self.report(
                    "sequence_too_long",
                    format!("List should have at most {most} items, not {length}"),
                    json!({ "max_length": most }),
                    None,
                ),
                Rule::UniqueItems => {
                    // What cannot be written yet, a file on this machine, counts as a value of its own.
                    let texts = list.iter().filter_map(|item| serde_json::to_string(item).ok());
                    let mut seen = HashSet::new();
                    if !texts.into_iter().all(|text| seen.insert(text)) {
                        self.report("value_error", "List items should be unique".to_owned(), Value::Null, None);
                    }
                }
                _ => {}
            }
        }
    }

    /// Checks that a text is one that its schema lists, or else one that it allows.
    pub(super) fn listed(&mut self, text: &str, listed: &[&str], any_text: bool, rules: &'static [Rule]) {
        if listed.contains(&text) {
            return;
        }
        if any_text {
            return self.text(text, rules);
        }
        let listed: Vec<Value> = listed.iter().map(|text| json!(text)).collect();
        self.one_of(&listed, Some(json!(text)));
    }

    fn one_of(&mut self, listed: &[Value], input: Option<Value>) {
        let shown = listed.iter().take(MOST_SHOWN);
        let words: Vec<String> =
            shown.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect();
        let more = listed.len().saturating_sub(MOST_SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let msg = format!("Input should be one of {}{more}", words.join(", "));
        self.report("one_of", msg, json!({ "expected": listed }), input);
    }

    /// Checks that a file is a URL, a data URI, bytes or a path on purpose.
    pub(crate) fn file(&mut self, file: &FileInput) {
        if let Some(text) = file.text_without_scheme() {
            let msg =
                "Input should be a URL or a data URI; for a file on this machine use `FileInput::path`".to_owned();
            let shown: String = text.chars().take(200).collect();
            self.report("url_parsing", msg, Value::Null, Some(json!(shown)));
        }
    }
}

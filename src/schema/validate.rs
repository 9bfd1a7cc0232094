use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::input_part::InputPart;
use super::open_enum::OpenEnum;
use crate::{FieldError, FileInput, LocSegment, ValidationError};

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
            Number::Int(value) => i64::try_from(value).map_or_else(|_| json!(value as f64), |value| json!(value)),
            Number::Float(value) => json!(value),
        }
    }

    fn less_than(self, other: Number) -> bool {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => a < b,
            (a, b) => a.to_f64() < b.to_f64(),
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
    /// What holds for each item of a list or each value of a map.
    Items(&'static [Rule]),
    /// What holds for the width of an `ImageSize`.
    Width(&'static [Rule]),
    /// What holds for the height of an `ImageSize`.
    Height(&'static [Rule]),
}

/// Checks an input from its root.
pub fn validate_input(input: &impl InputPart) -> Result<(), ValidationError> {
    let mut at = Validator { loc: vec![LocSegment::Key("body".to_owned())], errors: Vec::new() };
    input.validate(&mut at, &[]);
    if at.errors.is_empty() { Ok(()) } else { Err(ValidationError::new(at.errors)) }
}

/// Goes through an input, knows where it is, and collects what is wrong.
#[derive(Debug)]
pub struct Validator {
    loc: Vec<LocSegment>,
    errors: Vec<FieldError>,
}

impl Validator {
    /// Checks a field of an object.
    pub fn field(&mut self, name: &str, value: &impl InputPart, rules: &'static [Rule]) {
        self.step(LocSegment::Key(name.to_owned()), value, rules);
    }

    pub(super) fn step(&mut self, segment: LocSegment, value: &impl InputPart, rules: &'static [Rule]) {
        self.loc.push(segment);
        value.validate(self, rules);
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
                _ => {}
            }
        }
    }

    /// Checks a list's length.
    pub(super) fn length<T: Serialize>(&mut self, list: &[T], rules: &'static [Rule]) {
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
                _ => {}
            }
        }
    }

    /// Checks that a text is one that its schema lists.
    pub fn listed<T: OpenEnum>(&mut self, value: &T) {
        if !T::LISTED.contains(&value.text()) {
            let msg = format!("Input should be one of {}", T::LISTED.join(", "));
            self.report("one_of", msg, json!({ "expected": T::LISTED }), Some(json!(value.text())));
        }
    }

    /// Checks that a file is a URL, a data URI, bytes or a path on purpose.
    pub(super) fn file(&mut self, file: &FileInput) {
        if let Some(text) = file.text_without_scheme() {
            let msg =
                "Input should be a URL or a data URI; for a file on this machine use `FileInput::path`".to_owned();
            let shown: String = text.chars().take(200).collect();
            self.report("url_parsing", msg, Value::Null, Some(json!(shown)));
        }
    }
}

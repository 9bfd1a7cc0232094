use std::any::Any;
use std::collections::HashSet;
use std::fmt;

use regex_lite::Regex;
use serde_json::{Value, json};

use super::limited_file::LimitedFile;
use super::rules::{Number, Rule};
use super::shape::{SchemaType, Shape};
use crate::error::ValidationError;
use crate::files::FileInput;
use crate::protocol::{FieldError, LocSegment};

/// Maximum number of an enum's values in a message; `ctx` has all of them.
const MAX_SHOWN: usize = 12;

/// Validates an input from its root.
pub fn validate_input<T: SchemaType>(input: &T) -> Result<(), ValidationError> {
    findings_of(input).into_result()
}

/// Walks an input from its root, and returns what it finds.
pub fn findings_of<T: SchemaType>(input: &T) -> Findings {
    let mut validator = Validator::default();
    // Few inputs have fields that are deeper.
    validator.loc.reserve(4);
    validator.loc.push(Step::Field("body"));
    T::Shape::validate(input, &mut validator, &[]);
    validator.findings
}

/// Validates files in an input without a schema.
pub(crate) fn validate_files<'a>(
    files: impl Iterator<Item = (Vec<LocSegment>, &'a FileInput)>,
) -> Result<(), ValidationError> {
    let mut validator = Validator::default();
    for (loc, file) in files {
        validator.loc = loc.into_iter().map(Step::from).collect();
        validator.file(file);
    }
    validator.findings.into_result()
}

/// The violations of a schema by an input, and the files whose limits are still to be checked.
#[derive(Debug, Default)]
pub struct Findings {
    pub(crate) errors: Vec<FieldError>,
    pub(crate) limited: Vec<LimitedFile>,
}

impl Findings {
    fn into_result(self) -> Result<(), ValidationError> {
        if self.errors.is_empty() { Ok(()) } else { Err(ValidationError::new(self.errors)) }
    }
}

impl From<Result<(), ValidationError>> for Findings {
    fn from(result: Result<(), ValidationError>) -> Self {
        let errors = result.err().map(ValidationError::into_errors).unwrap_or_default();
        Findings { errors, limited: Vec::new() }
    }
}

/// A step from a value of an input into it. The names of fields are not copied, because most inputs are valid.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Field(&'static str),
    Key(String),
    Index(u64),
}

impl From<LocSegment> for Step {
    fn from(segment: LocSegment) -> Self {
        match segment {
            LocSegment::Key(key) => Step::Key(key),
            LocSegment::Index(index) => Step::Index(index),
        }
    }
}

impl From<&Step> for LocSegment {
    fn from(step: &Step) -> Self {
        match step {
            Step::Field(name) => LocSegment::Key((*name).to_owned()),
            Step::Key(key) => LocSegment::Key(key.clone()),
            Step::Index(index) => LocSegment::Index(*index),
        }
    }
}

/// Walks an input, tracks the location, and collects what it finds.
#[derive(Debug, Default)]
pub struct Validator {
    loc: Vec<Step>,
    findings: Findings,
}

impl Validator {
    /// Validates the value of a field or an item.
    pub(super) fn step(&mut self, step: Step, check: impl FnOnce(&mut Self)) {
        self.loc.push(step);
        check(self);
        self.loc.pop();
    }

    fn loc(&self) -> Vec<LocSegment> {
        self.loc.iter().map(LocSegment::from).collect()
    }

    fn report(&mut self, error_type: &str, msg: String, ctx: Value, input: Option<Value>) {
        self.findings.errors.push(Self::error(self.loc(), error_type, msg, ctx, input));
    }

    /// Creates an error about the value at `loc`.
    pub(super) fn error(
        loc: Vec<LocSegment>,
        error_type: &str,
        msg: String,
        ctx: Value,
        input: Option<Value>,
    ) -> FieldError {
        let mut error = FieldError::new(loc, error_type, msg);
        if let Value::Object(ctx) = ctx {
            error.ctx = Some(ctx);
        }
        error.input = input;
        error.url = Some(format!("https://docs.fal.ai/errors/#{error_type}"));
        error
    }

    /// Validates an absent value.
    pub(super) fn absent(&mut self, rules: &'static [Rule]) {
        if rules.contains(&Rule::Present) {
            self.report("missing", "Field required".to_owned(), Value::Null, None);
        }
    }

    /// Validates a number.
    pub(super) fn number(&mut self, number: Number, rules: &'static [Rule]) {
        self.measure(&"Input", number, &|| number.to_json(), rules);
    }

    /// Validates the area and the aspect ratio of a size. Its sides are fields of their own.
    pub(super) fn size(&mut self, width: i128, height: i128, rules: &'static [Rule]) {
        let input = || json!({ "width": Number::Int(width).to_json(), "height": Number::Int(height).to_json() });
        for rule in rules {
            match *rule {
                Rule::Field("area", rules) => {
                    let area = Number::Int(width.saturating_mul(height));
                    self.measure(&format_args!("Area {area} ({width} × {height} pixels)"), area, &input, rules);
                }
                Rule::Field("aspect_ratio", rules) if height > 0 => {
                    let ratio = Number::Float(width as f64 / height as f64);
                    self.measure(
                        &format_args!("Aspect ratio {ratio} ({width} / {height} pixels)"),
                        ratio,
                        &input,
                        rules,
                    );
                }
                _ => {}
            }
        }
    }

    /// Validates a number that is the value, or follows from it. `what` begins the messages.
    fn measure(&mut self, what: &dyn fmt::Display, number: Number, input: &dyn Fn() -> Value, rules: &'static [Rule]) {
        let input = || Some(input());
        if let Number::Float(value) = number
            && !value.is_finite()
        {
            let msg = format!("{what} should be a finite number");
            return self.report("finite_number", msg, Value::Null, None);
        }
        for rule in rules {
            match *rule {
                Rule::MultipleOf(step) if !number.is_multiple_of(step) => self.report(
                    "multiple_of",
                    format!("{what} should be a multiple of {step}"),
                    json!({ "multiple_of": step.to_json() }),
                    input(),
                ),
                Rule::OneOf(allowed) if !allowed.iter().any(|value| value.equals(number)) => {
                    let allowed: Vec<Value> = allowed.iter().map(|value| value.to_json()).collect();
                    self.one_of(&allowed, input());
                }
                _ => {}
            }
            let (violated, error_type, comparison, key, bound) = match *rule {
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
            if violated {
                let msg = format!("{what} should be {comparison} {bound}");
                self.report(error_type, msg, json!({ key: bound.to_json() }), input());
            }
        }
    }

    /// Validates a string. Its length is counted in code points.
    pub(super) fn string(&mut self, text: &str, rules: &'static [Rule]) {
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
                // The generator emits only patterns that compile. One of a hand-written type that does not matches nothing.
                Rule::Pattern(pattern) if !Regex::new(pattern).is_ok_and(|regex| regex.is_match(text)) => self.report(
                    "string_pattern_mismatch",
                    format!("String should match pattern '{pattern}'"),
                    json!({ "pattern": pattern }),
                    Some(json!(text)),
                ),
                _ => {}
            }
        }
    }

    /// Validates a boolean.
    pub(super) fn boolean(&mut self, value: bool, rules: &'static [Rule]) {
        let only = rules.iter().find_map(|rule| if let Rule::Only(only) = rule { Some(*only) } else { None });
        if let Some(only) = only.filter(|only| *only != value) {
            self.one_of(&[json!(only)], Some(json!(value)));
        }
    }

    /// Validates the length of an array and the uniqueness of its items. Notes its files if they have limits together.
    pub(super) fn array<T: SchemaType>(&mut self, list: &[T], rules: &'static [Rule]) {
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
                Rule::Files(limits) => {
                    let files = list.iter().filter_map(|item| (item as &dyn Any).downcast_ref::<FileInput>().cloned());
                    let limited = LimitedFile { loc: self.loc(), files: files.collect(), limits };
                    self.findings.limited.push(limited);
                }
                Rule::UniqueItems => {
                    // A local file has no JSON form yet, and counts as unique.
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

    /// Validates a value of an enum: it must be declared unless the schema allows any string.
    pub(super) fn enum_value(&mut self, text: &str, declared: &[&str], any_string: bool, rules: &'static [Rule]) {
        if declared.contains(&text) {
            return;
        }
        if any_string {
            return self.string(text, rules);
        }
        let declared: Vec<Value> = declared.iter().map(|text| json!(text)).collect();
        self.one_of(&declared, Some(json!(text)));
    }

    fn one_of(&mut self, allowed: &[Value], input: Option<Value>) {
        let first = allowed.iter().take(MAX_SHOWN);
        let first: Vec<String> =
            first.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect();
        let more = allowed.len().saturating_sub(MAX_SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let msg = format!("Input should be one of {}{more}", first.join(", "));
        self.report("one_of", msg, json!({ "expected": allowed }), input);
    }

    /// Notes a file if it has limits.
    pub(super) fn limits(&mut self, file: &FileInput, rules: &'static [Rule]) {
        for rule in rules {
            if let Rule::File(limits) = rule {
                let limited = LimitedFile { loc: self.loc(), files: vec![file.clone()], limits };
                self.findings.limited.push(limited);
            }
        }
    }

    /// Validates that a string given as a file is a URL or a data URI.
    pub(super) fn file(&mut self, file: &FileInput) {
        if let Some(text) = file.text_without_scheme() {
            let msg = "Input should be a URL or a data URI; for a local path use `FileInput::path`".to_owned();
            let input: String = text.chars().take(200).collect();
            self.report("url_parsing", msg, Value::Null, Some(json!(input)));
        }
    }
}

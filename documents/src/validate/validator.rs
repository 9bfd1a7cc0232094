use std::sync::Arc;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, PatternOptions, ValidationError};
use serde_json::{Value, json};

use crate::document::Document;
use crate::finding::Finding;
use crate::pointer::unescape;
use crate::validate::file_limits::{self, Measured};
use crate::validate::schemas::Schemas;
use crate::validate::violation::Violation;
use crate::validate::{bounds, checks, own_values, unknown_fields};

/// The most violations whose values are compared with the document's own.
const MAX_FOUND: usize = 1_000;

/// Validates values with a schema of a document, and reports violations in fal's format.
///
/// It reads the document itself and is independent of generated code, so that each can reveal errors of the other.
#[derive(Debug)]
pub struct Validator {
    schemas: Arc<Schemas>,
    part: Part,
    compiled: jsonschema::Validator,
}

/// The schema that values are validated with.
#[derive(Clone, Copy, Debug)]
enum Part {
    Input,
    Output,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Part::Input => "input",
            Part::Output => "output",
        }
    }

    fn schema(self, schemas: &Schemas) -> &Value {
        match self {
            Part::Input => &schemas.input,
            Part::Output => &schemas.output,
        }
    }
}

impl Validator {
    /// Compiles the input schema of a document.
    ///
    /// # Errors
    ///
    /// The schema is invalid, or exceeds a bound.
    pub fn new(document: &Document) -> Result<Self, Finding> {
        let schemas = Schemas::new(document)?;
        Validator::of_input(&Arc::new(schemas)).map_err(|reason| Finding::new(&document.file, "", reason))
    }

    /// Compiles an input schema.
    ///
    /// # Errors
    ///
    /// The schema is invalid. The error says where.
    pub fn of_input(schemas: &Arc<Schemas>) -> Result<Self, String> {
        Validator::compile(schemas, Part::Input)
    }

    /// Compiles an output schema.
    ///
    /// # Errors
    ///
    /// The schema is invalid. The error says where.
    pub fn of_output(schemas: &Arc<Schemas>) -> Result<Self, String> {
        Validator::compile(schemas, Part::Output)
    }

    fn compile(schemas: &Arc<Schemas>, part: Part) -> Result<Self, String> {
        let schema = schemas.with_components(part.schema(schemas));
        let patterns = PatternOptions::fancy_regex()
            .size_limit(bounds::MAX_PATTERN_BYTES)
            .backtrack_limit(bounds::MAX_PATTERN_STEPS);
        let compiled =
            jsonschema::options().with_draft(Draft::Draft202012).with_pattern_options(patterns).build(&schema);
        let compiled = compiled.map_err(|error| {
            let at = error.instance_path();
            format!("invalid {} schema of `{}` at {:?}: {error}", part.name(), schemas.id, at.as_str())
        })?;
        Ok(Validator { schemas: Arc::clone(schemas), part, compiled })
    }

    fn schema(&self) -> &Value {
        self.part.schema(&self.schemas)
    }

    /// Returns true if the value can be validated within [`MAX_CHECKS`](super::MAX_CHECKS).
    pub fn is_within_bounds(&self, value: &Value) -> bool {
        checks::are_few(&self.schemas.root, self.schema(), value)
    }

    /// Returns the violations of the schema, as the `detail` of fal's responses with status 422.
    ///
    /// Unknown fields are not violations, because fal ignores them, and neither are the document's own defaults and examples. A
    /// value beyond the [bounds](Validator::is_within_bounds) is one violation.
    pub fn errors(&self, value: &Value) -> Vec<Value> {
        if !value.is_object() {
            let violation = Violation::new("dict_type", "Input should be a valid dictionary");
            return vec![violation.detail(json!(["body"]), Some(value))];
        }
        if !self.is_within_bounds(value) {
            let violation =
                Violation::new("value_error", format!("Input needs more than {} checks", checks::MAX_CHECKS));
            return vec![violation.detail(json!(["body"]), None)];
        }
        let mut found = Vec::new();
        collect(self.compiled.iter_errors(value).collect(), &mut found);
        if found.len() <= MAX_FOUND {
            found.retain(|(path, _)| !own_values::contain(&self.schemas.root, self.schema(), value, path));
        }
        let mut details: Vec<Value> = Vec::new();
        for (path, violation) in &found {
            // A value of the wrong type is not reported as an undeclared enum value too.
            let echo = violation.is_choice() && found.iter().any(|(other, kind)| other == path && kind.is_type());
            let detail = violation.detail(loc(path, value), value.pointer(path));
            if !echo && !details.contains(&detail) {
                details.push(detail);
            }
        }
        details
    }

    /// Returns a violation for each field that the schema does not declare, in the same format. `ctx.expected` has the names of
    /// those that it declares. fal ignores unknown fields, so they are likely mistakes.
    pub fn unknown_fields(&self, value: &Value) -> Vec<Value> {
        unknown_fields::violations(&self.schemas.root, self.schema(), value)
    }

    /// Returns the violations of limits by the files of a value, such as their sizes in bytes, and by its image sizes, in the same
    /// format.
    ///
    /// `file` looks up a URL. Files that it does not know are not checked, except for data URIs.
    pub fn file_errors(&self, value: &Value, file: &dyn Fn(&str) -> Option<Measured>) -> Vec<Value> {
        file_limits::violations(&self.schemas.root, self.schema(), value, file)
    }

    /// Returns the first violation of the schema in the words of JSON Schema. The value has to be within the
    /// [bounds](Validator::is_within_bounds).
    pub fn first_error(&self, value: &Value) -> Option<String> {
        let error = self.compiled.iter_errors(value).next()?;
        let path = error.instance_path().as_str();
        Some(if path.is_empty() { error.to_string() } else { format!("at {path}: {error}") })
    }
}

/// Converts the validator's errors to violations with their paths. A union reports the errors of its closest variant.
fn collect(errors: Vec<ValidationError<'_>>, found: &mut Vec<(String, Violation)>) {
    for error in errors {
        let path = error.instance_path().as_str().to_owned();
        let number = error.instance().as_f64();
        match error.into_parts().kind {
            ValidationErrorKind::AnyOf { context } => {
                if let Some(closest) = closest(context, &path) {
                    collect(closest, found);
                }
            }
            ValidationErrorKind::Required { property } => {
                found.push((path, Violation::new("missing", "Field required").at(&property)));
            }
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                found.extend(unexpected.into_iter().map(|name| {
                    let name = Value::String(name);
                    (path.clone(), Violation::new("extra_forbidden", "Extra inputs are not permitted").at(&name))
                }));
            }
            ValidationErrorKind::MultipleOf { multiple_of } if is_nearly_multiple(number, multiple_of) => {}
            kind => found.push((path, Violation::from_kind(&kind))),
        }
    }
}

/// Returns whether a number is a multiple apart from floating-point error: 19 × 0.05 is 0.9500000000000001. The
/// tolerance is that of fal's validation (pydantic).
fn is_nearly_multiple(number: Option<f64>, step: f64) -> bool {
    number.is_some_and(|number| {
        let (rest, tolerance) = ((number % step).abs(), number.abs() / 1e9);
        rest <= tolerance || (rest - step.abs()).abs() <= tolerance
    })
}

/// Returns the errors of the variant that is closest to the value. A variant that accepts the value's type is closer
/// than one that does not, then one without missing keys, then the one with the fewest errors.
fn closest<'e>(variants: Vec<Vec<ValidationError<'e>>>, path: &str) -> Option<Vec<ValidationError<'e>>> {
    variants.into_iter().min_by_key(|errors| {
        let here = |error: &&ValidationError<'_>| error.instance_path().as_str() == path;
        let wrong_type =
            errors.iter().filter(here).any(|error| matches!(error.kind(), ValidationErrorKind::Type { .. }));
        let missing =
            errors.iter().filter(here).any(|error| matches!(error.kind(), ValidationErrorKind::Required { .. }));
        (wrong_type, missing, errors.len())
    })
}

/// Converts a JSON pointer to fal's path format: `["body", "loras", 0, "scale"]`.
fn loc(pointer: &str, body: &Value) -> Value {
    let mut loc = vec![json!("body")];
    let mut value = Some(body);
    for segment in pointer.split('/').skip(1) {
        let key = unescape(segment);
        match value {
            Some(Value::Array(items)) => {
                let index = key.parse().unwrap_or(usize::MAX);
                loc.push(json!(index));
                value = items.get(index);
            }
            _ => {
                value = value.and_then(|value| value.get(&key));
                loc.push(json!(key));
            }
        }
    }
    Value::Array(loc)
}

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::{Value, json};

use crate::documents::bounds;
use crate::documents::document::Document;
use crate::input::own_values;
use crate::input::violation::Violation;

/// The most violations whose values are compared with the document's own.
const MAX_FOUND: usize = 1_000;

/// Validates inputs against a document's own schema, and reports violations in fal's format.
///
/// The validator is independent of the generated code, so that each can reveal errors of the other.
#[derive(Debug)]
pub(crate) struct Judge {
    validator: Validator,
}

impl Judge {
    pub(crate) fn new(document: &Document) -> Result<Self, String> {
        let validator = validator(document, &document.input)
            .map_err(|reason| format!("invalid input schema of `{}` {reason}", document.id))?;
        Ok(Judge { validator })
    }

    /// Returns the violations of the schema by `body`. Unknown fields are not violations, because fal ignores them, and neither
    /// are the document's own defaults and examples.
    pub(crate) fn violations(&self, document: &Document, body: &Value) -> Vec<Value> {
        if !body.is_object() {
            return vec![detail(
                json!(["body"]),
                &Violation::new("dict_type", "Input should be a valid dictionary"),
                Some(body),
            )];
        }
        let mut found = Vec::new();
        collect(self.validator.iter_errors(body).collect(), &mut found);
        if found.len() <= MAX_FOUND {
            found.retain(|(path, _)| !own_values::contain(document, body, path));
        }
        let mut details: Vec<Value> = Vec::new();
        for (path, violation) in &found {
            // A value of the wrong type is not reported as an undeclared enum value too.
            let echo = violation.is_choice() && found.iter().any(|(other, kind)| other == path && kind.is_type());
            let detail = detail(loc(path, body), violation, body.pointer(path));
            if !echo && !details.contains(&detail) {
                details.push(detail);
            }
        }
        details
    }
}

/// Compiles a schema of a document. The error says where in the schema it is invalid.
pub(crate) fn validator(document: &Document, schema: &Value) -> Result<Validator, String> {
    let schema = document.with_components(schema);
    let patterns =
        PatternOptions::fancy_regex().size_limit(bounds::MAX_PATTERN_BYTES).backtrack_limit(bounds::MAX_PATTERN_STEPS);
    let built = jsonschema::options().with_draft(Draft::Draft202012).with_pattern_options(patterns).build(&schema);
    built.map_err(|error| format!("at {:?}: {error}", error.instance_path().as_str()))
}

/// Returns the violations of a body that is not JSON.
pub(crate) fn unreadable(body: &[u8], error: Option<&serde_json::Error>) -> Vec<Value> {
    let Some(error) = error.filter(|_| !body.is_empty()) else {
        return vec![detail(json!(["body"]), &Violation::new("missing", "Field required"), Some(&Value::Null))];
    };
    let violation = Violation::new("json_invalid", "JSON decode error").with("error", json!(error.to_string()));
    vec![detail(json!(["body", offset(body, error)]), &violation, Some(&json!({})))]
}

/// Returns the violation of a body that is not declared as JSON.
pub(crate) fn opaque(body: &[u8]) -> Vec<Value> {
    let words = "Input should be a valid dictionary or object to extract fields from";
    let body = Value::from(String::from_utf8_lossy(body));
    vec![detail(json!(["body"]), &Violation::new("model_attributes_type", words), Some(&body))]
}

/// Returns the offset in a body at which parsing failed, in bytes.
fn offset(body: &[u8], error: &serde_json::Error) -> usize {
    if error.is_eof() {
        return body.len();
    }
    let line = error.line().saturating_sub(1);
    let before: usize = body.split_inclusive(|byte| *byte == b'\n').take(line).map(<[u8]>::len).sum();
    (before + error.column().saturating_sub(1)).min(body.len())
}

/// Converts the validator's errors to violations with their paths. A union reports the errors of its closest variant.
fn collect(errors: Vec<ValidationError<'_>>, found: &mut Vec<(String, Violation)>) {
    for error in errors {
        let path = error.instance_path().as_str().to_owned();
        let number = error.instance().as_f64();
        match error.into_parts().kind {
            ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
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
        let key = segment.replace("~1", "/").replace("~0", "~");
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

/// Formats a violation as fal does.
pub(crate) fn detail(mut loc: Value, violation: &Violation, input: Option<&Value>) -> Value {
    let mut input = input;
    if let (Some(property), Value::Array(loc)) = (&violation.property, &mut loc) {
        loc.push(property.clone());
        // A missing property has no value, so fal shows the object. An extra property is shown itself.
        if let Some(extra) = property.as_str().and_then(|name| input.and_then(|input| input.get(name))) {
            input = Some(extra);
        }
    }
    let mut detail = json!({
        "loc": loc,
        "msg": violation.msg,
        "type": violation.kind,
        "url": format!("https://docs.fal.ai/errors/#{}", violation.kind),
    });
    if !violation.ctx.is_empty() {
        detail["ctx"] = Value::Object(violation.ctx.clone());
    }
    if let Some(input) = input {
        detail["input"] = input.clone();
    }
    detail
}

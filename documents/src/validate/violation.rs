use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::{Map, Value, json};

/// A violation of a schema, in fal's words.
#[derive(Debug)]
pub struct Violation {
    /// `less_than_equal`
    kind: &'static str,
    /// `Input should be less than or equal to 8`
    msg: String,
    /// `{"le": 8}`
    ctx: Map<String, Value>,
    /// The missing or extra property, which the path does not contain.
    property: Option<Value>,
}

impl Violation {
    /// Creates a violation of a type, such as `value_error`, with its message.
    pub fn new(kind: &'static str, msg: impl Into<String>) -> Self {
        Violation { kind, msg: msg.into(), ctx: Map::new(), property: None }
    }

    /// Adds a value to the context, such as the limit.
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.ctx.insert(name.to_owned(), value);
        self
    }

    /// Sets the missing or extra property.
    pub(super) fn at(mut self, property: &Value) -> Self {
        self.property = Some(property.clone());
        self
    }

    /// Returns whether the value has the wrong type.
    pub(super) fn is_type(&self) -> bool {
        matches!(
            self.kind,
            "string_type" | "int_type" | "float_type" | "bool_type" | "list_type" | "dict_type" | "none_required"
        )
    }

    /// Returns whether the value is not one of the enum values.
    pub(super) fn is_choice(&self) -> bool {
        self.kind == "one_of"
    }

    /// Converts an error of the validator to fal's words.
    pub(super) fn from_kind(kind: &ValidationErrorKind) -> Self {
        match kind {
            ValidationErrorKind::Type { kind } => Violation::wrong_type(&type_name(kind)),
            ValidationErrorKind::Minimum { limit } => {
                bound("greater_than_equal", "greater than or equal to", "ge", limit)
            }
            ValidationErrorKind::ExclusiveMinimum { limit } => bound("greater_than", "greater than", "gt", limit),
            ValidationErrorKind::Maximum { limit } => bound("less_than_equal", "less than or equal to", "le", limit),
            ValidationErrorKind::ExclusiveMaximum { limit } => bound("less_than", "less than", "lt", limit),
            ValidationErrorKind::MultipleOf { multiple_of } => {
                let step = whole(*multiple_of);
                Violation::new("multiple_of", format!("Input should be a multiple of {step}")).with("multiple_of", step)
            }
            ValidationErrorKind::MinItems { limit } => {
                length("sequence_too_short", "List", "at least", limit, "item").with("min_length", json!(limit))
            }
            ValidationErrorKind::MaxItems { limit } => {
                length("sequence_too_long", "List", "at most", limit, "item").with("max_length", json!(limit))
            }
            ValidationErrorKind::MinLength { limit } => {
                length("string_too_short", "String", "at least", limit, "character").with("min_length", json!(limit))
            }
            ValidationErrorKind::MaxLength { limit } => {
                length("string_too_long", "String", "at most", limit, "character").with("max_length", json!(limit))
            }
            ValidationErrorKind::Pattern { pattern } => {
                Violation::new("string_pattern_mismatch", format!("String should match pattern '{pattern}'"))
                    .with("pattern", json!(pattern))
            }
            ValidationErrorKind::Enum { options } => one_of(options.as_array().map_or(&[], Vec::as_slice)),
            ValidationErrorKind::Constant { expected_value } => one_of(std::slice::from_ref(&**expected_value)),
            ValidationErrorKind::UniqueItems => Violation::new("value_error", "List items should be unique"),
            other => Violation::new("value_error", format!("Input does not satisfy `{}`", other.keyword())),
        }
    }

    /// Formats the violation as fal does. `loc` is the path of the value `input`, from `"body"` on.
    pub fn detail(&self, mut loc: Value, input: Option<&Value>) -> Value {
        let mut input = input;
        if let (Some(property), Value::Array(loc)) = (&self.property, &mut loc) {
            loc.push(property.clone());
            // A missing property has no value, so fal shows the object. An extra property is shown itself.
            if let Some(extra) = property.as_str().and_then(|name| input.and_then(|input| input.get(name))) {
                input = Some(extra);
            }
        }
        let mut detail = json!({
            "loc": loc,
            "msg": self.msg,
            "type": self.kind,
            "url": format!("https://docs.fal.ai/errors/#{}", self.kind),
        });
        if !self.ctx.is_empty() {
            detail["ctx"] = Value::Object(self.ctx.clone());
        }
        if let Some(input) = input {
            detail["input"] = input.clone();
        }
        detail
    }

    fn wrong_type(expected: &str) -> Self {
        let (kind, what) = match expected {
            "string" => ("string_type", "a valid string"),
            "integer" => ("int_type", "a valid integer"),
            "number" => ("float_type", "a valid number"),
            "boolean" => ("bool_type", "a valid boolean"),
            "array" => ("list_type", "a valid list"),
            "object" => ("dict_type", "a valid dictionary"),
            _ => ("none_required", "None"),
        };
        Violation::new(kind, format!("Input should be {what}"))
    }
}

/// Returns the expected type, or the first that is not null of several.
fn type_name(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(single) => single.to_string(),
        TypeKind::Multiple(several) => {
            several.iter().map(|kind| kind.to_string()).find(|kind| kind != "null").unwrap_or_else(|| "null".to_owned())
        }
    }
}

fn bound(kind: &'static str, words: &str, name: &str, limit: &Value) -> Violation {
    Violation::new(kind, format!("Input should be {words} {limit}")).with(name, limit.clone())
}

fn length(kind: &'static str, what: &str, words: &str, limit: &u64, unit: &str) -> Violation {
    let plural = if *limit == 1 { "" } else { "s" };
    Violation::new(kind, format!("{what} should have {words} {limit} {unit}{plural}"))
}

fn one_of(expected: &[Value]) -> Violation {
    let mut words: Vec<String> = expected
        .iter()
        .map(|value| value.as_str().map_or_else(|| value.to_string(), |text| format!("'{text}'")))
        .collect();
    let last = words.pop().unwrap_or_default();
    let listed = if words.is_empty() { last } else { format!("{} or {last}", words.join(", ")) };
    Violation::new("one_of", format!("Input should be {listed}")).with("expected", json!(expected))
}

/// Returns a number as JSON, as an integer if it is one.
fn whole(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9e15 { json!(number as i64) } else { json!(number) }
}

//! The example in the documentation of an endpoint's module: a call with the required fields.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::Value;

use fal_documents::budget::Budget;

use super::Options;
use super::types::type_of;
use crate::model::{Endpoint, Field, Item, Record, Role, Type};
use crate::tree::{Node, module_path};
use crate::{prose, words};

/// The path of the root module inside the crate that has it, where no other is set.
pub(crate) const MODULE_PATH: &str = "crate::endpoints";

/// Maximum nesting of values in an example.
const MAX_DEPTH: usize = 8;

/// The longest string of an example, in characters.
const MAX_STRING: usize = 100;

/// The most values in an example. A few objects that require several others each may need millions.
const MAX_VALUES: usize = 500;

/// The place of a value that is nested too deeply.
const LEFT_OUT: &str = "/* … */";

/// A call of an endpoint with its required fields, as lines of Rust.
pub(crate) struct Call {
    pub(crate) imports: Vec<String>,
    pub(crate) statements: Vec<String>,
    /// False if values are left out that are nested too deeply.
    pub(crate) is_complete: bool,
}

/// Returns the call of an endpoint whose module may be a group too. `root` is the path of the generated root module.
pub(crate) fn call(endpoint: &Endpoint, is_group: bool, root: &str, trait_name: &str) -> Call {
    let path = module_path(&endpoint.id);
    let module = path.last().map_or("", String::as_str);
    let items = endpoint.items.iter().map(|item| (item.name(), item)).collect();
    let values = Values { items, module, budget: RefCell::new(Budget::new(MAX_VALUES)) };
    let mut imports = vec![format!("use {root}::{trait_name};")];
    let mut statements = match endpoint.input() {
        Some(input) => {
            imports.push(format!("use {root}::{};", path.join("::")));
            values.builder(input)
        }
        None => vec!["let input = fal_client::serde_json::json!({});".to_owned()],
    };
    let is_complete = !statements.iter().any(|line| line.contains(LEFT_OUT));
    let handle = if is_group { ".endpoint()" } else { "" };
    statements.push(format!("let response = client.{}(){handle}.subscribe(input).await?;", path.join("().")));
    Call { imports, statements, is_complete }
}

/// Returns the lines of the example, with their fence.
pub(super) fn example(node: &Node, endpoint: &Endpoint, options: &Options) -> Vec<String> {
    let root = options.module_path.as_deref().unwrap_or(MODULE_PATH);
    let Call { imports, statements, is_complete } = call(endpoint, node.is_group(), root, &options.trait_name);
    // Another crate sees the types of this module only by a path that the generator has to be told.
    let compiles = options.module_path.is_some();
    let fence = match compiles {
        _ if !is_complete => words::PARTIAL_EXAMPLE,
        true => "```no_run",
        false => words::IGNORED_EXAMPLE,
    };
    let mut lines = vec![fence.to_owned()];
    lines.extend(imports);
    lines.push(String::new());
    if compiles {
        lines.push("# async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {".to_owned());
    }
    lines.extend(statements);
    if compiles {
        lines.extend(["# let _ = response;", "# Ok(())", "# }"].map(str::to_owned));
    }
    lines.push("```".to_owned());
    lines
}

/// Values for the types of an endpoint, as expressions outside of its module.
struct Values<'a> {
    items: BTreeMap<&'a str, &'a Item>,
    module: &'a str,
    budget: RefCell<Budget>,
}

impl Values<'_> {
    /// An input with its required fields set, one setter a line where there are several. Without required fields, one
    /// optional field is set.
    fn builder(&self, input: &Record) -> Vec<String> {
        let mut setters = self.setters(input, 0);
        if setters.is_empty() {
            setters.extend(self.optional_setter(input));
        }
        let start = format!("let input = {}::Input::builder()", self.module);
        match &setters[..] {
            [] | [_] => vec![format!("{start}{};", setters.concat())],
            [first @ .., last] => {
                let first = first.iter().map(|setter| format!("    {setter}"));
                [start].into_iter().chain(first).chain([format!("    {last};")]).collect()
            }
        }
    }

    /// The setters of a record's required fields.
    fn setters(&self, record: &Record, depth: usize) -> Vec<String> {
        record.required().map(|field| format!(".{}({})", field.name, self.argument(&field.kind, depth))).collect()
    }

    /// The setter of an optional field: the first text whose value the schema states, or else the first field.
    fn optional_setter<'r>(&self, input: &'r Record) -> Option<String> {
        let fields = || input.fields.iter().filter(|field| !matches!(field.kind.bare(), Type::Map(_) | Type::Json));
        let texts = || fields().filter(|field| self.takes_text(field.kind.bare()));
        let stated = |field| Some((field, self.stated(field)?));
        let placeholder = |field: &'r Field| (field, self.argument(field.kind.bare(), 0));
        let (field, value) = texts()
            .find_map(stated)
            .or_else(|| texts().next().map(placeholder))
            .or_else(|| fields().find_map(stated))
            .or_else(|| fields().next().map(placeholder))?;
        Some(format!(".{}({value})", field.name))
    }

    /// Returns true for strings, files and enums, which tell the most in an example.
    fn takes_text(&self, of: &Type) -> bool {
        match of {
            Type::String | Type::Runtime("FileInput") => true,
            Type::Local(name) => matches!(self.items.get(name.as_str()), Some(Item::Enum(_))),
            _ => false,
        }
    }

    /// The value of a field's example in the schema.
    fn stated(&self, field: &Field) -> Option<String> {
        let example = field.stated.examples.first()?;
        match (field.kind.bare(), example) {
            (Type::String | Type::Runtime("FileInput"), Value::String(text)) => prose::rust_string(text, MAX_STRING),
            (Type::Bool, Value::Bool(flag)) => Some(flag.to_string()),
            (Type::I64 | Type::I128, Value::Number(number)) => Some(number.as_i64()?.to_string()),
            (Type::F64, Value::Number(number)) => Some(format!("{:?}", number.as_f64()?)),
            (Type::Local(name), Value::String(text)) => match self.items.get(name.as_str()) {
                Some(Item::Enum(item)) => {
                    let (variant, _) = item.values.iter().find(|(_, value)| value == text)?;
                    Some(format!("{}::{name}::{variant}", self.module))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// A value that a setter accepts, as short as one writes it.
    fn argument(&self, of: &Type, depth: usize) -> String {
        match of {
            Type::String => "\"…\"".to_owned(),
            Type::Runtime("FileInput") => "\"https://…\"".to_owned(),
            Type::Runtime("ImageSize") => "(1024, 1024)".to_owned(),
            // An item is the object itself.
            Type::List(item) if matches!(**item, Type::Local(_)) => list("", &self.exact(item, depth + 1)),
            Type::List(item) => list("", &self.argument(item, depth + 1)),
            Type::Nullable(value) => self.argument(value, depth + 1),
            Type::Local(name) => self.local(name, depth, false),
            _ => self.exact(of, depth),
        }
    }

    /// A value of exactly this type.
    fn exact(&self, of: &Type, depth: usize) -> String {
        let module = self.module;
        if depth > MAX_DEPTH || !self.budget.borrow_mut().spend(1) {
            return LEFT_OUT.to_owned();
        }
        match of {
            Type::Bool => "true".to_owned(),
            Type::I64 | Type::I128 => "1".to_owned(),
            Type::F64 => "1.0".to_owned(),
            Type::String => "\"…\".to_owned()".to_owned(),
            Type::Json => "fal_client::serde_json::json!({})".to_owned(),
            Type::Runtime("FileInput") => "fal_client::FileInput::url(\"https://…\")".to_owned(),
            Type::Runtime("ImageSize") => "fal_client::ImageSize::new(1024, 1024)".to_owned(),
            Type::Runtime(name) => format!("fal_client::{name}::new(\"https://…\")"),
            Type::List(item) => list("vec!", &self.exact(item, depth + 1)),
            Type::Map(value) => {
                let value = match &**value {
                    Type::Local(name) => format!("{module}::{name}"),
                    value => type_of(value).to_string().replace(' ', ""),
                };
                format!("std::collections::BTreeMap::<String, {value}>::new()")
            }
            Type::Boxed(inner) => format!("Box::new({})", self.exact(inner, depth + 1)),
            Type::Option(_) => "None".to_owned(),
            Type::Nullable(inner) => format!("fal_client::Nullable::Value({})", self.exact(inner, depth + 1)),
            Type::Local(name) => self.local(name, depth, true),
        }
    }

    /// A value of a type of the endpoint's own. A builder is one only if it is built.
    fn local(&self, name: &str, depth: usize, build: bool) -> String {
        if depth > MAX_DEPTH || !self.budget.borrow_mut().spend(1) {
            return LEFT_OUT.to_owned();
        }
        let path = format!("{}::{name}", self.module);
        match self.items.get(name) {
            Some(Item::Enum(item)) => item
                .values
                .first()
                .map_or_else(|| format!("{path}::other(\"…\")"), |(value, _)| format!("{path}::{value}")),
            Some(Item::Record(record)) if record.role == Role::Part => {
                if record.has_builder() {
                    let build = if build { ".build()" } else { "" };
                    return format!("{path}::builder(){}{build}", self.setters(record, depth + 1).concat());
                }
                let argument = record.required().next().map(|field| self.argument(&field.kind, depth + 1));
                format!("{path}::new({})", argument.unwrap_or_default())
            }
            Some(Item::Union(union)) => match union.members.first() {
                Some(member) => format!("{path}::{}({})", member.name, self.exact(&member.of, depth + 1)),
                None => LEFT_OUT.to_owned(),
            },
            _ => "fal_client::serde_json::json!({})".to_owned(),
        }
    }
}

/// An array with an item, or without it where it is nested too deeply.
fn list(before: &str, item: &str) -> String {
    let item = if item.contains(LEFT_OUT) { "" } else { item };
    format!("{before}[{item}]")
}

//! The example in the documentation of an endpoint's module: a call with the required fields.

use std::cell::RefCell;
use std::collections::BTreeMap;

use fal_documents::budget::Budget;

use super::Options;
use super::types::type_of;
use crate::model::{Endpoint, Item, Record, Role, Type};
use crate::tree::{Node, module_path};

/// The path of the root module inside the crate that has it, where no other is set.
const MODULE_PATH: &str = "crate::endpoints";

/// Maximum nesting of values in an example.
const MAX_DEPTH: usize = 8;

/// The most values in an example. A few objects that require several others each may need millions.
const MAX_VALUES: usize = 500;

/// Returns the lines of the example, with their fence.
pub(super) fn example(node: &Node, endpoint: &Endpoint, options: &Options) -> Vec<String> {
    let path = module_path(&endpoint.id);
    let module = path.last().map_or("", String::as_str);
    let root = options.module_path.as_deref().unwrap_or(MODULE_PATH);
    let items = endpoint.items.iter().map(|item| (item.name(), item)).collect();
    let values = Values { items, module, budget: RefCell::new(Budget::new(MAX_VALUES)) };
    // Another crate sees the types of this module only by a path that the generator has to be told.
    let compiles = options.module_path.is_some();
    let mut lines = vec![if compiles { "```no_run" } else { "```text" }.to_owned()];
    lines.push(format!("use {root}::{};", options.trait_name));
    if endpoint.input().is_some() {
        lines.push(format!("use {root}::{};", path.join("::")));
    }
    lines.push(String::new());
    if compiles {
        lines.push("# async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {".to_owned());
    }
    lines.extend(match endpoint.input() {
        Some(input) => values.builder(input),
        None => vec!["let input = serde_json::json!({});".to_owned()],
    });
    let handle = if node.is_group() { ".endpoint()" } else { "" };
    lines.push(format!("let response = client.{}(){handle}.subscribe(input).await?;", path.join("().")));
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
    /// An input with its required fields set, one setter a line where there are several.
    fn builder(&self, input: &Record) -> Vec<String> {
        let setters = self.setters(input, 0);
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

    /// A value that a setter accepts, as short as one writes it.
    fn argument(&self, of: &Type, depth: usize) -> String {
        match of {
            Type::String => "\"…\"".to_owned(),
            Type::Runtime("FileInput") => "\"https://…\"".to_owned(),
            Type::Runtime("ImageSize") => "(1024, 1024)".to_owned(),
            Type::List(item) => format!("[{}]", self.argument(item, depth + 1)),
            Type::Nullable(value) => self.argument(value, depth + 1),
            Type::Local(name) => self.local(name, depth, false),
            _ => self.exact(of, depth),
        }
    }

    /// A value of exactly this type.
    fn exact(&self, of: &Type, depth: usize) -> String {
        let module = self.module;
        if depth > MAX_DEPTH || !self.budget.borrow_mut().spend(1) {
            return "unreachable!()".to_owned();
        }
        match of {
            Type::Bool => "true".to_owned(),
            Type::I64 | Type::I128 => "1".to_owned(),
            Type::F64 => "1.0".to_owned(),
            Type::String => "\"…\".to_owned()".to_owned(),
            Type::Json => "serde_json::json!({})".to_owned(),
            Type::Runtime("FileInput") => "fal_client::FileInput::url(\"https://…\")".to_owned(),
            Type::Runtime("ImageSize") => "fal_client::ImageSize::new(1024, 1024)".to_owned(),
            Type::Runtime(name) => format!("fal_client::{name}::new(\"https://…\")"),
            Type::List(item) => format!("vec![{}]", self.exact(item, depth + 1)),
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
            return "unreachable!()".to_owned();
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
                None => "unreachable!()".to_owned(),
            },
            _ => "serde_json::json!({})".to_owned(),
        }
    }
}

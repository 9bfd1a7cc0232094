use std::path::Path;
#[cfg(feature = "mcp")]
use std::path::PathBuf;

use fal_client::JsonInput;
use fal_codegen::Description;
use fal_documents::Validator;
use fal_documents::pointer::escape;
use fal_documents::text::quoted;
use serde_json::{Map, Value};

use super::file::{self, Local};
use super::pair::{self, Source};
use super::path::{self, Step};
use super::problem::{Problem, shown};
use super::shape::{ANY, Shape};
use super::{base, text};
use crate::catalog::Entry;
use crate::error::{Error, Exit};

/// The most problems that are listed.
const MAX_LISTED: usize = 30;

/// The most problems of a row.
const MAX_IN_LINE: usize = 5;

/// Builds inputs of an endpoint.
#[derive(Debug)]
pub(crate) struct Builder {
    id: String,
    /// The description, unless the generator refuses the document. Its schemas are enough to validate.
    description: Option<Description>,
    validator: Validator,
}

impl Builder {
    /// Reads the fields of an endpoint.
    ///
    /// # Errors
    ///
    /// The document has no schema to validate inputs with.
    pub(crate) fn new(entry: &Entry) -> Result<Self, Error> {
        let document = &entry.document;
        let validator = Validator::new(document).map_err(|finding| {
            let error =
                Error::new(Exit::Failed, format!("the document of `{}` cannot be used: {finding}", document.id));
            error.help(format!("fetch it again with `cargo fal add {}`", document.id))
        })?;
        Ok(Builder { id: document.id.clone(), description: fal_codegen::describe(document).ok(), validator })
    }

    /// Reads the file of `--input`. In fields that are files, `@path` is relative to the folder of the file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not an object in JSON, TOML or YAML.
    pub(crate) fn read(&self, file: &Path) -> Result<Value, Error> {
        let base = base::read(file)?;
        Ok(match file.parent() {
            Some(folder) => self.relative_to(base, folder),
            None => base,
        })
    }

    /// Makes each `@path` in fields that are files relative to a folder.
    pub(crate) fn relative_to(&self, mut base: Value, folder: &Path) -> Value {
        if folder != Path::new("") {
            visit(&mut base, self.shape(), &mut String::new(), &mut |value, shape, _| {
                if let Some(path) =
                    local_path(value, shape).filter(|path| *path != file::STDIN && !path.starts_with("~/"))
                {
                    *value = Value::from(format!("@{}", folder.join(path).display()));
                }
            });
        }
        base
    }

    /// Builds an input from a base, such as `{}`, and pairs that take precedence. Checks everything that fal would, and finds all
    /// problems. Local files are uploaded when the input is sent.
    ///
    /// - In the base, `@path` in a field that is a file is a local file. Other strings are taken as they are.
    /// - The pairs are `key=value`, `key=@file` and `key:=JSON`.
    ///
    /// # Errors
    ///
    /// The input has problems. The error lists them.
    pub(crate) fn build(&self, base: Value, pairs: &[String]) -> Result<JsonInput, Error> {
        self.check(base, pairs).map_err(|problems| self.error(&problems))
    }

    /// Builds an input like [`build`](Self::build), with an error in one line.
    pub(crate) fn build_row(&self, base: Value, pairs: &[String]) -> Result<JsonInput, String> {
        self.check(base, pairs).map_err(|problems| {
            let mut texts: Vec<String> = problems.iter().take(MAX_IN_LINE).map(ToString::to_string).collect();
            if problems.len() > MAX_IN_LINE {
                texts.push(format!("and {} more", problems.len() - MAX_IN_LINE));
            }
            texts.join("; ")
        })
    }

    fn check(&self, base: Value, pairs: &[String]) -> Result<JsonInput, Vec<Problem>> {
        let mut draft = Draft::new(self.shape());
        draft.base(base);
        let mut known: Vec<&str> = Vec::new();
        for word in pairs {
            match pair::parse(word) {
                Some(pair) => {
                    draft.pair(pair.key, pair.value, !known.contains(&pair.key));
                    known.push(pair.key);
                }
                None => draft
                    .problems
                    .push(Problem::new(word, "expected `FIELD=VALUE`, such as `seed=42` or `image_url=@room.png`")),
            }
        }
        draft.finish(&self.validator)
    }

    /// Reads the cells of a row, each with the path of its field. A text has the type of the field. An `@path` stays as it is.
    ///
    /// # Errors
    ///
    /// A path is wrong, or contradicts another one.
    pub(crate) fn of_cells(&self, cells: &[(String, String)]) -> Result<Value, String> {
        let mut value = Value::Object(Map::new());
        for (key, cell) in cells {
            let steps = path::parse(key);
            let set = steps.and_then(|steps| {
                let shape = steps.iter().fold(self.shape(), |shape, step| shape.inside(step));
                let slot = steps.iter().try_fold(&mut value, descend)?;
                place(slot, of_text(cell, shape), shape, true);
                Ok(())
            });
            set.map_err(|reason| format!("the column {}: {reason}", quoted(key)))?;
        }
        Ok(value)
    }

    /// Builds an input from JSON whose local files `find` finds. It gets the strings that are not URLs in fields that are files, with
    /// or without `@`, and returns the absolute path of a file. No other file is opened.
    ///
    /// # Errors
    ///
    /// The input has problems. The error lists them.
    #[cfg(feature = "mcp")]
    pub(crate) fn build_with(
        &self,
        base: Value,
        find: &dyn Fn(&str) -> Result<PathBuf, String>,
    ) -> Result<JsonInput, Error> {
        let mut draft = Draft::new(self.shape());
        draft.found(base, find);
        draft.finish(&self.validator).map_err(|problems| self.error(&problems))
    }

    fn shape(&self) -> Shape<'_> {
        self.description.as_ref().map_or(ANY, |description| Shape::of_input(&description.input))
    }

    fn error(&self, problems: &[Problem]) -> Error {
        let mut lines = vec![format!("invalid input for `{}`; nothing was sent", self.id)];
        lines.extend(problems.iter().take(MAX_LISTED).map(|problem| format!("  {problem}")));
        if problems.len() > MAX_LISTED {
            lines.push(format!("  and {} more", problems.len() - MAX_LISTED));
        }
        let help = format!("`cargo fal show {}` lists the fields", self.id);
        Error::new(Exit::Invalid, lines.join("\n")).help(help)
    }
}

/// An input in which a URL stands for each local file.
struct Draft<'a> {
    shape: Shape<'a>,
    value: Value,
    files: Vec<Local>,
    problems: Vec<Problem>,
}

/// The URL of a local file in a draft. Documents may limit the characters and the length of URLs.
const PLACEHOLDER: &str = "https://local.fal/";

impl<'a> Draft<'a> {
    fn new(shape: Shape<'a>) -> Self {
        Draft { shape, value: Value::Object(Map::new()), files: Vec::new(), problems: Vec::new() }
    }

    /// Takes a base, and finds its local files.
    fn base(&mut self, mut base: Value) {
        visit(&mut base, self.shape, &mut String::new(), &mut |value, shape, pointer| {
            if let Some(path) = local_path(value, shape) {
                match file::local(path) {
                    Ok(local) => *value = self.placeholder(local),
                    Err(reason) => {
                        self.problems.push(Problem::new(path::of_pointer(pointer), reason));
                        *value = Value::from(PLACEHOLDER);
                    }
                }
            }
        });
        self.value = base;
    }

    /// Takes a base, and looks for its local files by a function.
    #[cfg(feature = "mcp")]
    fn found(&mut self, mut base: Value, find: &dyn Fn(&str) -> Result<PathBuf, String>) {
        visit(&mut base, self.shape, &mut String::new(), &mut |value, shape, pointer| {
            let Some(text) = value.as_str().filter(|text| shape.is_file() && !is_remote(text)) else { return };
            // A text next to files may be a name that the model knows.
            if !shape.is_only_file() && !is_path(text) {
                return;
            }
            match find(text).and_then(|path| file::local(&path.to_string_lossy())) {
                Ok(local) => *value = self.placeholder(local),
                Err(reason) => {
                    self.problems.push(Problem::new(path::of_pointer(pointer), reason));
                    *value = Value::from(PLACEHOLDER);
                }
            }
        });
        self.value = base;
    }

    fn placeholder(&mut self, local: Local) -> Value {
        let extension = Path::new(&local.path).extension().and_then(|extension| extension.to_str()).unwrap_or("bin");
        let url = format!("{PLACEHOLDER}{}.{extension}", self.files.len());
        self.files.push(local);
        Value::from(url)
    }

    /// Returns the local file of a placeholder.
    fn local(&self, url: &str) -> Option<&Local> {
        let (index, _) = url.strip_prefix(PLACEHOLDER)?.split_once('.')?;
        self.files.get(index.parse::<usize>().ok()?)
    }

    /// Sets a field. `is_first` is true for the first pair with this key, which replaces an array of the base.
    fn pair(&mut self, key: &str, source: Source<'_>, is_first: bool) {
        let is_field = self.shape.has(key);
        let steps = if is_field { Ok(vec![Step::Name(key.to_owned())]) } else { path::parse(key) };
        let set = steps.and_then(|steps| {
            let shape = steps.iter().fold(self.shape, |shape, step| shape.inside(step));
            let is_undeclared = matches!(&steps[..], [Step::Name(name), ..] if !self.shape.has(name));
            let value = match self.read(source, shape) {
                // The validation says whether the field itself is the problem.
                Err(reason) if is_undeclared => {
                    self.problems.push(Problem::new(key, reason));
                    Value::Null
                }
                value => value?,
            };
            let slot = steps.iter().try_fold(&mut self.value, descend)?;
            place(slot, value, shape, is_first);
            Ok(())
        });
        if let Err(reason) = set {
            self.problems.push(Problem::new(key, reason));
        }
    }

    /// Reads a value for a place of this shape, or for a new item of an array.
    fn read(&mut self, source: Source<'_>, shape: Shape<'_>) -> Result<Value, String> {
        let json = |text: &str| serde_json::from_str(text).map_err(|error| format!("invalid JSON: {error}"));
        let is_file = shape.is_file() || shape.item().is_some_and(Shape::is_file);
        match source {
            Source::Json(text) => json(text),
            Source::JsonFile(path) => json(&file::text(path)?),
            Source::Text(text) => Ok(of_text(text, shape)),
            Source::File(path) if is_file => file::local(path).map(|local| self.placeholder(local)),
            Source::File(path) => file::text(path).map(|text| of_text(&text, shape)),
        }
    }

    /// Checks the input, and attaches the files.
    fn finish(mut self, validator: &Validator) -> Result<JsonInput, Vec<Problem>> {
        let mut details = validator.unknown_fields(&self.value);
        let is_unknown = |detail: &Value| detail["type"] == "extra_forbidden";
        details.extend(validator.errors(&self.value).into_iter().filter(|detail| !is_unknown(detail)));
        let measured = |url: &str| self.local(url).map(Local::measured);
        details.extend(validator.file_errors(&self.value, &measured));
        // The value of an unknown field does not matter.
        let unknown: Vec<String> =
            details.iter().filter(|detail| is_unknown(detail)).map(|detail| path::of_loc(&detail["loc"])).collect();
        self.problems.retain(|problem| !unknown.iter().any(|field| problem.is_of(field)));
        let show = |value: &Value| match value.as_str().and_then(|url| self.local(url)) {
            Some(local) => Some(format!("@{}", local.path)),
            None => shown(value),
        };
        // A field whose value cannot be read is not missing.
        details.retain(|detail| {
            let field = path::of_loc(&detail["loc"]);
            detail["type"] != "missing" || !self.problems.iter().any(|problem| problem.is_of(&field))
        });
        let mut problems: Vec<Problem> = details.iter().map(|detail| Problem::of_detail(detail, &show)).collect();
        let mut pointers = Vec::new();
        let mut value = std::mem::take(&mut self.value);
        visit(&mut value, self.shape, &mut String::new(), &mut |value, shape, pointer| {
            let Value::String(text) = value else { return };
            match self.local(text) {
                Some(local) => pointers.push((pointer.to_owned(), local.input.clone())),
                None if shape.is_only_file() && !text.starts_with(PLACEHOLDER) => {
                    problems.extend(not_a_url(text, &path::of_pointer(pointer)));
                }
                None => {}
            }
        });
        self.problems.extend(problems);
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        let input = pointers.into_iter().try_fold(JsonInput::from(value), |input, (at, file)| input.file(at, file));
        input.map_err(|error| vec![Problem::new("", error.to_string())])
    }
}

/// Converts a text for a place of this shape, or for a new item of an array.
fn of_text(text: &str, shape: Shape<'_>) -> Value {
    let whole = text::value(text, shape);
    match shape.item() {
        Some(item) if whole.is_string() && shape.is_only_array() => text::value(text, item),
        // `x=[1,2]` of an array of arrays is an item.
        Some(item) if item.is_only_array() => match whole {
            Value::Array(items) if !items.is_empty() && !items.iter().any(Value::is_array) => Value::Array(items),
            whole => whole,
        },
        _ => whole,
    }
}

/// Puts a value into a place. A value that is not an array is an item of an array.
fn place(slot: &mut Value, value: Value, shape: Shape<'_>, is_first: bool) {
    let Some(item) = shape.item().filter(|_| !value.is_null()) else {
        *slot = value;
        return;
    };
    let is_whole = |items: &[Value]| !item.is_only_array() || items.iter().all(Value::is_array);
    *slot = match (value, slot.take()) {
        (Value::Array(more), Value::Array(mut items)) if !is_first && is_whole(&more) => {
            items.extend(more);
            Value::Array(items)
        }
        (Value::Array(items), _) if is_whole(&items) => Value::Array(items),
        (value, _) if is_first && !shape.is_only_array() => value,
        (value, Value::Array(mut items)) if !is_first => {
            items.push(value);
            Value::Array(items)
        }
        // A second text for a field that is a string or an array of strings.
        (value, before) if !is_first && !before.is_null() => Value::Array(vec![before, value]),
        (value, _) => Value::Array(vec![value]),
    };
}

/// Returns the place below a step. The error says why there is none.
fn descend<'v>(value: &'v mut Value, step: &Step) -> Result<&'v mut Value, String> {
    let index = match (step, &*value) {
        (Step::Name(name), Value::Array(_)) if name.parse::<usize>().is_ok() => name.parse().ok(),
        (Step::Name(_), _) => None,
        (Step::Index(index), _) => Some(*index),
        (Step::Append, Value::Array(items)) => Some(items.len()),
        (Step::Append, _) => Some(0),
    };
    match (index, step) {
        (None, Step::Name(name)) => {
            if !value.is_object() {
                *value = Value::Object(Map::new());
            }
            let members = value.as_object_mut().ok_or("expected an object")?;
            Ok(members.entry(name.as_str()).or_insert(Value::Null))
        }
        (index, _) => {
            if !value.is_array() {
                *value = Value::Array(Vec::new());
            }
            let items = value.as_array_mut().ok_or("expected an array")?;
            let (index, length) = (index.unwrap_or_default(), items.len());
            if index > length {
                return Err(format!("the index {index} leaves a gap: the next one is {length}"));
            }
            if index == length {
                items.push(Value::Null);
            }
            items.get_mut(index).ok_or_else(|| "expected an item".to_owned())
        }
    }
}

/// Returns the path of `@path`, in a place that may be a file.
fn local_path<'v>(value: &'v Value, shape: Shape<'_>) -> Option<&'v str> {
    value.as_str()?.strip_prefix('@').filter(|_| shape.is_file())
}

/// Returns true for what the service reads by itself: remote URLs and data URIs.
fn is_remote(text: &str) -> bool {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|scheme| matches!(&*scheme, "http" | "https" | "data"))
}

/// Returns true for a text that can only be the path of a file, or its URI.
#[cfg(feature = "mcp")]
fn is_path(text: &str) -> bool {
    ["/", "./", "../", "@", "file:", "~", "\\"].iter().any(|start| text.starts_with(start)) || text.contains(":\\")
}

/// Returns the problem of a text where a file is expected.
fn not_a_url(text: &str, field: &str) -> Option<Problem> {
    if is_remote(text) {
        return None;
    }
    let reason = match Path::new(text).is_file() {
        true => format!("expected a URL or a data URI; to upload the local file, use `{field}=@{text}`"),
        false => format!("expected a URL, a data URI, or a local file as in `{field}=@FILE`"),
    };
    Some(Problem::of_value(field, shown(&Value::from(text)), reason))
}

/// The deepest value that is visited.
const MAX_DEPTH: usize = 64;

/// Visits the strings of a value, each with its shape and its pointer.
fn visit(value: &mut Value, shape: Shape<'_>, pointer: &mut String, call: &mut dyn FnMut(&mut Value, Shape<'_>, &str)) {
    fn inside(
        value: &mut Value,
        shape: Shape<'_>,
        pointer: &mut String,
        depth: usize,
        call: &mut dyn FnMut(&mut Value, Shape<'_>, &str),
    ) {
        let length = pointer.len();
        match value {
            _ if depth > MAX_DEPTH => {}
            Value::String(_) => call(value, shape, pointer),
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    pointer.push_str(&format!("/{index}"));
                    inside(item, shape.inside(&Step::Index(index)), pointer, depth + 1, call);
                    pointer.truncate(length);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    pointer.push_str(&format!("/{}", escape(name)));
                    inside(member, shape.inside(&Step::Name(name.clone())), pointer, depth + 1, call);
                    pointer.truncate(length);
                }
            }
            _ => {}
        }
    }
    inside(value, shape, pointer, 0, call);
}

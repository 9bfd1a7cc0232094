//! The page of an endpoint: names on the left, facts on the right.

use anstyle::{AnsiColor, Style};
use fal_codegen::{Field, Kind, Variant};
use fal_documents::text::printable;
use serde_json::Value;

use super::Shown;
use crate::layout::{cut, width, wrap};

const TITLE: Style = Style::new().bold().underline();
const NAME: Style = Style::new().bold();
const MARKED: Style = Style::new().bold().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow)));
const QUIET: Style = Style::new().dimmed();

/// The columns of output that is not to fit into a terminal.
const DEFAULT_WIDTH: usize = 100;

/// The fewest columns. A narrower terminal wraps lines itself.
const MIN_WIDTH: usize = 40;

/// The widest column of names. A longer name has a line of its own.
const MAX_NAME: usize = 28;

/// The most characters of a text, or of a value, unless the page is full.
const MAX_TEXT: usize = 240;
const MAX_VALUE: usize = 60;

/// The most values, unless the page is full.
const MAX_VALUES: usize = 24;

/// The longest text of a full page, in characters.
const MAX_FULL: usize = 20_000;

/// The lines of a page, while it is written.
pub(super) struct Page {
    width: usize,
    full: bool,
    /// True if required fields are marked.
    marks_required: bool,
    /// The columns of names.
    names: usize,
    lines: Vec<String>,
}

/// A line of the right column.
struct Line {
    text: String,
    style: Style,
}

impl Page {
    pub(super) fn new(width: Option<usize>, full: bool) -> Self {
        Page {
            width: width.unwrap_or(DEFAULT_WIDTH).max(MIN_WIDTH),
            full,
            marks_required: true,
            names: 0,
            lines: Vec::new(),
        }
    }

    /// Returns the page of an endpoint.
    pub(super) fn endpoint(mut self, shown: &Shown) -> String {
        let description = &shown.description;
        self.names = self.column(description.input.iter().chain(&description.output));
        self.head(shown);
        let (input, output) = (&description.input[..], &description.output[..]);
        let required: Vec<&str> = input.iter().filter(|field| field.required).map(|field| &field.path[..]).collect();
        let required = if required.is_empty() { String::new() } else { format!(", required: {}", required.join(", ")) };
        self.section("Input", input, &required, "any JSON object");
        // A user cannot set them.
        self.marks_required = false;
        self.section("Output", output, "", "any JSON");
        if self.full && !description.notes.is_empty() {
            self.title("Not expressed in Rust", "");
            description.notes.iter().for_each(|note| self.text(note, 2, QUIET));
        }
        self.title("Command line", "");
        self.lines.push(format!("  {}", command(shown)));
        self.title("Rust", "");
        let lines =
            description.example.lines().map(|line| if line.is_empty() { String::new() } else { format!("  {line}") });
        self.lines.extend(lines);
        self.lines.join("\n")
    }

    /// Returns a page of fields alone.
    pub(super) fn fields(mut self, fields: &[&Field]) -> String {
        self.names = self.column(fields.iter().copied());
        fields.iter().for_each(|field| self.field(field));
        self.lines.join("\n")
    }

    /// Returns the columns for the names of fields.
    fn column<'a>(&self, fields: impl Iterator<Item = &'a Field>) -> usize {
        let max = MAX_NAME.min(self.width / 3);
        let widths = fields.map(|field| longest(field, max));
        widths.max().unwrap_or(0)
    }

    /// The id, the description, and the places of the document and the module.
    fn head(&mut self, shown: &Shown) {
        let Shown { description, document, shipped, price, catalogue } = shown;
        let of_catalogue =
            |key: &str| catalogue.as_ref().and_then(|entry| entry.get(key)?.as_str()).filter(|text| !text.is_empty());
        let category = description.category.as_deref().or(of_catalogue("category")).unwrap_or_default();
        let category =
            if category.is_empty() { String::new() } else { format!("  {}", printable(category, MAX_VALUE)) };
        self.lines.push(format!("{}{category}", styled(&printable(&description.id, MAX_TEXT), NAME)));
        if of_catalogue("status") == Some("deprecated") {
            self.text("deprecated: fal will remove this endpoint", 0, MARKED);
        }
        if let Some(about) = of_catalogue("description").or(description.summary.as_deref()) {
            let about = self.cut(about, MAX_TEXT);
            self.text(&about, 0, Style::new());
        }
        self.lines.push(String::new());
        let document = match document {
            Some(file) => file.clone(),
            None if *shipped => "comes with fal-client".to_owned(),
            None => format!("not in the project; `cargo fal add {}` adds it", description.id),
        };
        let price = price.as_ref().and_then(price_of);
        let rows = [
            ("Price", price),
            ("Module", Some(description.module.clone())),
            ("Document", Some(document)),
            ("Website", Some(format!("https://fal.ai/models/{}", description.id))),
        ];
        for (name, value) in rows {
            if let Some(value) = value {
                self.lines.push(format!("{name:<10}{}", printable(&value, MAX_TEXT)));
            }
        }
    }

    fn section(&mut self, name: &str, fields: &[Field], more: &str, undeclared: &str) {
        let more = match fields.len() {
            0 => format!(": {undeclared}"),
            1 => format!(": 1 field{more}"),
            count => format!(": {count} fields{more}"),
        };
        self.title(name, &more);
        fields.iter().for_each(|field| self.field(field));
    }

    fn title(&mut self, name: &str, more: &str) {
        self.lines.push(String::new());
        let mut lines = wrap(&printable(&format!("{name}{more}"), MAX_FULL), self.width).into_iter();
        let first = lines.next().unwrap_or_default();
        let rest = first.strip_prefix(name).unwrap_or_default();
        self.lines.push(format!("{}{rest}", styled(name, TITLE)));
        self.lines.extend(lines.map(|line| format!("  {line}")));
    }

    fn text(&mut self, text: &str, indent: usize, style: Style) {
        let text = printable_lines(text);
        for line in wrap(&text, self.width.saturating_sub(indent)) {
            self.lines.push(format!("{:indent$}{}", "", styled(&line, style)));
        }
    }

    fn field(&mut self, field: &Field) {
        let Field { path, kind, nullable, default, range, deprecated, fields, variants, .. } = field;
        let required = field.required && self.marks_required;
        let mut facts = vec![kind_of(kind, &field.values)];
        if *nullable && (field.required || default.is_some()) {
            facts[0].push_str(" or null");
        }
        if required {
            facts.push("required".to_owned());
        }
        let default = default.as_ref().map(|default| literal(default, MAX_FULL));
        let is_short = default.as_ref().is_some_and(|default| width(default) <= MAX_VALUE);
        facts.extend(default.iter().filter(|_| is_short).map(|default| format!("default {default}")));
        facts.extend(range.clone());
        let description = if self.full { &field.description[..] } else { first_paragraph(&field.description) };
        if let Some(remedy) = deprecated {
            let is_said = remedy.is_empty() || description.contains(&remedy[..]);
            facts.push(if is_said { "deprecated".to_owned() } else { format!("deprecated: {remedy}") });
        }
        let style = if required || deprecated.is_some() { MARKED } else { Style::new() };
        let mut lines = vec![Line { text: facts.join(", "), style }];
        if !description.is_empty() {
            lines.push(Line { text: self.cut(description, MAX_TEXT), style: Style::new() });
        }
        let mut quiet = |text: String| lines.push(Line { text, style: QUIET });
        if let Some(default) = default.filter(|_| !is_short) {
            quiet(format!("Default: {}", self.cut(&default, MAX_TEXT)));
        }
        if !field.values.is_empty() {
            let label = match field.values.len() {
                _ if *kind.item() == Kind::String => "Such as",
                1 => "Always",
                _ => "One of",
            };
            quiet(format!("{label}: {}", self.list(&field.values, MAX_VALUES, MAX_FULL)));
        }
        if !field.limits.is_empty() {
            quiet(format!("Limits: {}", self.cut(&field.limits.join(", "), MAX_TEXT)));
        }
        let examples = self.examples(field);
        if !examples.is_empty() {
            let label = if examples.len() == 1 { "Example" } else { "Examples" };
            quiet(format!("{label}: {}", self.list(&examples, examples.len(), MAX_VALUE)));
        }
        if self.full {
            quiet(format!("Rust: {}: {}", field.rust_name, field.rust_type));
        }
        self.entry(path, &lines);
        fields.iter().for_each(|field| self.field(field));
        let several = variants.iter().filter(|variant| !variant.fields.is_empty()).count() > 1;
        variants.iter().for_each(|variant| self.variant(path, variant, several));
    }

    /// Returns the examples that say more than the default and the values: all on a full page, or else a short one.
    fn examples(&self, field: &Field) -> Vec<Value> {
        let says_more = |example: &&Value| {
            !example.is_boolean() && field.default.as_ref() != Some(*example) && !field.values.contains(example)
        };
        let examples = field.examples.iter().filter(says_more).cloned();
        match self.full {
            true => examples.collect(),
            // A URL is cut to no use, and most fields with files have one.
            false if *field.kind.item() == Kind::File => Vec::new(),
            false => examples
                .take(1)
                .filter(|example| example.is_string() || literal(example, MAX_FULL).len() <= MAX_VALUE)
                .collect(),
        }
    }

    /// The fields of a variant. Its name is of interest only where other variants have fields too.
    fn variant(&mut self, path: &str, variant: &Variant, several: bool) {
        if several && !variant.fields.is_empty() {
            let text = format!("variant {}, {}", variant.name, variant.kind);
            self.entry(path, &[Line { text, style: Style::new() }]);
        }
        variant.fields.iter().for_each(|field| self.field(field));
        let several = variant.variants.iter().filter(|variant| !variant.fields.is_empty()).count() > 1;
        variant.variants.iter().for_each(|inner| self.variant(path, inner, several));
    }

    fn entry(&mut self, name: &str, lines: &[Line]) {
        let name = printable(name, MAX_TEXT);
        let column = 2 + self.names + 2;
        let is_long = width(&name) > self.names;
        let mut name = Some(name);
        if is_long {
            self.lines.extend(name.take().map(|name| format!("  {}", styled(&name, NAME))));
        }
        for Line { text, style } in lines {
            for line in wrap(&printable_lines(text), self.width.saturating_sub(column)) {
                let line = styled(&line, *style);
                match name.take() {
                    Some(name) => {
                        let gap = column - 2 - width(&name);
                        self.lines.push(format!("  {}{:gap$}{line}", styled(&name, NAME), ""));
                    }
                    None if line.is_empty() => self.lines.push(line),
                    None => self.lines.push(format!("{:column$}{line}", "")),
                }
            }
        }
    }

    /// Cuts a text, unless the page is full.
    fn cut(&self, text: &str, max: usize) -> String {
        cut(text, if self.full { MAX_FULL } else { max })
    }

    fn list(&self, values: &[Value], most: usize, longest: usize) -> String {
        let most = if self.full { values.len() } else { most };
        let longest = if self.full { MAX_FULL } else { longest };
        let shown: Vec<String> = values.iter().take(most).map(|value| literal(value, longest)).collect();
        let more = values.len().saturating_sub(most);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("{}{more}", shown.join(", "))
    }
}

/// Returns the longest name of a field and the fields inside it that fits into a column.
fn longest(field: &Field, max: usize) -> usize {
    let of_variants = field.variants.iter().flat_map(|variant| &variant.fields);
    let inner = field.fields.iter().chain(of_variants).map(|field| longest(field, max)).max().unwrap_or(0);
    let own = width(&printable(&field.path, MAX_TEXT));
    inner.max(if own <= max { own } else { 0 })
}

fn first_paragraph(text: &str) -> &str {
    text.split("\n\n").next().unwrap_or_default()
}

/// Returns the kind in words. Numbers with declared values are an enum, too.
fn kind_of(kind: &Kind, values: &[Value]) -> String {
    match kind {
        Kind::Integer | Kind::Number | Kind::Boolean if !values.is_empty() => format!("{kind} enum"),
        kind => kind.to_string(),
    }
}

/// Returns a value as a user would write it: a simple string without quotes.
fn literal(value: &Value, max: usize) -> String {
    let text = match value {
        Value::String(text) if is_simple(text) => text.clone(),
        value => value.to_string(),
    };
    printable(&cut(&text, max), MAX_FULL)
}

/// Returns true for a string that cannot be mistaken for JSON, or for several values.
fn is_simple(text: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.:/+*%".contains(c);
    text.chars().all(is_plain) && text.starts_with(char::is_alphabetic) && !["true", "false", "null"].contains(&text)
}

/// Escapes all that affects how a text is displayed, except line breaks.
fn printable_lines(text: &str) -> String {
    text.lines().map(|line| printable(line, MAX_FULL)).collect::<Vec<_>>().join("\n")
}

fn styled(text: &str, style: Style) -> String {
    if text.is_empty() { String::new() } else { format!("{style}{text}{style:#}") }
}

/// Returns the price in words: `$0.025 / image`.
fn price_of(price: &Value) -> Option<String> {
    let part = |key: &str| price.get(key)?.as_str();
    let (amount, unit) = (part("unit_price")?, part("unit")?);
    Some(match part("currency") {
        Some("USD") | None => format!("${amount} / {unit}"),
        Some(currency) => format!("{amount} {currency} / {unit}"),
    })
}

/// Returns the command that runs the endpoint with its required fields.
fn command(shown: &Shown) -> String {
    let required = shown.description.input.iter().filter(|field| field.required);
    let pairs = required.map(|field| {
        let value = match field.kind.item() {
            Kind::File => "@FILE".to_owned(),
            Kind::Enum => {
                field.values.first().and_then(Value::as_str).filter(|value| is_simple(value)).unwrap_or("…").to_owned()
            }
            _ => "…".to_owned(),
        };
        format!(" {}={value}", printable(&field.name, MAX_VALUE))
    });
    format!("cargo fal run {}{}", shown.description.id, pairs.collect::<String>())
}

//! The form of an endpoint: its controls, and the input that is read from them.

use std::collections::HashMap;

use maud::{Markup, html};
use serde_json::{Map, Value, json};

use crate::page::field::{Control, Field, words};
use crate::page::form_data::FormData;
use crate::page::text::{folded, shortened};

/// The content of a form: the texts of its controls, and messages about them.
#[derive(Default)]
pub(super) struct Filled {
    /// The texts by the name of the control.
    pub(super) texts: HashMap<String, String>,
    /// The messages by the name of the field.
    pub(super) errors: HashMap<String, Vec<String>>,
}

/// Returns the name of a field's control, and of its control for uploads.
pub(super) fn control_name(field: &str) -> String {
    format!("field.{field}")
}

pub(super) fn upload_name(field: &str) -> String {
    format!("upload.{field}")
}

impl Filled {
    /// Fills in an example: the fields without which the endpoint refuses an input.
    pub(super) fn example(fields: &[Field]) -> Self {
        let mut filled = Filled::default();
        for field in fields.iter().filter(|field| field.is_required && field.control != Control::Checkbox) {
            if let Some(value) = field.example.as_ref().or(field.default.as_ref()) {
                filled.texts.insert(control_name(&field.name), text_of(field, value));
            }
        }
        filled
    }

    /// Fills in the input of an earlier request.
    pub(super) fn of_input(fields: &[Field], input: &Value) -> Self {
        let mut filled = Filled::default();
        for field in fields {
            if let Some(value) = input.get(&field.name) {
                filled.texts.insert(control_name(&field.name), text_of(field, value));
            } else if field.control == Control::Checkbox {
                filled.texts.insert(control_name(&field.name), field.default.as_ref().map(words).unwrap_or_default());
            }
        }
        filled
    }

    fn text(&self, field: &Field) -> Option<&str> {
        self.texts.get(&control_name(&field.name)).map(String::as_str)
    }
}

/// Returns a value as the text of a field's control.
fn text_of(field: &Field, value: &Value) -> String {
    match (&field.control, value) {
        (Control::Files, Value::Array(urls)) => urls.iter().map(words).collect::<Vec<_>>().join("\n"),
        (Control::Json, value) => serde_json::to_string_pretty(value).unwrap_or_default(),
        _ => words(value),
    }
}

/// Reads the input of a form. A text that is not JSON where JSON is needed is an error of its field.
pub(super) fn read(fields: &[Field], form: &FormData, filled: &mut Filled) -> Value {
    let mut input = Map::new();
    for field in fields {
        let name = control_name(&field.name);
        let text = form.get(&name);
        filled.texts.insert(name.clone(), text.clone().unwrap_or_default());
        let value = match (&field.control, text) {
            (Control::Checkbox, text) => {
                let value = json!(text.is_some());
                (field.is_required || field.default.as_ref() != Some(&value)).then_some(value)
            }
            (_, None) => None,
            (Control::Line | Control::Text | Control::File, Some(text)) => Some(json!(text)),
            (Control::Choice, Some(text)) => Some(json!(text == "true")),
            // The validator says what is wrong with a text that is not a number.
            (Control::Number { .. }, Some(text)) => Some(
                serde_json::from_str::<serde_json::Number>(text.trim()).map_or_else(|_| json!(text), Value::Number),
            ),
            (Control::Select(values), Some(text)) => {
                Some(values.iter().find(|value| words(value) == text).cloned().unwrap_or_else(|| json!(text)))
            }
            (Control::Files, Some(text)) => {
                Some(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Value::from).collect())
            }
            (Control::Mixed(_), Some(text)) => Some(match serde_json::from_str::<Value>(&text) {
                Ok(value) if !value.is_string() => value,
                _ => json!(text),
            }),
            (Control::Json, Some(text)) => match serde_json::from_str::<Value>(&text) {
                Ok(value) => Some(value),
                Err(error) => {
                    filled.errors.entry(field.name.clone()).or_default().push(format!("This is not JSON: {error}"));
                    None
                }
            },
        };
        if let Some(value) = value {
            input.insert(field.name.clone(), value);
        }
    }
    Value::Object(input)
}

/// Shows the controls of fields.
pub(super) fn controls(fields: &[Field], filled: &Filled) -> Markup {
    html! { @for (index, field) in fields.iter().enumerate() { (control(index, field, filled)) } }
}

/// Returns the id of a field's control. Names of fields may have any character.
pub(super) fn id(index: usize) -> String {
    format!("f{index}")
}

fn control(index: usize, field: &Field, filled: &Filled) -> Markup {
    let (id, name) = (id(index), control_name(&field.name));
    let errors = filled.errors.get(&field.name).map(Vec::as_slice).unwrap_or_default();
    let text = filled.text(field);
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    let described = if errors.is_empty() { hint_id.clone() } else { format!("{error_id} {hint_id}") };
    let invalid = (!errors.is_empty()).then_some("true");
    let placeholder = field.placeholder().map(|text| shortened(&text, 200));
    // A browser would not send a required file that is uploaded instead of its URL.
    let is_required = field.is_required && !matches!(field.control, Control::File | Control::Files | Control::Checkbox);
    let is_checked = match text {
        Some(text) => matches!(text, "on" | "true"),
        None => field.default == Some(Value::Bool(true)),
    };
    let label = html! {
        label for=(id) { code { (shortened(&field.name, 100)) } @if field.is_required { " " span.required { "required" } } }
        span.type { (shortened(&field.type_words, 120)) }
    };
    html! {
        div.field .invalid[!errors.is_empty()] {
            @if field.control == Control::Checkbox {
                div.label.check {
                    input id=(id) type="checkbox" name=(name) value="on" checked[is_checked] aria-describedby=(described) aria-invalid=[invalid];
                    (label)
                }
            } @else { div.label { (label) } }
            @match &field.control {
                Control::Checkbox => {}
                Control::Line => input id=(id) type="text" name=(name) value=[text] placeholder=[placeholder] required[is_required] dir="auto" aria-describedby=(described) aria-invalid=[invalid];,
                Control::Text => textarea id=(id) name=(name) rows="3" placeholder=[placeholder] required[is_required] dir="auto" aria-describedby=(described) aria-invalid=[invalid] { "\n" (text.unwrap_or_default()) }
                Control::Number { is_integer, min, max, step } => {
                    @let step = step.clone().unwrap_or_else(|| if *is_integer { "1".to_owned() } else { "any".to_owned() });
                    input.number id=(id) type="number" name=(name) value=[text] placeholder=[placeholder] min=[min.as_deref()] max=[max.as_deref()] step=(step) inputmode=(if *is_integer { "numeric" } else { "decimal" }) required[is_required] aria-describedby=(described) aria-invalid=[invalid];
                }
                Control::Choice => select id=(id) name=(name) aria-describedby=(described) aria-invalid=[invalid] {
                    option value="" { "Unset" }
                    @for value in ["true", "false"] { option value=(value) selected[text == Some(value)] { (value) } }
                }
                Control::Select(values) => select id=(id) name=(name) required[is_required] aria-describedby=(described) aria-invalid=[invalid] {
                    @if !field.is_required || text.is_none() {
                        option value="" { @match &placeholder { Some(default) => { "Default: " (default) } None => "Unset" } }
                    }
                    @for value in values { @let value = words(value); option value=(value) selected[text == Some(&value)] { (shortened(&value, 120)) } }
                }
                Control::Mixed(suggestions) => {
                    input id=(id) type="text" name=(name) value=[text] placeholder=[placeholder] list={ (id) "-list" } required[is_required] dir="auto" aria-describedby=(described) aria-invalid=[invalid];
                    datalist id={ (id) "-list" } { @for value in suggestions { option value=(value) {} } }
                }
                Control::Json => textarea.code id=(id) name=(name) rows="3" placeholder=[placeholder] required[is_required] spellcheck="false" aria-describedby=(described) aria-invalid=[invalid] { "\n" (text.unwrap_or_default()) }
                Control::File => {
                    input id=(id) type="text" inputmode="url" name=(name) value=[text] placeholder=[placeholder.or_else(|| Some("URL, or choose a file".to_owned()))] spellcheck="false" aria-describedby=(described) aria-invalid=[invalid];
                    input type="file" name=(upload_name(&field.name)) accept=(accept(&field.name)) aria-label={ "File for " (field.name) };
                }
                Control::Files => {
                    textarea.code id=(id) name=(name) rows="2" placeholder="One URL a line, or choose files" spellcheck="false" aria-describedby=(described) aria-invalid=[invalid] { "\n" (text.unwrap_or_default()) }
                    input type="file" multiple name=(upload_name(&field.name)) accept=(accept(&field.name)) aria-label={ "Files for " (field.name) };
                }
            }
            @if !errors.is_empty() {
                p.error id=(error_id) dir="auto" { @for error in errors.iter().take(5) { span { (shortened(error, 400)) } " " } }
            }
            div.hint id=(hint_id) { (hint(&id, field)) }
        }
    }
}

fn hint(id: &str, field: &Field) -> Markup {
    let mut facts = field.limits.clone();
    // A checkbox shows its default.
    let default = field.placeholder().filter(|default| default != "[]" && field.control != Control::Checkbox);
    facts.extend(default.map(|default| format!("default {}", shortened(&default, 120))));
    if let Control::Mixed(suggestions) = &field.control {
        facts.push(match suggestions.is_empty() {
            true => "a text or JSON".to_owned(),
            false => format!("{}, or JSON", suggestions.join(", ")),
        });
    }
    html! {
        @if let Some(description) = &field.description { (folded(&format!("{id}-more"), description, 240)) " " }
        @if !facts.is_empty() { span.facts { (shortened(&facts.join(" · "), 400)) } }
    }
}

/// Returns the types of files that a field takes, by its name.
fn accept(name: &str) -> &'static str {
    if name.contains("audio") || name.contains("speech") || name.contains("voice") {
        "audio/*"
    } else if name.contains("video") {
        "video/*"
    } else if name.contains("image") || name.contains("mask") {
        "image/*"
    } else {
        "*/*"
    }
}

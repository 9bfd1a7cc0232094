//! The fields of an endpoint as words and as flags. A flag is the same as a pair: `--num-images 2` as `num_images=2`.

use std::ffi::OsStr;

use clap::builder::StyledStr;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use clap_complete::engine::ArgValueCompleter;
use fal_codegen::{Description, Field, Kind};
use fal_documents::text::printable;
use serde_json::Value;

use crate::commands::completions;

/// The argument of the pairs.
pub(crate) const PAIRS: &str = "pairs";

/// The prefix of the ids of flags, which no other argument has. The name of the field follows.
const FLAG: &str = "field ";
/// The prefix of the ids of flags such as `--no-sync-mode`.
const NO_FLAG: &str = "no field ";

/// The longest default or list of values in the help, in characters.
const MAX_VALUE: usize = 200;

/// The words that set fields, as pairs, in the order of the command line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    pub(crate) pairs: Vec<String>,
}

impl Args for Fields {
    fn augment_args(command: Command) -> Command {
        let pairs = Arg::new(PAIRS).value_name("FIELD=VALUE").action(ArgAction::Append).num_args(0..);
        command.arg(pairs.help("Fields of the input").long_help(
            "Fields of the input. The type of the field decides on the value\n\
             \n  prompt='a fox'             a string, number or boolean\
             \n  image_url=@room.png        a local file, which is uploaded; for other fields, its text\
             \n  prompt=@-                  stdin\
             \n  prompt=@@fox               the text @fox\
             \n  tags=red tags=blue         items of an array\
             \n  image_size.width=512       a field of an object\
             \n  loras[0].path=https://…    a field of an item\
             \n  loras:='[{\"path\": \"…\"}]'   JSON",
        ))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Fields::augment_args(command)
    }
}

impl FromArgMatches for Fields {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut pairs = Vec::new();
        for id in matches.ids().map(clap::Id::as_str) {
            let field = id.strip_prefix(FLAG).or_else(|| id.strip_prefix(NO_FLAG));
            if field.is_none() && id != PAIRS {
                continue;
            }
            let (values, indices) = (matches.get_many::<String>(id), matches.indices_of(id));
            for (value, index) in values.into_iter().flatten().zip(indices.into_iter().flatten()) {
                let pair = field.map_or_else(|| value.clone(), |field| format!("{field}={value}"));
                pairs.push((index, pair));
            }
        }
        pairs.sort();
        Ok(Fields { pairs: pairs.into_iter().map(|(_, pair)| pair).collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Fields::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Adds the flags of an endpoint. `taken` are the names of other flags.
pub(super) fn add(mut command: Command, description: &Description, mut taken: Vec<String>) -> Command {
    let heading = format!("Fields of {}", printable(&description.id, MAX_VALUE));
    let mut left_out = Vec::new();
    for field in &description.input {
        let Some(name) = flag_name(&field.name).filter(|name| !taken.contains(name)) else {
            left_out.push(format!("{}=…", printable(&field.name, MAX_VALUE)));
            continue;
        };
        taken.push(name.clone());
        let mut arg = flag(field, &name).help_heading(heading.clone());
        if !taken.contains(&field.name) {
            taken.push(field.name.clone());
            arg = arg.alias(field.name.clone());
        }
        command = command.arg(arg);
        let no_name = format!("no-{name}");
        let is_field = description.input.iter().any(|field| flag_name(&field.name).as_ref() == Some(&no_name));
        if field.kind == Kind::Boolean && !is_field && !taken.contains(&no_name) {
            taken.push(no_name.clone());
            let arg = Arg::new(format!("{NO_FLAG}{}", field.name)).long(no_name).action(ArgAction::Append);
            command = command.arg(arg.num_args(0).default_missing_value("false").hide(true));
        }
    }
    if left_out.is_empty() {
        return command;
    }
    let note = format!("Fields without a flag, because the name is taken: {}", left_out.join(", "));
    let after = command.get_after_help().map(StyledStr::to_string).unwrap_or_default();
    command.after_help(format!("{note}\n\n{after}"))
}

/// Returns the name of a field's flag, unless its name has characters that no flag has.
fn flag_name(name: &str) -> Option<String> {
    let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    is_plain.then(|| name.to_ascii_lowercase().replace('_', "-"))
}

fn flag(field: &Field, name: &str) -> Arg {
    let arg = Arg::new(format!("{FLAG}{}", field.name)).long(name.to_owned()).action(ArgAction::Append);
    let arg = match &field.kind {
        Kind::Boolean => arg.num_args(0..=1).require_equals(true).default_missing_value("true").value_name("BOOLEAN"),
        kind => arg.num_args(1).allow_negative_numbers(true).value_name(value_name(kind)),
    };
    let described = field.clone();
    let candidates = ArgValueCompleter::new(move |word: &OsStr| completions::of_value(&described, word));
    let arg = arg.add(candidates);
    arg.help(help(field, first_sentence(&field.description))).long_help(help(field, &field.description))
}

fn value_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Boolean => "BOOLEAN",
        Kind::Integer => "INTEGER",
        Kind::Number => "NUMBER",
        Kind::String => "TEXT",
        Kind::Enum => "VALUE",
        Kind::File => "@FILE|URL",
        Kind::Array(item) => value_name(item),
        Kind::Union(kinds) if kinds.iter().all(|kind| value_name(kind) == "@FILE|URL") => "@FILE|URL",
        Kind::Union(kinds) if kinds.iter().any(|kind| matches!(kind, Kind::Enum | Kind::String)) => "VALUE",
        _ => "JSON",
    }
}

/// Returns the description of a field, and its facts in brackets as clap shows those of other options.
fn help(field: &Field, description: &str) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let short = |text: &str| printable(text, MAX_VALUE);
    let mut facts = Vec::new();
    if field.required {
        facts.push("required".to_owned());
    }
    facts.extend(field.deprecated.as_ref().map(|remedy| match remedy.is_empty() {
        true => "deprecated".to_owned(),
        false => format!("deprecated: {}", short(remedy)),
    }));
    if matches!(field.kind, Kind::Array(_)) {
        facts.push("can be repeated".to_owned());
    }
    facts.extend(field.default.as_ref().map(|default| format!("default: {}", short(&text(default)))));
    facts.extend(field.range.as_ref().map(|range| format!("range: {}", short(range))));
    facts.extend(field.limits.iter().map(|limit| short(limit)));
    if !field.values.is_empty() {
        let values: Vec<String> = field.values.iter().map(text).collect();
        facts.push(format!("values: {}", short(&values.join(", "))));
    }
    let fields: Vec<&str> = field.fields.iter().map(|field| field.name.as_str()).collect();
    if !fields.is_empty() {
        facts.push(format!("fields: {}", short(&fields.join(", "))));
    }
    let facts: Vec<String> = facts.iter().map(|fact| format!("[{fact}]")).collect();
    let description = description.trim().trim_end_matches('.');
    [description, &facts.join(" ")].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Returns the first sentence of a description.
fn first_sentence(description: &str) -> &str {
    let line = description.trim().lines().next().unwrap_or_default();
    line.find(". ").map_or(line, |end| &line[..end])
}

use serde::{Deserialize, Deserializer};

use super::part::{FieldPath, Part, Shape};
use super::validate::{Rule, Validator};
use super::wire::Mode;
use crate::files::FileInput;

impl Part for FileInput {
    type Shape = Self;
}

impl Shape for FileInput {
    fn read<'de, D: Deserializer<'de>>(deserializer: D, _mode: Mode) -> Result<Self, D::Error> {
        FileInput::deserialize(deserializer)
    }

    fn blank() -> Self {
        FileInput::url("")
    }

    /// Rules are about the URL of a file; bytes and paths get theirs later.
    fn validate(file: &Self, at: &mut Validator, rules: &'static [Rule]) {
        at.file(file);
        if let Some(url) = file.as_url().filter(|url| !url.starts_with("data:")) {
            at.text(url, rules);
        }
    }

    fn files_mut(file: &mut Self, at: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        visit(at.as_str(), file);
    }
}

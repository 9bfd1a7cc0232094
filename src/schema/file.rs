use serde::{Deserialize, Deserializer};

use super::field_path::FieldPath;
use super::mode::Mode;
use super::rules::Rule;
use super::shape::{SchemaType, Shape};
use super::union::Kind;
use super::validator::Validator;
use crate::files::FileInput;

impl SchemaType for FileInput {
    type Shape = Self;
}

impl Shape for FileInput {
    const KIND: Kind = Kind::String;

    fn read<'de, D: Deserializer<'de>>(deserializer: D, _mode: Mode) -> Result<Self, D::Error> {
        FileInput::deserialize(deserializer)
    }

    fn blank() -> Self {
        FileInput::url("")
    }

    /// Rules apply to the URL of a file; the URL of bytes and paths is not known yet.
    fn validate(file: &Self, validator: &mut Validator, rules: &'static [Rule]) {
        validator.file(file);
        if let Some(url) = file.as_url().filter(|url| !url.starts_with("data:")) {
            validator.string(url, rules);
        }
    }

    fn visit_files(file: &mut Self, path: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        visit(path.as_str(), file);
    }
}

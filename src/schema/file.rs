use super::field_path::FieldPath;
use super::mode::Mode;
use super::node::{Node, Parts};
use super::rules::Rule;
use super::scalar::Scalar;
use super::shape::{SchemaType, Shape};
use super::union::Kind;
use super::validator::Validator;
use crate::files::FileInput;

impl SchemaType for FileInput {
    type Shape = Self;
    type Accepts = Self;
}

impl Shape for FileInput {
    const KIND: Kind = Kind::String;
    const EXPECTED: &'static str = "a string";

    #[inline]
    fn from_scalar(scalar: &Scalar<'_>, mode: Mode) -> Option<Self> {
        scalar.url(mode).map(FileInput::url)
    }

    fn blank() -> Self {
        FileInput::url("")
    }

    /// Rules apply to the URL of a file; the URL of bytes and paths is not known yet.
    fn validate(file: &Self, validator: &mut Validator, rules: &'static [Rule]) {
        validator.file(file);
        validator.limits(file, rules);
        if let Some(url) = file.as_url().filter(|url| !url.starts_with("data:")) {
            validator.string(url, rules);
        }
    }

    fn node(file: &Self) -> Node<'_> {
        file.as_url().map_or(Node(Parts::Other), |url| Node(Parts::Text(url)))
    }

    fn visit_files(file: &mut Self, path: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        visit(path.as_str(), file);
    }
}

//! The kinds of values.

use std::fmt;

use serde::Serialize;

/// The kind of a field's values.
///
/// `Display` gives words for a person: `array of files`, `string or object`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// A boolean.
    Boolean,
    /// An integer.
    Integer,
    /// A number.
    Number,
    /// Any string.
    String,
    /// One of the declared strings.
    Enum,
    /// In an input, the URL of a file. In an output, an object with a `url`, and perhaps the properties of the file.
    File,
    /// An object with declared fields.
    Object,
    /// An object with arbitrary keys, and values of a kind.
    Map(Box<Kind>),
    /// An array of items of a kind.
    Array(Box<Kind>),
    /// A value of one of several kinds.
    Union(Vec<Kind>),
    /// Any JSON.
    Json,
}

impl Kind {
    /// Returns the kind of the items of an array or the values of a map, and any other kind itself.
    pub fn item(&self) -> &Kind {
        match self {
            Kind::Array(item) | Kind::Map(item) => item.item(),
            kind => kind,
        }
    }

    /// Returns the words for several values.
    fn plural(&self) -> String {
        match self {
            Kind::Map(values) => format!("objects of {}", values.plural()),
            Kind::Array(items) => format!("arrays of {}", items.plural()),
            Kind::Union(kinds) => kinds.iter().map(Kind::plural).collect::<Vec<_>>().join(" or "),
            Kind::Json => "JSON values".to_owned(),
            kind => format!("{kind}s"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Boolean => f.write_str("boolean"),
            Kind::Integer => f.write_str("integer"),
            Kind::Number => f.write_str("number"),
            Kind::String => f.write_str("string"),
            Kind::Enum => f.write_str("enum"),
            Kind::File => f.write_str("file"),
            Kind::Object => f.write_str("object"),
            Kind::Map(values) => write!(f, "object of {}", values.plural()),
            Kind::Array(items) => write!(f, "array of {}", items.plural()),
            Kind::Union(kinds) => f.write_str(&kinds.iter().map(Kind::to_string).collect::<Vec<_>>().join(" or ")),
            Kind::Json => f.write_str("JSON"),
        }
    }
}

//! Descriptions of endpoints as plain data, from the same reading of their documents as the generated code.

mod describer;
mod fields;
mod kind;

use serde::Serialize;
use serde_json::Value;

pub use describer::{Describer, describe};
pub use kind::Kind;

/// An endpoint as the generated code has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Description {
    /// The endpoint's id.
    pub id: String,
    /// fal's category, such as `text-to-image`.
    pub category: Option<String>,
    /// The path of the module below the generated root module: `fal_ai::flux::dev`.
    pub module: String,
    /// The document's description of the input.
    pub summary: Option<String>,
    /// The fields of the input, in the order that fal displays them. Empty if the document declares none, so that the input is
    /// any JSON object.
    pub input: Vec<Field>,
    /// The fields of the output. Empty if the document declares none, so that the output is any JSON.
    pub output: Vec<Field>,
    /// A function in Rust that calls the endpoint with its required fields. It compiles in a crate with the generated code.
    pub example: String,
    /// The parts of the document that the generated code does not express, a line each.
    pub notes: Vec<String>,
}

/// A field of an input, an output, or an object inside of one.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Field {
    /// The name in JSON.
    pub name: String,
    /// The name in Rust.
    pub rust_name: String,
    /// The path below the input or output: `loras[].scale`. `[]` stands for the items of an array, and for the values of an object
    /// with arbitrary keys.
    pub path: String,
    /// The type in Rust, without its module: `Option<Vec<LoraWeight>>`.
    pub rust_type: String,
    /// The kind of the values.
    pub kind: Kind,
    /// True if an input must have the field, or if the document promises it for outputs.
    pub required: bool,
    /// True if the document allows null.
    pub nullable: bool,
    /// The service's value for an unset field.
    pub default: Option<Value>,
    /// Examples in the document.
    pub examples: Vec<Value>,
    /// The declared values, or those of the items. With the kind [`Kind::String`], others are allowed too.
    pub values: Vec<Value>,
    /// The bounds of a number: `0 to 1`, `at least 1`.
    pub range: Option<String>,
    /// Other requirements: lengths, counts, patterns, and limits of files: `at most 800 characters`.
    pub limits: Vec<String>,
    /// The document's description, without hidden characters. Paragraphs are separated by empty lines.
    pub description: String,
    /// The remedy for a deprecated field. Empty if the document has none.
    pub deprecated: Option<String>,
    /// The fields of an object, or of the objects in an array. Empty inside of an object of the same type, and where the document
    /// nests too much.
    pub fields: Vec<Field>,
    /// The variants of a union, or of the unions in an array.
    pub variants: Vec<Variant>,
}

/// A variant of a field whose type varies.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Variant {
    /// The name of the variant in Rust.
    pub name: String,
    /// The type in Rust, without its module.
    pub rust_type: String,
    /// The kind of the values.
    pub kind: Kind,
    /// The declared values, or those of the items. With the kind [`Kind::String`], others are allowed too.
    pub values: Vec<Value>,
    /// The bounds of a number.
    pub range: Option<String>,
    /// Other requirements.
    pub limits: Vec<String>,
    /// The fields of an object, or of the objects in an array.
    pub fields: Vec<Field>,
    /// The variants of the unions in an array.
    pub variants: Vec<Variant>,
}

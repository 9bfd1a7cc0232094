//! The foundation of generated code: how its types are read, written, validated and built.
//!
//! Generated types are ordinary structs and enums with attributes of the crate fal-client-macros:
//!
//! ```text
//! #[::fal_client::input]
//! pub struct Input {
//!     /// The image's description.
//!     pub prompt: String,
//!     /// Default: `0.95`. Range: 0.01 to 1.
//!     #[field(range(0.01, 1))]
//!     pub strength: Option<f64>,
//! }
//! ```
//!
//! The attribute keeps the struct, without `#[field]` and as `#[non_exhaustive]`, and adds the following. A field is required unless its type is an `Option`.
//!
//! ```text
//! // One marker for each required field, for the compiler to name those that are missing.
//! #[doc(hidden)]
//! pub mod input_required { pub enum prompt {} }
//!
//! // A builder with a type parameter for each required field: `Missing<…>` until the setter makes it `Given`.
//! pub struct InputBuilder<Prompt = Missing<input_required::prompt>> { record: Input, state: PhantomData<(Prompt,)> }
//!
//! impl Input {
//!     pub fn builder() -> InputBuilder { … }
//!     pub fn validate(&self) -> Result<(), ValidationError> { … }
//! }
//!
//! impl<Prompt> InputBuilder<Prompt> {
//!     pub fn prompt(mut self, prompt: impl IntoField<String>) -> InputBuilder<Given> { … }
//!     pub fn strength(mut self, strength: impl IntoField<f64>) -> Self { … }
//!     pub fn maybe_strength(mut self, strength: Option<impl IntoField<f64>>) -> Self { … }
//!     pub fn build(self) -> Input where Prompt: Required { self.record }
//! }
//!
//! // The fields as a table, and a visit of each. Everything else is written over these, once for all structs.
//! impl Record for Input {
//!     const INFO: RecordInfo = RecordInfo {
//!         name: "Input",
//!         fields: &[
//!             field("prompt", true, &[]),
//!             field("strength", false, &[Rule::Minimum(Number::Float(0.01)), Rule::Maximum(Number::Int(1))]),
//!         ],
//!     };
//!     fn blank() -> Self { … }
//!     fn fields<'a, V: Visitor<'a>>(&'a self, visitor: &mut V) { … }
//!     fn fields_mut<'a, V: VisitorMut<'a>>(&'a mut self, visitor: &mut V) { … }
//! }
//!
//! // Clone, PartialEq, Debug, Serialize and Deserialize: one line each, to a function of `record`.
//! implement_record! { Input Strict }
//! // EndpointInput; the builder's Clone and Debug, and From<InputBuilder<Given>> for Input.
//! implement_input! { Input }
//! implement_builder! { Input InputBuilder Prompt }
//! ```
//!
//! | file | holds |
//! | --- | --- |
//! | `mode`, `field_path`, `rules` | the settings of reading, the path of a field, constraints as data |
//! | `validator` | the walk over an input that collects violations, and the check of each rule |
//! | `limited_file` | the limits of files, which are checked once a file is measured |
//! | `shape` | the traits [`SchemaType`](shape::SchemaType) and [`Shape`](shape::Shape): what null and absence mean |
//! | `reading`, `scalar` | the visitor that reads a value into its place, and conversions to the type of the place |
//! | `std_impls`, `collections`, `file`, `nullable` | shapes of integers, strings, arrays, maps, files… |
//! | `record`, `any_field` | the shape of all structs |
//! | `node` | a value as its parts, for the search for files in an output |
//! | `report` | what an output lacks |
//! | `open_enum`, `union` | the shapes of all enums and all unions |
//! | `input`, `builder_state` | the trait of all inputs, and the states of a builder's required fields |
//! | `into_field`, `into_list` | the values that setters take |
//! | `attributes` | the attributes, documented for hand-written types |
//! | `macros`, `private` | implementations that differ by a name only, and the names that expansions use |
//!
//! A rule of a schema goes this way: the generator prints it as an argument of `#[field(…)]`, the macro turns that into a
//! [`Rule`](rules::Rule) in the table, and [`Validator`](validator::Validator) checks it.

mod any_field;
mod attributes;
mod builder_state;
mod collections;
mod field_path;
mod file;
mod input;
mod into_field;
mod into_list;
mod limited_file;
mod macros;
mod mode;
mod node;
mod nullable;
mod open_enum;
pub mod private;
mod reading;
mod record;
pub(crate) mod report;
mod rules;
mod scalar;
mod shape;
mod std_impls;
mod union;
mod validator;

pub(crate) use any_field::AnyField;
pub use attributes::{input, input_object, input_union, open_enum, output, output_union};
pub use builder_state::{Given, Missing, Required};
pub(crate) use field_path::FieldPath;
pub use input::EndpointInput;
pub use into_field::{IntoField, OneOf};
pub use into_list::IntoList;
pub(crate) use into_list::ListItem;
pub(crate) use limited_file::{LimitedFile, Measures};
pub(crate) use node::Parts;
pub use nullable::Nullable;
pub(crate) use shape::SchemaType;
pub(crate) use validator::{Findings, validate_files};

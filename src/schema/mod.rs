//! What generated code stands on: how its types are read, written, validated and built.

mod any_field;
mod builder_state;
mod field_path;
mod file;
mod input;
mod macros;
mod mode;
mod nullable;
mod open_enum;
pub mod private;
mod record;
mod rules;
mod shape;
mod std_impls;
mod union;
mod validator;

pub use builder_state::{Given, Missing, Required};
pub use input::EndpointInput;
pub use nullable::Nullable;
pub(crate) use validator::validate_files;

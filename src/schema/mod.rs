//! What generated code stands on: how its types are read, written, checked and built.

mod input;
mod nullable;
mod open_enum;
mod part;
mod record;
mod required;
mod union;
mod validate;
mod wire;

pub use input::EndpointInput;
pub use nullable::Nullable;
pub use open_enum::{UnlistedError, UnlistedValue};
pub use required::{Given, Missing, Required};
pub(crate) use validate::validate_files;

/// The part of the runtime that only generated code names.
pub mod private {
    pub use super::open_enum::{OpenEnum, read_open_enum};
    pub use super::part::{FieldPath, Part, set};
    pub use super::record::{Record, Visit, VisitMut, files_of_record, read_record, validate_record, write_record};
    pub use super::union::{Kind, Member, Union, read_union};
    pub use super::validate::{Number, Rule, Validator, validate_input};
    pub use super::wire::{Mode, Wire};
    pub use crate::{
        __input as input, __input_part as input_part, __input_union as input_union, __open_enum as open_enum,
        __output as output, __output_union as output_union,
    };
    pub use serde;
    pub use serde_json::Value as Json;
}

//! What generated code stands on: how its types are read, written, checked and built.

mod input;
mod input_part;
mod nullable;
mod open_enum;
mod record;
mod required;
mod union;
mod validate;
mod wire;

pub use input::EndpointInput;
pub use nullable::Nullable;
pub use open_enum::{UnlistedError, UnlistedValue};
pub use required::{Given, Missing, Required};

/// The part of the runtime that only generated code names.
pub mod private {
    pub use super::input_part::{FieldPath, InputPart};
    pub use super::open_enum::{OpenEnum, read_open_enum};
    pub use super::record::{Fields, Record, read_record, write_field};
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

//! What generated code stands on: how its types are read, written, checked and built.

mod fields;
mod file;
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
pub use required::{Given, Missing, Required};
pub(crate) use validate::validate_files;

/// The part of the runtime that only generated code names.
pub(crate) mod private {
    pub use super::open_enum::{EnumShape, OpenEnum, Values, debug_value, listed_value, read_open_enum, value_of_text};
    pub use super::part::{FieldPath, Part, Shape, blank, files_mut, files_of, read, set, validate};
    pub use super::record::{
        About, Field, Record, RecordShape, Visit, VisitMut, clone_record, debug_record, read_record, records_are_equal,
        write_record,
    };
    pub use super::union::{Fit, Kind, Member, Union, UnionShape, known_fields, read_union};
    pub use super::validate::{Number, Rule, Validator, validate_input};
    pub use super::wire::Mode;
    pub use crate::{
        __input as input, __input_part as input_part, __input_union as input_union, __open_enum as open_enum,
        __output as output, __output_union as output_union,
    };
    pub use serde;
    pub use serde_json::Value as Json;
}

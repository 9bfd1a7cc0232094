//! Items that expansions of the attribute macros use. This is not a public API, and it changes without notice.
//!
//! The module is hidden, and not only its re-export, because the compiler takes the names in its messages from public modules.

#![doc(hidden)]

pub use std::clone::Clone;
pub use std::cmp::{Eq, PartialEq};
pub use std::convert::{From, Into};
pub use std::fmt::{self, Debug, Display, Formatter};
pub use std::hash::{Hash, Hasher};
pub use std::marker::PhantomData;
pub use std::ops::FnMut;
pub use std::option::Option::{self, Some};
pub use std::result::Result;
pub use std::str::FromStr;
pub use std::string::String;
pub use std::vec::Vec;

pub use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use super::field_path::FieldPath;
pub use super::into_list::ListItem;
pub use super::mode::Mode;
pub use super::node::Node;
pub use super::open_enum::{EnumInfo, EnumShape, OpenEnum, debug_value, declared_value, read_open_enum, value_of};
pub use super::record::{
    FieldInfo, Record, RecordInfo, RecordShape, Visitor, VisitorMut, clone_record, debug_record, field, read_record,
    records_are_equal, write_record,
};
pub use super::rules::{Number, Rule};
pub use super::shape::{Read, SchemaType, Shape, blank, node, read_member, validate, visit_files, visit_files_of};
pub use super::union::{Kind, Member, Union, UnionShape, member, no_such_member, read_union};
pub use super::validator::{Findings, Validator, findings_of, validate_input};
pub use crate::files::FileInput;
pub use crate::{
    __implement_builder as implement_builder, __implement_converted_item as implement_converted_item,
    __implement_exact_item as implement_exact_item, __implement_from as implement_from,
    __implement_from_size as implement_from_size, __implement_from_string as implement_from_string,
    __implement_input as implement_input, __implement_open_enum as implement_open_enum,
    __implement_record as implement_record, __implement_union as implement_union,
};

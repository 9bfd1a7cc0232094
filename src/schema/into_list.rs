use std::collections::BTreeMap;

use serde_json::Value;

use super::nullable::Nullable;
use super::shape::SchemaType;
use crate::files::FileInput;

/// A value for a field that is a list of `T`, as the setters of inputs take it: every iterator over items that convert into
/// `T`.
///
/// ```
/// use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting::{Input, LoraWeight};
///
/// let styles = ["https://example.com/a.safetensors", "https://example.com/b.safetensors"];
/// let two = Input::builder().loras(styles.map(LoraWeight::new));
/// let none = Input::builder().loras([]);
/// # let _ = (two, none);
/// ```
///
/// Items that are objects or values of an enum have exactly the type `T`, so that `[]` has a type. An empty list of strings,
/// files, numbers or unions needs one: `[String::new(); 0]`, or `Vec::<String>::new()`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list for a field of type `Vec<{T}>`",
    label = "expected a list of `{A}`, such as `[…]`",
    note = "to convert the items, call `.map(…)` on the list, with a function that returns `{T}`",
    note = "to set an enum, write one of its variants, or parse a string: `\"…\".parse::<…>()?`",
    note = "to set an optional field from an `Option`, call `maybe_…`"
)]
pub trait IntoList<T: SchemaType, A = <T as SchemaType>::Accepts> {
    /// Converts the items.
    fn into_list(self) -> Vec<T>;
}

#[diagnostic::do_not_recommend]
impl<T: ListItem<L::Item>, L: IntoIterator> IntoList<T> for L {
    fn into_list(self) -> Vec<T> {
        self.into_iter().map(T::from_item).collect()
    }
}

/// A type that a list may have, and what its items may be written as. An object or a value of an enum is only written as itself,
/// from which the compiler infers the type of `[]`.
pub trait ListItem<U>: SchemaType {
    /// Converts an item.
    fn from_item(item: U) -> Self;
}

macro_rules! converted_items {
    ($([$($generics:tt)*] $item:ty),* $(,)?) => {$(
        impl<U: Into<$item>, $($generics)*> ListItem<U> for $item {
            fn from_item(item: U) -> Self {
                item.into()
            }
        }
    )*};
}

converted_items!(
    [] bool,
    [] f64,
    [] i64,
    [] i128,
    [] String,
    [] FileInput,
    [] Value,
    [T: SchemaType] BTreeMap<String, T>,
    [T: SchemaType] Box<T>,
    [T: SchemaType] Option<T>,
    [T: SchemaType] Nullable<T>,
);

impl<T: ListItem<L::Item>, L: IntoIterator> ListItem<L> for Vec<T> {
    fn from_item(list: L) -> Self {
        list.into_list()
    }
}

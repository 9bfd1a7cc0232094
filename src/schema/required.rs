use std::marker::PhantomData;

/// The state of a required field that has not been set on a builder; `Field` names it.
#[derive(Debug)]
pub struct Missing<Field>(PhantomData<Field>);

/// The state of a required field that has been set on a builder.
#[derive(Debug)]
pub struct Given(());

/// A required field that has been set. The compiler asks for it where an input is sent or built.
#[diagnostic::on_unimplemented(
    message = "a required field of the input is not set: `{Self}`",
    label = "this input lacks a required field",
    note = "every required field of the endpoint has a setter of its name on the builder: call it before sending"
)]
pub trait Required {}

impl Required for Given {}

/// Declares the setters of optional fields, each with a `maybe_` form that takes an `Option`; `[input]` says in which
/// field of `self` they stand: `setters! { [input] /// Docs. seed, maybe_seed: i64; loras, maybe_loras: list LoraWeight; }`.
#[doc(hidden)]
#[macro_export]
macro_rules! __setters {
    ([$($place:ident)?]) => {};
    ([$($place:ident)?] $(#[$meta:meta])* $field:ident, $maybe:ident: list $item:ty; $($rest:tt)*) => {
        $(#[$meta])*
        pub fn $field(
            mut self,
            $field: impl ::core::iter::IntoIterator<Item = impl ::core::convert::Into<$item>>,
        ) -> Self {
            let list = $field.into_iter().map(::core::convert::Into::into).collect();
            self$(.$place)?.$field = ::core::option::Option::Some(list);
            self
        }

        #[doc = ::core::concat!("Sets `", ::core::stringify!($field), "`, or leaves it to the service with `None`.")]
        pub fn $maybe(mut self, $field: ::core::option::Option<::std::vec::Vec<$item>>) -> Self {
            self$(.$place)?.$field = $field;
            self
        }

        $crate::__setters! { [$($place)?] $($rest)* }
    };
    ([$($place:ident)?] $(#[$meta:meta])* $field:ident, $maybe:ident: $value:ty; $($rest:tt)*) => {
        $(#[$meta])*
        pub fn $field(mut self, $field: impl ::core::convert::Into<$value>) -> Self {
            self$(.$place)?.$field = ::core::option::Option::Some($field.into());
            self
        }

        #[doc = ::core::concat!("Sets `", ::core::stringify!($field), "`, or leaves it to the service with `None`.")]
        pub fn $maybe(mut self, $field: ::core::option::Option<$value>) -> Self {
            self$(.$place)?.$field = $field;
            self
        }

        $crate::__setters! { [$($place)?] $($rest)* }
    };
}

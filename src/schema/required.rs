use std::marker::PhantomData;

/// The state of a required field that has not been set on a builder; `Field` names it.
#[derive(Clone, Copy, Debug)]
pub struct Missing<Field>(PhantomData<Field>);

/// The state of a required field that has been set on a builder.
#[derive(Clone, Copy, Debug)]
pub struct Given(());

/// A required field that has been set. The compiler asks for it where an input is sent or built.
#[diagnostic::on_unimplemented(
    message = "a required field of the input is not set: `{Self}`",
    label = "this input lacks a required field",
    note = "every required field of the endpoint has a setter of its name on the builder: call it before sending"
)]
pub trait Required {}

impl Required for Given {}

/// The setters of an optional field; `[input]` says in which field of `self` it is, `[]` that it is in `self`.
///
/// `#[set(maybe_seed: i64)]` marks an optional field: `seed` takes a value and `maybe_seed` an `Option`. A type in
/// brackets is a list's, whose setter takes its items. `#[null(null_seed)]` beside it names the setter that sends null.
#[doc(hidden)]
#[macro_export]
macro_rules! __setter {
    ($place:tt [$($doc:tt)*] $field:ident []) => {};
    ([$($place:ident)?] [$($doc:tt)*] $field:ident [$maybe:ident: [$item:ty]]) => {
        $(#[doc = $doc])*
        pub fn $field(
            mut self,
            $field: impl ::core::iter::IntoIterator<Item = impl ::core::convert::Into<$item>>,
        ) -> Self {
            let list = $field.into_iter().map(::core::convert::Into::into).collect();
            self$(.$place)?.$field = ::core::option::Option::Some(list);
            self
        }

        /// The same as an option: `None` leaves it to the service.
        pub fn $maybe(mut self, $field: ::core::option::Option<::std::vec::Vec<$item>>) -> Self {
            self$(.$place)?.$field = $field;
            self
        }
    };
    ([$($place:ident)?] [$($doc:tt)*] $field:ident [$maybe:ident: $value:ty]) => {
        $(#[doc = $doc])*
        pub fn $field(mut self, $field: impl ::core::convert::Into<$value>) -> Self {
            $crate::__private::set(&mut self$(.$place)?.$field, $field);
            self
        }

        /// The same as an option: `None` leaves it to the service.
        pub fn $maybe(mut self, $field: ::core::option::Option<$value>) -> Self {
            self$(.$place)?.$field = $field;
            self
        }
    };
    ([$($place:ident)?] [$($doc:tt)*] $field:ident [null $null:ident $maybe:ident: [$item:ty]]) => {
        $(#[doc = $doc])*
        pub fn $field(
            self,
            $field: impl ::core::iter::IntoIterator<Item = impl ::core::convert::Into<$item>>,
        ) -> Self {
            self.$maybe(::core::option::Option::Some($field.into_iter().map(::core::convert::Into::into).collect()))
        }

        $crate::__setter! { @null [$($place)?] $field $null $maybe: ::std::vec::Vec<$item> }
    };
    ([$($place:ident)?] [$($doc:tt)*] $field:ident [null $null:ident $maybe:ident: $value:ty]) => {
        $(#[doc = $doc])*
        pub fn $field(self, $field: impl ::core::convert::Into<$value>) -> Self {
            self.$maybe(::core::option::Option::Some($field.into()))
        }

        $crate::__setter! { @null [$($place)?] $field $null $maybe: $value }
    };
    (@null [$($place:ident)?] $field:ident $null:ident $maybe:ident: $value:ty) => {
        /// The same as an option: `None` leaves it to the service.
        pub fn $maybe(mut self, $field: ::core::option::Option<$value>) -> Self {
            self$(.$place)?.$field = $field.map($crate::Nullable::Value);
            self
        }

        /// Sends null, which is not the default.
        pub fn $null(mut self) -> Self {
            self$(.$place)?.$field = ::core::option::Option::Some($crate::Nullable::Null);
            self
        }
    };
}

/// Declares the setters of an input's required fields, each of which gives the builder with the field's state `Given`.
/// Before the fields stand the states of those that had their turn and of those that have not.
#[doc(hidden)]
#[macro_export]
macro_rules! __given {
    ($builder:ident [$($before:ident)*] [] $({ [set $($set:tt)*] $optional:ident $optional_docs:tt })*) => {};
    (
        $builder:ident [$($before:ident)*] [$state:ident $($after:ident)*]
        $({ [set $($set:tt)*] $optional:ident $optional_docs:tt })*
        { [given [$item:ty]] $field:ident [$($doc:tt)*] }
        $($rest:tt)*
    ) => {
        $(#[doc = $doc])*
        pub fn $field(
            mut self,
            $field: impl ::core::iter::IntoIterator<Item = impl ::core::convert::Into<$item>>,
        ) -> $builder<$($before,)* $crate::Given $(, $after)*> {
            self.input.$field = $field.into_iter().map(::core::convert::Into::into).collect();
            $builder { input: self.input, state: ::core::marker::PhantomData }
        }

        $crate::__given! { $builder [$($before)* $state] [$($after)*] $($rest)* }
    };
    (
        $builder:ident [$($before:ident)*] [$state:ident $($after:ident)*]
        $({ [set $($set:tt)*] $optional:ident $optional_docs:tt })*
        { [given $value:ty] $field:ident [$($doc:tt)*] }
        $($rest:tt)*
    ) => {
        $(#[doc = $doc])*
        pub fn $field(
            mut self,
            $field: impl ::core::convert::Into<$value>,
        ) -> $builder<$($before,)* $crate::Given $(, $after)*> {
            self.input.$field = $field.into();
            $builder { input: self.input, state: ::core::marker::PhantomData }
        }

        $crate::__given! { $builder [$($before)* $state] [$($after)*] $($rest)* }
    };
}

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

/// The setters of a field, if its first mark asks for them; `[InputBuilder input]` says in which builder and which field of
/// it the record is, `[]` that it is `self`.
///
/// `set(maybe_seed: i64)` marks an optional field: `seed` takes a value and `maybe_seed` an `Option`. With
/// `set(maybe_seed: i64, null_seed)` null means something: `null_seed` sends it. `given(String => _, ImageUrl)` marks a
/// required field, whose setter gives the builder with the state at `_` replaced. A type in brackets is a list's, whose
/// setter takes its items.
#[doc(hidden)]
#[macro_export]
macro_rules! __setter {
    ([$($builder:ident $place:ident)?] [$($doc:tt)*] $field:ident { set($maybe:ident: [$item:ty]) $($mark:tt)* }) => {
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
    ([$($builder:ident $place:ident)?] [$($doc:tt)*] $field:ident { set($maybe:ident: $value:ty) $($mark:tt)* }) => {
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
    ($place:tt [$($doc:tt)*] $field:ident { set($maybe:ident: [$item:ty], $null:ident) $($mark:tt)* }) => {
        $(#[doc = $doc])*
        pub fn $field(
            self,
            $field: impl ::core::iter::IntoIterator<Item = impl ::core::convert::Into<$item>>,
        ) -> Self {
            self.$maybe(::core::option::Option::Some($field.into_iter().map(::core::convert::Into::into).collect()))
        }

        $crate::__setter! { @null $place $field $null $maybe: ::std::vec::Vec<$item> }
    };
    ($place:tt [$($doc:tt)*] $field:ident { set($maybe:ident: $value:ty, $null:ident) $($mark:tt)* }) => {
        $(#[doc = $doc])*
        pub fn $field(self, $field: impl ::core::convert::Into<$value>) -> Self {
            self.$maybe(::core::option::Option::Some($field.into()))
        }

        $crate::__setter! { @null $place $field $null $maybe: $value }
    };
    (@null [$($builder:ident $place:ident)?] $field:ident $null:ident $maybe:ident: $value:ty) => {
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
    (
        [$builder:ident $place:ident] [$($doc:tt)*] $field:ident
        { given([$item:ty] => $($before:ident,)* _ $(, $after:ident)*) $($mark:tt)* }
    ) => {
        $(#[doc = $doc])*
        pub fn $field(
            mut self,
            $field: impl ::core::iter::IntoIterator<Item = impl ::core::convert::Into<$item>>,
        ) -> $builder<$($before,)* $crate::Given $(, $after)*> {
            self.$place.$field = $field.into_iter().map(::core::convert::Into::into).collect();
            $builder { $place: self.$place, state: ::core::marker::PhantomData }
        }
    };
    (
        [$builder:ident $place:ident] [$($doc:tt)*] $field:ident
        { given($value:ty => $($before:ident,)* _ $(, $after:ident)*) $($mark:tt)* }
    ) => {
        $(#[doc = $doc])*
        pub fn $field(
            mut self,
            $field: impl ::core::convert::Into<$value>,
        ) -> $builder<$($before,)* $crate::Given $(, $after)*> {
            self.$place.$field = $field.into();
            $builder { $place: self.$place, state: ::core::marker::PhantomData }
        }
    };
    ($place:tt $docs:tt $field:ident { $($mark:tt)* }) => {};
}

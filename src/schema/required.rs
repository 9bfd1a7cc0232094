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

/// Declares the setters of a record's fields, which come as they stand in the record; `[input]` says in which field of
/// `self` they are, `[]` that it is `self`.
///
/// `#[set(maybe_seed: i64)]` marks an optional field: `seed` takes a value and `maybe_seed` an `Option`.
/// `#[given(String => InputBuilder<Given, ImageUrl>)]` marks a required one, whose setter gives that builder. A type in
/// brackets is a list's, whose setter takes its items.
#[doc(hidden)]
#[macro_export]
macro_rules! __setters {
    ($place:tt $(
        $(#[doc = $doc:expr])*
        $(#[name = $name:literal])?
        $(#[rules($($rules:tt)*)])*
        $(#[set($($set:tt)*)])?
        $(#[given($($given:tt)*)])?
        pub $field:ident: $type:ty
    ),* $(,)?) => {
        $($crate::__setter! { $place [$($doc)*] $field [$(set $($set)*)? $(given $($given)*)?] })*
    };
}

/// The setters of one field.
#[doc(hidden)]
#[macro_export]
macro_rules! __setter {
    ($place:tt [$($doc:expr)*] $field:ident []) => {};
    ([$($place:ident)?] [$($doc:expr)*] $field:ident [set $maybe:ident: [$item:ty]]) => {
        $(#[doc = $doc])*
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
    };
    ([$($place:ident)?] [$($doc:expr)*] $field:ident [set $maybe:ident: $value:ty]) => {
        $(#[doc = $doc])*
        pub fn $field(mut self, $field: impl ::core::convert::Into<$value>) -> Self {
            self$(.$place)?.$field = ::core::option::Option::Some($field.into());
            self
        }

        #[doc = ::core::concat!("Sets `", ::core::stringify!($field), "`, or leaves it to the service with `None`.")]
        pub fn $maybe(mut self, $field: ::core::option::Option<$value>) -> Self {
            self$(.$place)?.$field = $field;
            self
        }
    };
    ([$place:ident] [$($doc:expr)*] $field:ident [given [$item:ty] => $builder:ty]) => {
        $(#[doc = $doc])*
        pub fn $field(
            mut self,
            $field: impl ::core::iter::IntoIterator<Item = impl ::core::convert::Into<$item>>,
        ) -> $builder {
            self.$place.$field = $field.into_iter().map(::core::convert::Into::into).collect();
            <$builder>::__of(self.$place)
        }
    };
    ([$place:ident] [$($doc:expr)*] $field:ident [given $value:ty => $builder:ty]) => {
        $(#[doc = $doc])*
        pub fn $field(mut self, $field: impl ::core::convert::Into<$value>) -> $builder {
            self.$place.$field = $field.into();
            <$builder>::__of(self.$place)
        }
    };
}

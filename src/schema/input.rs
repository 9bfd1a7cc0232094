use serde::Serialize;

use crate::error::ValidationError;
use crate::files::FileInput;

/// What can be sent to an endpoint: a generated `Input`, or a [`serde_json::Value`] for an untyped call.
pub trait EndpointInput: Serialize + Send + Sync + 'static {
    /// Checks every bound that the endpoint's schema states, and reports all violations at once.
    fn validate(&self) -> Result<(), ValidationError>;

    /// Shows each file of the input, with the path of its field (`loras[0].path`).
    fn files_mut(&mut self, visit: &mut dyn FnMut(&str, &mut FileInput));
}

/// An untyped input is taken as it is.
impl EndpointInput for serde_json::Value {
    fn validate(&self) -> Result<(), ValidationError> {
        Ok(())
    }

    fn files_mut(&mut self, _visit: &mut dyn FnMut(&str, &mut FileInput)) {}
}

/// Declares an endpoint's input and its builder, a type parameter of which says for each required field whether it is set:
///
/// ```text
/// input! {
///     pub struct Input {
///         /// What to show.
///         pub prompt: String { given(String => _, ImageUrl) },
///         /// Where to start.
///         pub image_url: FileInput { given(FileInput => Prompt, _) },
///         /// Where randomness starts.
///         pub seed: Option<i64> { set(maybe_seed: i64) rules(Minimum(Int(0))) },
///     }
///
///     pub struct InputBuilder<Prompt = prompt, ImageUrl = image_url>;
/// }
/// ```
///
/// The parameter is `Missing<required::prompt>` until the field's setter, which is told its place by `_`, has made it
/// `Given`. The builder becomes the input, by `build` or by `Into`, once every parameter is `Given`.
#[doc(hidden)]
#[macro_export]
macro_rules! __input {
    (
        $(#[doc = $doc:tt])*
        pub struct $input:ident {
            $(#[doc = $field_doc:tt] $(#[doc = $more_doc:tt])* pub $field:ident: $type:ty $({ $($mark:tt)* })?,)*
        }

        $(#[doc = $builder_doc:tt])*
        pub struct $builder:ident $(<$($state:ident = $required:ident),*>)?;
    ) => {
        $(#[doc = $doc])*
        #[non_exhaustive]
        pub struct $input {
            $(#[doc = $field_doc] $(#[doc = $more_doc])* pub $field: $type,)*
        }

        $crate::__record! { Strict $input: RecordShape { $($field { $($($mark)*)? })* } }

        impl $input {
            /// An input of which nothing is set yet.
            pub fn builder() -> $builder {
                $builder { input: $crate::__private::blank(), state: ::core::marker::PhantomData }
            }

            /// Checks every bound that the endpoint's schema states, and reports all violations at once. A call does it
            /// before anything is sent.
            pub fn validate(&self) -> ::core::result::Result<(), $crate::ValidationError> {
                $crate::__private::validate_input(self)
            }
        }

        impl $crate::EndpointInput for $input {
            fn validate(&self) -> ::core::result::Result<(), $crate::ValidationError> {
                $crate::__private::validate_input(self)
            }

            fn files_mut(&mut self, visit: &mut dyn ::core::ops::FnMut(&str, &mut $crate::FileInput)) {
                $crate::__private::files_of(self, visit);
            }
        }

        /// The required fields, each a name for the compiler to say which one is missing.
        pub mod required {
            $($(
                #[doc = ::core::concat!(
                    "The required field `", ::core::stringify!($required), "`, the builder's `",
                    ::core::stringify!($state), "`."
                )]
                #[allow(missing_debug_implementations, non_camel_case_types)]
                pub enum $required {}
            )*)?
        }

        $(#[doc = $builder_doc])*
        #[must_use = "a builder does nothing until it is given to a call or built"]
        pub struct $builder<$($($state = $crate::Missing<required::$required>,)*)?> {
            input: $input,
            state: ::core::marker::PhantomData<($($($state,)*)?)>,
        }

        impl<$($($state,)*)?> $builder<$($($state,)*)?> {
            $($crate::__setter! { [$builder input] [$field_doc $($more_doc)*] $field { $($($mark)*)? } })*

            /// The input, once every required field is set. A call takes the builder as it is.
            pub fn build(self) -> $input
            where
                $($($state: $crate::Required,)*)?
            {
                self.input
            }
        }

        impl<$($($state,)*)?> ::core::clone::Clone for $builder<$($($state,)*)?> {
            fn clone(&self) -> Self {
                $builder { input: ::core::clone::Clone::clone(&self.input), state: ::core::marker::PhantomData }
            }
        }

        impl<$($($state,)*)?> ::core::fmt::Debug for $builder<$($($state,)*)?> {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Debug::fmt(&self.input, f)
            }
        }

        impl<$($($state: $crate::Required,)*)?> ::core::convert::From<$builder<$($($state,)*)?>> for $input {
            fn from(builder: $builder<$($($state,)*)?>) -> Self {
                builder.input
            }
        }
    };
}

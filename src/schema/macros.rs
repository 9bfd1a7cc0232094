//! Implementations that differ from type to type only in the type's name. The attribute macros expand to calls of these
//! macros, and generate only the code that differs in more than the name.

/// The standard traits of a struct.
#[doc(hidden)]
#[macro_export]
macro_rules! __implement_record {
    ($record:ident $mode:ident) => {
        #[doc(hidden)]
        impl $crate::__private::SchemaType for $record {
            type Shape = $crate::__private::RecordShape;
            type Accepts = Self;
        }

        $crate::__private::implement_exact_item! { $record }

        impl $crate::__private::Clone for $record {
            fn clone(&self) -> Self {
                $crate::__private::clone_record(self)
            }
        }

        impl $crate::__private::PartialEq for $record {
            fn eq(&self, other: &Self) -> bool {
                $crate::__private::records_are_equal(self, other)
            }
        }

        impl $crate::__private::Debug for $record {
            fn fmt(&self, f: &mut $crate::__private::Formatter<'_>) -> $crate::__private::fmt::Result {
                $crate::__private::debug_record(self, f)
            }
        }

        impl $crate::__private::Serialize for $record {
            fn serialize<__S: $crate::__private::Serializer>(
                &self,
                serializer: __S,
            ) -> $crate::__private::Result<__S::Ok, __S::Error> {
                $crate::__private::write_record(self, serializer)
            }
        }

        impl<'de> $crate::__private::Deserialize<'de> for $record {
            fn deserialize<__D: $crate::__private::Deserializer<'de>>(
                deserializer: __D,
            ) -> $crate::__private::Result<Self, __D::Error> {
                $crate::__private::read_record(deserializer, $crate::__private::Mode::$mode)
            }
        }
    };
}

/// The trait of an input.
#[doc(hidden)]
#[macro_export]
macro_rules! __implement_input {
    ($input:ident) => {
        impl $crate::EndpointInput for $input {
            fn validate(&self) -> $crate::__private::Result<(), $crate::ValidationError> {
                $crate::__private::validate_input(self)
            }

            fn visit_files(&mut self, visit: &mut dyn $crate::__private::FnMut(&str, &mut $crate::FileInput)) {
                $crate::__private::visit_files_of(self, visit);
            }

            fn findings(&self) -> $crate::__private::Findings {
                $crate::__private::findings_of(self)
            }
        }

        /// Clones the input, for several calls with it.
        impl $crate::__private::From<&$input> for $input {
            fn from(input: &$input) -> Self {
                input.clone()
            }
        }
    };
}

/// The traits of a builder.
#[doc(hidden)]
#[macro_export]
macro_rules! __implement_builder {
    ($record:ident $builder:ident $($state:ident)*) => {
        impl<$($state),*> $crate::__private::Clone for $builder<$($state),*> {
            fn clone(&self) -> Self {
                $builder { record: self.record.clone(), state: $crate::__private::PhantomData }
            }
        }

        impl<$($state),*> $crate::__private::Debug for $builder<$($state),*> {
            fn fmt(&self, f: &mut $crate::__private::Formatter<'_>) -> $crate::__private::fmt::Result {
                $crate::__private::Debug::fmt(&self.record, f)
            }
        }

        impl<$($state: $crate::Required),*> $crate::__private::From<$builder<$($state),*>> for $record {
            fn from(builder: $builder<$($state),*>) -> Self {
                builder.record
            }
        }
    };
}

/// The standard traits of an open enum.
#[doc(hidden)]
#[macro_export]
macro_rules! __implement_open_enum {
    ($name:ident) => {
        #[doc(hidden)]
        impl $crate::__private::SchemaType for $name {
            type Shape = $crate::__private::EnumShape;
            type Accepts = Self;
        }

        impl $crate::__private::Debug for $name {
            fn fmt(&self, f: &mut $crate::__private::Formatter<'_>) -> $crate::__private::fmt::Result {
                $crate::__private::debug_value(self.as_str(), $name::VALUES, f)
            }
        }

        impl $crate::__private::PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.as_str() == other.as_str()
            }
        }

        impl $crate::__private::Eq for $name {}

        impl $crate::__private::Hash for $name {
            fn hash<__H: $crate::__private::Hasher>(&self, state: &mut __H) {
                $crate::__private::Hash::hash(self.as_str(), state)
            }
        }

        impl $crate::__private::Display for $name {
            fn fmt(&self, f: &mut $crate::__private::Formatter<'_>) -> $crate::__private::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::__private::FromStr for $name {
            type Err = $crate::ParseEnumError;

            /// Parses a declared value.
            fn from_str(value: &str) -> $crate::__private::Result<Self, $crate::ParseEnumError> {
                $crate::__private::declared_value(value)
            }
        }

        impl $crate::__private::Serialize for $name {
            fn serialize<__S: $crate::__private::Serializer>(
                &self,
                serializer: __S,
            ) -> $crate::__private::Result<__S::Ok, __S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> $crate::__private::Deserialize<'de> for $name {
            fn deserialize<__D: $crate::__private::Deserializer<'de>>(
                deserializer: __D,
            ) -> $crate::__private::Result<Self, __D::Error> {
                $crate::__private::read_open_enum(deserializer)
            }
        }
    };
}

/// Conversions to an enum whose schema allows any string.
#[doc(hidden)]
#[macro_export]
macro_rules! __implement_from_string {
    ($name:ident) => {
        $crate::__private::implement_converted_item! { $name }

        impl $crate::__private::From<&str> for $name {
            fn from(value: &str) -> Self {
                $name::other(value)
            }
        }

        impl $crate::__private::From<$crate::__private::String> for $name {
            fn from(value: $crate::__private::String) -> Self {
                $name::other(value)
            }
        }
    };
}

/// A type whose items in a list are written as themselves.
#[doc(hidden)]
#[macro_export]
macro_rules! __implement_exact_item {
    ($name:ident) => {
        #[doc(hidden)]
        impl $crate::__private::ListItem<$name> for $name {
            fn from_item(item: $name) -> Self {
                item
            }
        }
    };
}

/// A type whose items in a list are everything that converts into it.
#[doc(hidden)]
#[macro_export]
macro_rules! __implement_converted_item {
    ($name:ident) => {
        #[doc(hidden)]
        impl<__U: $crate::__private::Into<$name>> $crate::__private::ListItem<__U> for $name {
            fn from_item(item: __U) -> Self {
                item.into()
            }
        }
    };
}

/// The standard traits of a union.
#[doc(hidden)]
#[macro_export]
macro_rules! __implement_union {
    ($name:ident $mode:ident [$($of:ty),*] $($variant:ident)*) => {
        $crate::__private::implement_converted_item! { $name }

        #[doc(hidden)]
        impl $crate::__private::SchemaType for $name {
            type Shape = $crate::__private::UnionShape;
            type Accepts = $crate::OneOf<($($of,)*)>;
        }

        impl $crate::__private::Serialize for $name {
            fn serialize<__S: $crate::__private::Serializer>(
                &self,
                serializer: __S,
            ) -> $crate::__private::Result<__S::Ok, __S::Error> {
                match self {
                    $($name::$variant(value) => $crate::__private::Serialize::serialize(value, serializer),)*
                }
            }
        }

        impl<'de> $crate::__private::Deserialize<'de> for $name {
            fn deserialize<__D: $crate::__private::Deserializer<'de>>(
                deserializer: __D,
            ) -> $crate::__private::Result<Self, __D::Error> {
                $crate::__private::read_union(deserializer, $crate::__private::Mode::$mode)
            }
        }
    };
}

/// The conversion of a literal to a union's variant.
#[doc(hidden)]
#[macro_export]
macro_rules! __implement_from {
    ($name:ident $variant:ident $literal:ty) => {
        impl $crate::__private::From<$literal> for $name {
            fn from(value: $literal) -> Self {
                $name::$variant($crate::__private::From::from(value))
            }
        }
    };
}

/// The conversion of a pair to a union's variant of type `ImageSize`.
#[doc(hidden)]
#[macro_export]
macro_rules! __implement_from_size {
    ($name:ident $variant:ident) => {
        /// A width and a height in pixels.
        impl<__W: $crate::__private::Into<i64>, __H: $crate::__private::Into<i64>> $crate::__private::From<(__W, __H)>
            for $name
        {
            fn from(size: (__W, __H)) -> Self {
                $name::$variant($crate::__private::From::from(size))
            }
        }
    };
}

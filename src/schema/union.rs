use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde_json::{Map, Value};

use super::part::{FieldPath, Part, Shape};
use super::record::Field;
use super::validate::{Rule, Validator};
use super::wire::Mode;
use crate::files::FileInput;

/// A value that may have one of several forms, told apart by their JSON kind or, among objects, by their keys.
///
/// A member reads its own value, so that an error inside it is that member's error, with its path.
pub trait Union: Part {
    /// What tells the forms apart, in their order. Only objects may be several.
    const MEMBERS: &'static [Member];

    /// Reads a value as the form at a place.
    fn read_member<'de, D: Deserializer<'de>>(place: usize, value: D, mode: Mode) -> Result<Self, D::Error>;

    /// Keeps a value of no form, on the side where nothing may be lost.
    fn other(_value: Value) -> Option<Self> {
        None
    }

    /// What stands for a value until it is read or set.
    fn blank() -> Self;

    /// Reports what the schema of its form does not allow, if it is of an input.
    fn validate(&self, _at: &mut Validator) {}

    /// Shows the files in it.
    fn files_mut(&mut self, _at: &mut FieldPath, _visit: &mut dyn FnMut(&str, &mut FileInput)) {}
}

/// What all unions have in common.
#[derive(Debug)]
pub enum UnionShape {}

impl<U: Union> Shape<U> for UnionShape {
    fn read<'de, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<U, D::Error> {
        read_union(deserializer, mode)
    }

    fn blank() -> U {
        U::blank()
    }

    fn validate(value: &U, at: &mut Validator, _rules: &'static [Rule]) {
        value.validate(at);
    }

    fn files_mut(value: &mut U, at: &mut FieldPath, visit: &mut dyn FnMut(&str, &mut FileInput)) {
        value.files_mut(at, visit);
    }
}

/// The fields of a form that is a record.
pub const fn known_fields<T: Part>() -> Option<&'static [Field]> {
    T::Shape::FIELDS
}

/// The kinds of JSON, called as the macros write them.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Texts, of which only some are listed.
    string,
    /// Any text.
    text,
    /// Numbers.
    number,
    /// Truth values.
    boolean,
    /// Lists.
    list,
    /// Objects.
    object,
    /// Objects that are an image's size, which a pair makes too.
    image_size,
}

/// What tells a form from the others.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its kind.
    pub kind: Kind,
    /// The fields that it knows; `None` if it takes any.
    pub fields: Option<&'static [Field]>,
    /// What tells it from other objects.
    pub fit: Fit,
}

/// What an object must have to be of a form.
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    /// The keys that it must have.
    pub requires: &'static [&'static str],
    /// A key with the texts that it may have.
    pub tags: &'static [(&'static str, &'static [&'static str])],
}

/// In words, for error messages.
impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::string => "a listed text",
            Kind::text => "a text",
            Kind::number => "a number",
            Kind::boolean => "true or false",
            Kind::list => "a list",
            Kind::object => "an object",
            Kind::image_size => "an object with `width` and `height`",
        })?;
        let mut keys = self.fit.requires.iter().enumerate();
        keys.try_for_each(|(place, key)| write!(f, "{} `{key}`", if place == 0 { " with" } else { "," }))
    }
}

impl Member {
    fn is_object(&self) -> bool {
        matches!(self.kind, Kind::object | Kind::image_size)
    }

    /// How badly an object fits, the least first: by a tag with another text, by keys that must be there and are not, by
    /// keys that it does not know, and at last by how few of its own keys it finds.
    fn misfit(&self, object: &Map<String, Value>) -> (usize, usize, usize, usize) {
        let wrong = |(key, texts): &&(&str, &[&str])| {
            object.get(*key).and_then(Value::as_str).is_some_and(|text| !texts.contains(&text))
        };
        let named = |key: &&String| self.fields.is_some_and(|fields| fields.iter().any(|field| field.name == **key));
        let known = object.keys().filter(named).count();
        (
            self.fit.tags.iter().filter(wrong).count(),
            self.fit.requires.iter().filter(|key| object.get(**key).is_none_or(Value::is_null)).count(),
            if self.fields.is_some() { object.len() - known } else { 0 },
            object.len() - known,
        )
    }
}

/// Reads a union from any self-describing format.
pub fn read_union<'de, U: Union, D: Deserializer<'de>>(deserializer: D, mode: Mode) -> Result<U, D::Error> {
    deserializer.deserialize_any(UnionVisitor { mode, of: PhantomData })
}

struct UnionVisitor<U> {
    mode: Mode,
    of: PhantomData<U>,
}

impl<U: Union> UnionVisitor<U> {
    fn place(&self, kinds: &[Kind]) -> Option<usize> {
        U::MEMBERS.iter().position(|member| kinds.contains(&member.kind))
    }

    /// Reads a value as the form of its kind; `other` is the value where there is no such form.
    fn read<'de, D: Deserializer<'de>>(self, kind: &[Kind], value: D, other: Unexpected<'_>) -> Result<U, D::Error> {
        let Some(place) = self.place(kind) else {
            // Where nothing may be lost it is kept, else it is refused unread.
            if self.mode == Mode::Strict {
                return Err(D::Error::invalid_type(other, &self));
            }
            let value = Value::deserialize(value)?;
            return U::other(value).ok_or_else(|| D::Error::invalid_type(other, &self));
        };
        U::read_member(place, value, self.mode)
    }
}

impl<'de, U: Union> Visitor<'de> for UnionVisitor<U> {
    type Value = U;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, member) in U::MEMBERS.iter().enumerate() {
            f.write_str(match place {
                0 => "",
                _ if place + 1 == U::MEMBERS.len() => " or ",
                _ => ", ",
            })?;
            write!(f, "{member}")?;
        }
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<U, E> {
        self.read(&[Kind::string, Kind::text], StrDeserializer::new(text), Unexpected::Str(text))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<U, E> {
        self.read(&[Kind::boolean], value.into_deserializer(), Unexpected::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<U, E> {
        self.read(&[Kind::number], value.into_deserializer(), Unexpected::Signed(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<U, E> {
        self.read(&[Kind::number], value.into_deserializer(), Unexpected::Unsigned(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<U, E> {
        self.read(&[Kind::number], value.into_deserializer(), Unexpected::Float(value))
    }

    fn visit_unit<E: Error>(self) -> Result<U, E> {
        self.read(&[], ().into_deserializer(), Unexpected::Other("null"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<U, A::Error> {
        self.read(&[Kind::list], SeqAccessDeserializer::new(items), Unexpected::Seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<U, A::Error> {
        let objects = || U::MEMBERS.iter().enumerate().filter(|(_, member)| member.is_object());
        let deserializer = MapAccessDeserializer::new(map);
        if objects().count() < 2 {
            return self.read(&[Kind::object, Kind::image_size], deserializer, Unexpected::Map);
        }
        // Its keys are spread over it: the whole has to be read before they can tell.
        let object = Map::deserialize(deserializer)?;
        let place = objects().min_by_key(|(_, member)| member.misfit(&object)).map_or(0, |(place, _)| place);
        let object = Value::Object(object);
        let read = |place| U::read_member(place, &object, self.mode);
        // A form with keys of one's own takes what no other can.
        let any_keys = objects().find(|(_, member)| member.fields.is_none());
        read(place).or_else(|error| any_keys.map_or(Err(error), |(place, _)| read(place))).map_err(|_| {
            // Read once more, for the place of the error in what was read ahead.
            let mut track = serde_path_to_error::Track::new();
            let tracked = serde_path_to_error::Deserializer::new(&object, &mut track);
            match U::read_member(place, tracked, self.mode) {
                Err(error) => A::Error::custom(format_args!("{}: {error}", track.path())),
                Ok(_) => A::Error::invalid_type(Unexpected::Map, &self),
            }
        })
    }
}

/// Makes an enum a union, which is read in the mode of the side that it belongs to; `[Other]` is the variant for values of
/// no form, where there is one. Behind it stand the functions in which the sides differ.
#[doc(hidden)]
#[macro_export]
macro_rules! __union {
    (
        $mode:ident $union:ident { $($variant:ident($member:ty) { kind($kind:ident) $($mark:tt)* })* }
        [$($other:ident)?] { $($functions:tt)* }
    ) => {
        const _: () = {
            use $crate::__private as private;

            #[doc(hidden)]
            impl private::Union for $union {
                const MEMBERS: &'static [private::Member] = &[$(private::Member {
                    kind: private::Kind::$kind,
                    fields: private::known_fields::<$member>(),
                    fit: $crate::__fit! { $($mark)* },
                }),*];

                fn read_member<'de, __D: private::serde::Deserializer<'de>>(
                    place: usize,
                    value: __D,
                    mode: private::Mode,
                ) -> ::core::result::Result<Self, __D::Error> {
                    $(
                        if place == 0 {
                            return private::read::<$member, __D>(value, mode).map($union::$variant);
                        }
                        let place = place.wrapping_sub(1);
                    )*
                    let _ = place;
                    ::core::result::Result::Err(private::serde::de::Error::custom("no such member"))
                }

                $($functions)*
            }

            #[doc(hidden)]
            impl private::Part for $union {
                type Shape = private::UnionShape;
            }

            impl private::serde::Serialize for $union {
                fn serialize<__S: private::serde::Serializer>(
                    &self,
                    serializer: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    match self {
                        $($union::$variant(value) => private::serde::Serialize::serialize(value, serializer),)*
                        $($union::$other(value) => private::serde::Serialize::serialize(value, serializer),)?
                    }
                }
            }

            impl<'de> private::serde::Deserialize<'de> for $union {
                fn deserialize<__D: private::serde::Deserializer<'de>>(
                    deserializer: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    private::read_union(deserializer, private::Mode::$mode)
                }
            }
        };

        $($crate::__union_from! { $kind $union::$variant($member) })*
    };
}

/// What tells a form from others of its kind, by its marks.
#[doc(hidden)]
#[macro_export]
macro_rules! __fit {
    ($(requires($($key:literal),*))? $(tag($tag:literal: $($text:literal),*))* $(rules $rules:tt)*) => {
        $crate::__private::Fit { requires: &[$($($key),*)?], tags: &[$(($tag, &[$($text),*])),*] }
    };
}

/// The rules of a form, by its marks.
#[doc(hidden)]
#[macro_export]
macro_rules! __member_rules {
    ($(requires $keys:tt)? $(tag $tag:tt)* $(rules($($rule:tt)*))*) => {
        &[$($($rule)*),*]
    };
}

/// What a union is made of.
#[doc(hidden)]
#[macro_export]
macro_rules! __union_from {
    (image_size $union:ident::$variant:ident($member:ty)) => {
        $crate::__union_from! { object $union::$variant($member) }

        /// A width and a height in pixels.
        impl<__W: ::core::convert::Into<i64>, __H: ::core::convert::Into<i64>> ::core::convert::From<(__W, __H)>
            for $union
        {
            fn from(sides: (__W, __H)) -> Self {
                $union::$variant(::core::convert::From::from(sides))
            }
        }
    };
    (text $union:ident::$variant:ident($member:ty)) => {
        $crate::__union_from! { string $union::$variant($member) }

        impl ::core::convert::From<&str> for $union {
            fn from(text: &str) -> Self {
                $union::$variant(::core::convert::From::from(text))
            }
        }
    };
    (number $union:ident::$variant:ident($member:ty)) => {
        $crate::__union_from! { object $union::$variant($member) }

        impl ::core::convert::From<i32> for $union {
            fn from(number: i32) -> Self {
                $union::$variant(::core::convert::From::from(number))
            }
        }
    };
    ($kind:ident $union:ident::$variant:ident($member:ty)) => {
        impl ::core::convert::From<$member> for $union {
            fn from(value: $member) -> Self {
                $union::$variant(value)
            }
        }
    };
}

/// Declares a union of an output, which keeps values of no form:
///
/// ```text
/// output_union! {
///     pub enum Shape {
///         /// A circle.
///         Circle(Circle) { kind(object) requires("radius") },
///         /// A polygon.
///         Polygon(Polygon) { kind(object) requires("points") tag("type": "polygon") },
///         /// The shape's name.
///         Name(String) { kind(text) },
///     }
/// }
/// ```
///
/// What a form is told by is its [`Kind`] and, where several are objects, the keys that it `requires` and the texts that each
/// `tag` may have. The marks come in this order.
#[doc(hidden)]
#[macro_export]
macro_rules! __output_union {
    (
        $(#[doc = $doc:tt])*
        pub enum $union:ident {
            $(#[doc = $variant_doc:tt] $(#[doc = $more_doc:tt])* $variant:ident($member:ty) $marks:tt,)*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(::core::clone::Clone, ::core::fmt::Debug, ::core::cmp::PartialEq)]
        #[non_exhaustive]
        pub enum $union {
            $(#[doc = $variant_doc] $(#[doc = $more_doc])* $variant($member),)*
            /// A value of another form than the schema lists: what the service answers is kept.
            Other($crate::__private::Json),
        }

        $crate::__union! {
            Lenient $union { $($variant($member) $marks)* } [Other] {
                fn blank() -> Self {
                    $union::Other($crate::__private::Json::Null)
                }

                fn other(value: $crate::__private::Json) -> ::core::option::Option<Self> {
                    ::core::option::Option::Some($union::Other(value))
                }
            }
        }
    };
}

/// Declares a union of an input, whose members are checked: with `rules(…)` as the last of a member's marks.
#[doc(hidden)]
#[macro_export]
macro_rules! __input_union {
    (
        $(#[doc = $doc:tt])*
        pub enum $union:ident {
            $(
                #[doc = $variant_doc:tt] $(#[doc = $more_doc:tt])*
                $variant:ident($member:ty) { kind($kind:ident) $($mark:tt)* },
            )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(::core::clone::Clone, ::core::fmt::Debug, ::core::cmp::PartialEq)]
        #[non_exhaustive]
        pub enum $union {
            $(#[doc = $variant_doc] $(#[doc = $more_doc])* $variant($member),)*
        }

        $crate::__union! {
            Strict $union { $($variant($member) { kind($kind) $($mark)* })* } [] {
                #[allow(unreachable_code)]
                fn blank() -> Self {
                    $(return $union::$variant($crate::__private::blank());)*
                }

                fn validate(&self, at: &mut $crate::__private::Validator) {
                    #[allow(unused_imports)]
                    use $crate::__private::{Number::*, Rule::*};
                    match self {
                        $($union::$variant(value) => {
                            $crate::__private::validate(value, at, $crate::__member_rules! { $($mark)* })
                        })*
                    }
                }

                fn files_mut(
                    &mut self,
                    at: &mut $crate::__private::FieldPath,
                    visit: &mut dyn ::core::ops::FnMut(&str, &mut $crate::FileInput),
                ) {
                    match self {
                        $($union::$variant(value) => $crate::__private::files_mut(value, at, visit),)*
                    }
                }
            }
        }
    };
}

use super::any_field::AnyField;

/// A value of an output as its parts, whatever its type is.
pub struct Node<'a>(pub(crate) Parts<'a>);

/// The parts of a value. Code that searches an output is compiled once over these, instead of once per type.
pub(crate) enum Parts<'a> {
    /// Null, or no value.
    Null,
    /// A value that has no parts and says nothing about files.
    Other,
    /// A boolean.
    Bool(bool),
    /// A number without a fraction.
    Integer(i128),
    /// A string.
    Text(&'a str),
    /// An array.
    List {
        items: Vec<&'a dyn AnyField>,
        /// True if an item that could not be read is left out, so that the next ones move up.
        has_gaps: bool,
    },
    /// An object.
    Object {
        /// The name of its type, if its fields are declared.
        of: Option<&'static str>,
        fields: Vec<(&'a str, &'a dyn AnyField)>,
    },
}

/// The strictness of deserialization. The outermost type chooses the mode, which applies to everything inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// For inputs: unknown fields are errors, and required fields must be present.
    Strict,
    /// For outputs, which are billed: unknown fields are ignored, and a missing array, map or string is empty.
    Lenient,
}

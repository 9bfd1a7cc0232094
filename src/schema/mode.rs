/// Strictness of reading. The outermost type chooses the mode, and it holds for everything inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// For inputs: unknown fields are errors, and required fields must be present.
    Strict,
    /// For outputs, which are billed: unknown fields are ignored, and a missing array, map or string is empty.
    Lenient,
}

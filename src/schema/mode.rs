/// The strictness of deserialization. The outermost type chooses the mode, which applies to everything inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// For inputs: unknown fields are errors, required fields must be present, and values must have the declared type.
    Strict,
    /// For outputs, which are billed: a value that does not fit its field does not cost the rest.
    Lenient,
    /// For the outermost object of an output. Unlike a lenient one, it must have something of what it is about.
    Output,
}

impl Mode {
    pub(super) fn is_strict(self) -> bool {
        self == Mode::Strict
    }

    /// Returns the mode for the values inside.
    pub(super) fn inner(self) -> Mode {
        if self.is_strict() { Mode::Strict } else { Mode::Lenient }
    }
}

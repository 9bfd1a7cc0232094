use std::marker::PhantomData;

/// The state of a required field that has not been set on a builder; `Field` names it.
#[derive(Clone, Copy, Debug)]
pub struct Missing<Field>(PhantomData<Field>);

/// The state of a required field that has been set on a builder.
#[derive(Clone, Copy, Debug)]
pub struct Given(());

/// A required field that has been set. Required wherever an input is sent or built.
#[diagnostic::on_unimplemented(
    message = "a required field of the input is not set: `{Self}`",
    label = "this input lacks a required field",
    note = "call the setter of that name on the builder before sending"
)]
pub trait Required {}

impl Required for Given {}

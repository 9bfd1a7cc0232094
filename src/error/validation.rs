use std::fmt;

use crate::protocol::FieldError;

/// An input that its endpoint's schema does not allow: every violated field at once.
///
/// Made by the `validate` of a generated input, which every call runs before anything is sent; it has the shape in
/// which fal itself refuses an input.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidationError {
    errors: Vec<FieldError>,
}

impl ValidationError {
    /// An error made of what is wrong with each field.
    pub fn new(errors: Vec<FieldError>) -> Self {
        ValidationError { errors }
    }

    /// What is wrong with each field, in the order of the fields.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// What is wrong with each field, by value.
    pub fn into_errors(self) -> Vec<FieldError> {
        self.errors
    }
}

impl fmt::Display for ValidationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the input does not fit the endpoint's schema: ")?;
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ValidationError {}

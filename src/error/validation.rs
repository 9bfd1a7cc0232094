use std::fmt;

use crate::protocol::FieldError;

/// The error of an input that violates its endpoint's schema. Has one error for each invalid field.
///
/// A generated input's `validate` returns it. Every call validates its input before anything is sent. The errors have
/// the shape of fal's own 422 responses.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidationError {
    errors: Vec<FieldError>,
}

impl ValidationError {
    /// Creates an error from the errors of the fields.
    pub fn new(errors: Vec<FieldError>) -> Self {
        ValidationError { errors }
    }

    /// Returns the errors in the order of the fields.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// Returns the errors by value.
    pub fn into_errors(self) -> Vec<FieldError> {
        self.errors
    }
}

impl fmt::Display for ValidationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid input: ")?;
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

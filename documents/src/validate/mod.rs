//! Validation of inputs with a document's own schemas. The errors are those of fal: the `detail` of a response with status 422.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use fal_documents::{Source, Validator};
//! use serde_json::json;
//!
//! let schema = json!({ "properties": { "steps": { "type": "integer", "maximum": 50 } } });
//! let text = json!({ "endpointId": "me/app", "input": schema, "output": {} }).to_string().into_bytes();
//! let source = Source { file: "app.json".into(), path: "app.json".into(), text, patch: None };
//! let contents = fal_documents::parse(&source).map_err(|findings| findings[0].to_string())?;
//!
//! let validator = Validator::new(&contents.documents[0]).map_err(|finding| finding.to_string())?;
//! assert!(validator.errors(&json!({ "steps": 20 })).is_empty());
//! let errors = validator.errors(&json!({ "steps": 80 }));
//! assert_eq!(errors[0]["loc"], json!(["body", "steps"]));
//! assert_eq!(errors[0]["msg"], "Input should be less than or equal to 50");
//! # Ok(())
//! # }
//! ```

mod applying;
mod bounds;
mod checks;
mod file_limits;
mod own_values;
mod rewrite;
mod schemas;
mod unknown_fields;
mod validator;
mod violation;

pub use checks::MAX_CHECKS;
pub use file_limits::{HEADER_BYTES, Measured};
pub use schemas::{Schemas, resolve};
pub use validator::Validator;
pub use violation::Violation;

//! Checks an input before anything of it is sent.

use super::any_input::AnyInput;
use crate::client::Client;
use crate::error::{Error, ValidationError};
use crate::files::FileInput;
use crate::protocol::FieldError;
use crate::schema::{EndpointInput, Findings, LimitedFile, Measures};
use crate::storage::measure;

impl Client {
    /// Checks an input as calls do before they send anything: against its schema, and its local files against their limits.
    /// Reports all violations together.
    ///
    /// ```no_run
    /// # async fn example(client: fal_client::Client) -> Result<(), fal_client::Error> {
    /// use fal_client::endpoints::fal_ai::flux::dev::redux::Input;
    ///
    /// let input = Input::builder().image_url(std::path::Path::new("room.png")).build();
    /// client.check_input(&input).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - The input violates its schema, or a file is too large or has the wrong size
    ///   ([`Error::field_errors`](crate::Error::field_errors)).
    /// - A file cannot be read.
    pub async fn check_input<I: EndpointInput>(&self, input: &I) -> Result<(), Error> {
        check(input).await
    }
}

/// Checks an input against its schema, and its local files against their limits. Reports all violations together.
pub(crate) async fn check(input: &dyn AnyInput) -> Result<(), Error> {
    let Findings { mut errors, limited } = input.findings();
    let (mut measured, mut unreadable) = (Vec::new(), None);
    for limited in limited {
        // Few inputs have such files. The future of every call would have room for the measuring.
        match Box::pin(measures(&limited, &mut measured)).await {
            Ok(measures) => errors.extend(limited.violations(&measures)),
            Err(error) => drop(unreadable.get_or_insert(error)),
        }
    }
    match unreadable {
        _ if !errors.is_empty() => Err(ValidationError::new(errors).into()),
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Measures files, each of which is opened once.
async fn measures(limited: &LimitedFile, measured: &mut Vec<(FileInput, Measures)>) -> Result<Vec<Measures>, Error> {
    let mut measures = Vec::new();
    for file in &limited.files {
        if let Some((_, known)) = measured.iter().find(|(known, _)| known == file) {
            measures.push(known.clone());
            continue;
        }
        let found = measure(file.clone()).await.map_err(|error| {
            let field = FieldError::new(limited.loc.clone(), "", "").path();
            error.context(format_args!("file of the field `{field}`"))
        })?;
        measured.push((file.clone(), found.clone()));
        measures.push(found);
    }
    Ok(measures)
}

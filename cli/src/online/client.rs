use fal_client::{Client, ClientBuilder};

use crate::error::Error;

/// Starts a client with the settings of the environment.
pub(crate) fn client_builder() -> ClientBuilder {
    Client::builder().env()
}

/// Creates the client of the environment: `FAL_KEY`, and the hosts if set.
///
/// # Errors
///
/// A variable is missing or invalid.
pub(crate) fn client() -> Result<Client, Error> {
    Ok(client_builder().build()?)
}

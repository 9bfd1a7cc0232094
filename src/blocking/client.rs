use std::fmt;
use std::io::Write;
use std::ops::Deref;

use super::runtime::Runtime;
use super::writer::Writer;
use crate::call::DownloadTo;
use crate::client::ClientBuilder;
use crate::error::Error;
use crate::media::MediaUrl;

/// A client for programs without async. It has the methods of the async [`Client`](crate::Client), and their calls end with
/// [`.call()`](super::Call::call).
///
/// ```no_run
/// use fal_client::blocking::{Call, Client};
///
/// fn main() -> Result<(), fal_client::Error> {
///     let client = Client::from_env()?; // FAL_KEY
///     let response = client.endpoint("fal-ai/flux/dev").subscribe(serde_json::json!({ "prompt": "a fox" })).call()?;
///     println!("{}", response.data["images"][0]["url"]); // null without an image
///     Ok(())
/// }
/// ```
///
/// Clones are cheap, and threads may share a client. With the trait [`Endpoints`](crate::endpoints::Endpoints) in scope, it
/// has a method for the first segment of each endpoint id, like the async client.
#[derive(Clone)]
pub struct Client(crate::Client);

impl Client {
    /// Creates a client from environment variables, as [`Client::from_env`](crate::Client::from_env) does. For other settings,
    /// use [`ClientBuilder::build_blocking`].
    ///
    /// # Errors
    ///
    /// Fails if the environment has no API key, and in the cases of [`ClientBuilder::build_blocking`].
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::default().env().build_blocking()
    }

    /// Downloads a file of an output to a writer, and returns the number of bytes. Otherwise the same as
    /// [`Client::download_to`](crate::Client::download_to).
    ///
    /// ```no_run
    /// # use fal_client::blocking::{Call, Client};
    /// # fn example(client: Client, image: fal_client::Image) -> Result<(), fal_client::Error> {
    /// let mut png = Vec::new();
    /// client.download_to(&image, &mut png).max_bytes(10 << 20).call()?;
    /// println!("{} bytes", png.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The writer may borrow, and must be [`Send`]: use `std::io::stdout()` rather than its lock.
    pub fn download_to<'a>(&self, media: impl Into<MediaUrl>, writer: impl Write + Send + 'a) -> DownloadTo<'a> {
        self.0.download_to(media, Writer(writer))
    }
}

impl ClientBuilder {
    /// Creates a client for programs without async. Sends nothing.
    ///
    /// ```
    /// # fn main() -> Result<(), fal_client::Error> {
    /// let client = fal_client::Client::builder().key("id:secret").max_in_flight(8).build_blocking()?;
    /// # let _ = client;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - The cases of [`build`](Self::build).
    /// - The background thread cannot be started ([`ErrorKind::Configuration`](crate::ErrorKind::Configuration)).
    pub fn build_blocking(self) -> Result<Client, Error> {
        let client = self.build()?;
        let runtime = Runtime::shared()?;
        // Handles and jobs have the context, too.
        client.context().runtime.get_or_init(|| runtime);
        Ok(Client(client))
    }
}

/// The methods of the async client.
impl Deref for Client {
    type Target = crate::Client;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("blocking::Client").field(&self.0).finish()
    }
}

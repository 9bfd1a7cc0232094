use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting;
use fal_client::{Client, ClientBuilder, FileInput, Handle};
use futures_util::StreamExt;

use crate::{Call, Error, REQUEST_ID, input};

/// Returns the builder of a client of the server with this base URL.
pub fn builder(url: &str) -> ClientBuilder {
    Client::builder()
        .key("id:secret")
        .run_host(format!("{url}/fal.run"))
        .queue_host(format!("{url}/queue.fal.run"))
        .rest_host(format!("{url}/rest.fal.ai"))
}

/// The calls of fal-client, with generated types.
#[derive(Clone)]
pub struct Calls {
    client: Client,
    endpoint: Handle<inpainting::Input, inpainting::Output>,
}

impl Calls {
    /// Creates a client of the server with this base URL.
    ///
    /// # Errors
    ///
    /// Fails if the client cannot be set up.
    pub fn new(url: &str) -> Result<Self, Error> {
        let client = builder(url).build()?;
        let endpoint = client.endpoint(inpainting::ENDPOINT);
        Ok(Calls { client, endpoint })
    }

    /// Makes a call.
    ///
    /// # Errors
    ///
    /// Fails if the call does.
    pub async fn make(&self, call: Call) -> Result<(), Error> {
        let endpoint = &self.endpoint;
        match call {
            Call::Run => drop(endpoint.run(input()).await?),
            Call::Submit => drop(endpoint.submit(input()).await?),
            Call::Subscribe => drop(endpoint.subscribe(input()).await?),
            Call::Wait => drop(endpoint.wait(REQUEST_ID).await?),
            Call::Status => drop(endpoint.status(REQUEST_ID).await?),
            Call::Result => drop(endpoint.result(REQUEST_ID).await?),
            Call::Cancel => drop(endpoint.cancel(REQUEST_ID).await?),
            Call::Stream | Call::LongStream => {
                let stream = endpoint.stream(input());
                let mut stream = if call == Call::Stream { stream } else { stream.path("many") };
                while let Some(event) = stream.next().await {
                    event?;
                }
            }
        }
        Ok(())
    }

    /// Returns the size of each call's future, in bytes.
    pub fn futures(&self) -> Vec<(&'static str, u64)> {
        let (client, endpoint) = (&self.client, &self.endpoint);
        let file = || FileInput::bytes("a", "text/plain");
        let url = "https://example.com/a.png";
        let sizes = [
            ("run", size_of_val(&*endpoint.run(input()).send())),
            ("submit", size_of_val(&*endpoint.submit(input()).send())),
            ("subscribe", size_of_val(&*endpoint.subscribe(input()).send())),
            ("wait", size_of_val(&*endpoint.wait(REQUEST_ID).send())),
            ("status", size_of_val(&*endpoint.status(REQUEST_ID).send())),
            ("result", size_of_val(&*endpoint.result(REQUEST_ID).send())),
            ("cancel", size_of_val(&*endpoint.cancel(REQUEST_ID).send())),
            ("upload", size_of_val(&*client.storage().upload(file()).send())),
            ("download", size_of_val(&*client.download(url, "a.png").send())),
            ("download_bytes", size_of_val(&*client.download_bytes(url).send())),
        ];
        sizes.map(|(name, size)| (name, size as u64)).to_vec()
    }
}

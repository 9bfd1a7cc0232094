use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting;
use fal_client::{Client, FileInput, Handle};
use futures_util::StreamExt;
use tokio::runtime::Runtime;

use crate::{Error, input, runtime};

/// A call whose costs are counted.
#[derive(Clone, Copy, Debug)]
pub enum Call {
    /// A direct run.
    Run,
    /// A submission to the queue.
    Submit,
    /// A submission that is followed to its result.
    Subscribe,
    /// Following to the result.
    Wait,
    /// The status of a request.
    Status,
    /// The result of a request.
    Result,
    /// The cancellation of a request.
    Cancel,
    /// An output stream of one event.
    Stream,
    /// An output stream of [`MANY`](crate::MANY) events.
    LongStream,
}

impl Call {
    /// All calls, except for the long stream.
    pub const ALL: [Call; 8] =
        [Call::Run, Call::Submit, Call::Subscribe, Call::Wait, Call::Status, Call::Result, Call::Cancel, Call::Stream];

    /// Returns the name in `bounds.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Call::Run => "run",
            Call::Submit => "submit",
            Call::Subscribe => "subscribe",
            Call::Wait => "wait",
            Call::Status => "status",
            Call::Result => "result",
            Call::Cancel => "cancel",
            Call::Stream => "stream",
            Call::LongStream => "long-stream",
        }
    }
}

/// The calls of fal-client.
pub struct Calls {
    runtime: Runtime,
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
        let client = Client::builder()
            .key("id:secret")
            .run_host(format!("{url}/run"))
            .queue_host(format!("{url}/queue"))
            .rest_host(format!("{url}/rest"))
            .build()?;
        let endpoint = client.endpoint(inpainting::ENDPOINT);
        Ok(Calls { runtime: runtime()?, client, endpoint })
    }

    /// Makes a call.
    ///
    /// # Errors
    ///
    /// Fails if the call does.
    pub fn make(&self, call: Call) -> Result<(), Error> {
        self.runtime.block_on(self.start(call))
    }

    async fn start(&self, call: Call) -> Result<(), Error> {
        let endpoint = &self.endpoint;
        match call {
            Call::Run => drop(endpoint.run(input()).await?),
            Call::Submit => drop(endpoint.submit(input()).await?),
            Call::Subscribe => drop(endpoint.subscribe(input()).await?),
            Call::Wait => drop(endpoint.wait("R1").await?),
            Call::Status => drop(endpoint.status("R1").await?),
            Call::Result => drop(endpoint.result("R1").await?),
            Call::Cancel => drop(endpoint.cancel("R1").await?),
            Call::Stream | Call::LongStream => {
                let stream = endpoint.stream(input());
                let mut stream = if matches!(call, Call::Stream) { stream } else { stream.path("many") };
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
            ("wait", size_of_val(&*endpoint.wait("R1").send())),
            ("status", size_of_val(&*endpoint.status("R1").send())),
            ("result", size_of_val(&*endpoint.result("R1").send())),
            ("cancel", size_of_val(&*endpoint.cancel("R1").send())),
            ("upload", size_of_val(&*client.storage().upload(file()).send())),
            ("download", size_of_val(&*client.download(url, "a.png").send())),
            ("download_bytes", size_of_val(&*client.download_bytes(url).send())),
        ];
        sizes.map(|(name, size)| (name, size as u64)).to_vec()
    }
}

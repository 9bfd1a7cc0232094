//! The same work in each way.

use bytes::Bytes;
use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::{Client, Endpoint, Response};
use serde_json::{Value, json};

use super::Failure;
use super::bodies::{Input, Kind, Output, data_uri};

/// The work of a measurement, with what it needs.
pub(crate) struct Work {
    kind: Kind,
    way: String,
    /// The body to read.
    body: Bytes,
    http: reqwest::Client,
    url: String,
    client: Client,
}

impl Work {
    /// Prepares the work. The first connection is not part of the measurement.
    pub(crate) async fn new(kind: Kind, way: &str, address: &str) -> Result<Self, Failure> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let host = |name| format!("http://{address}/{name}");
        let client = Client::builder().key("id:secret").run_host(host("fal.run")).queue_host(host("queue.fal.run"));
        let client = client.rest_host(host("rest.fal.ai")).http_client(http.clone()).build()?;
        let url = format!("http://{address}/fal.run/{}", kind.endpoint());
        let is_reading = matches!(kind, Kind::ReadImages | Kind::ReadDataUri);
        if !is_reading {
            http.get(&url).send().await?.bytes().await?;
        }
        let body = if is_reading { kind.output().into() } else { Bytes::new() };
        Ok(Work { kind, way: way.to_owned(), body, http, url, client })
    }

    /// Returns the URL of the input's image.
    pub(crate) fn input(&self) -> String {
        if self.kind == Kind::SendDataUri {
            data_uri(self.kind.size())
        } else {
            "https://example.com/fox.png".to_owned()
        }
    }

    pub(crate) async fn run(&self, image_url: String) -> Result<(), Failure> {
        match (self.kind, &*self.way) {
            (Kind::ReadImages | Kind::ReadDataUri, way) => self.read(way),
            (_, "bare, as bytes") => {
                std::hint::black_box(self.bare(image_url).await?);
                Ok(())
            }
            (_, "bare") => {
                let body = self.bare(image_url).await?;
                std::hint::black_box((serde_json::from_slice::<Output>(&body)?, body));
                Ok(())
            }
            (kind, "fal-client") => {
                let endpoint = Endpoint::<redux::Input, redux::Output>::new(kind.endpoint());
                let endpoint = self.client.endpoint(endpoint);
                std::hint::black_box(endpoint.run(redux::Input::builder().image_url(image_url)).await?);
                Ok(())
            }
            (kind, _) => {
                let endpoint = self.client.endpoint(kind.endpoint());
                std::hint::black_box(endpoint.run(json!({ "image_url": image_url })).await?);
                Ok(())
            }
        }
    }

    fn read(&self, way: &str) -> Result<(), Failure> {
        match way {
            "copy" => drop(std::hint::black_box(self.body.to_vec())),
            "derive" => drop(std::hint::black_box(serde_json::from_slice::<Output>(&self.body)?)),
            "fal-client" => {
                drop(std::hint::black_box(Response::<redux::Output>::from_body(self.body.clone())?));
            }
            _ => drop(std::hint::black_box(serde_json::from_slice::<Value>(&self.body)?)),
        }
        Ok(())
    }

    async fn bare(&self, image_url: String) -> Result<Bytes, Failure> {
        let body = serde_json::to_vec(&Input { image_url })?;
        let request = self.http.post(&self.url).header("content-type", "application/json").body(body);
        Ok(request.send().await?.error_for_status()?.bytes().await?)
    }
}

use std::collections::BTreeMap;

use reqwest::Client;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use crate::exchange::{PROMPT, URLS};
use crate::{Call, Error, runtime};

/// The same calls with reqwest alone and structs that derive serde's traits.
pub struct Derived {
    runtime: Runtime,
    client: Client,
    url: String,
}

#[derive(Serialize)]
struct ImageSize {
    width: u32,
    height: u32,
}

#[derive(Serialize)]
pub struct Input {
    prompt: String,
    control_image_url: String,
    image_url: String,
    mask_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    negative_prompt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_size: Option<ImageSize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_inference_steps: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guidance_scale: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strength: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_images: Option<i64>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "they are only read")]
struct Image {
    url: String,
    content_type: Option<String>,
    file_name: Option<String>,
    file_size: Option<u64>,
    width: Option<u64>,
    height: Option<u64>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "they are only read")]
pub struct Output {
    images: Vec<Image>,
    timings: BTreeMap<String, f64>,
    seed: Option<u64>,
    has_nsfw_concepts: Vec<bool>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "they are only read")]
struct Status {
    status: String,
    request_id: Option<String>,
    queue_position: Option<u64>,
}

impl Derived {
    /// Creates a client of the server with this base URL.
    ///
    /// # Errors
    ///
    /// Fails if reqwest cannot be set up.
    pub fn new(url: &str) -> Result<Self, Error> {
        Ok(Derived { runtime: runtime()?, client: Client::builder().no_proxy().build()?, url: url.to_owned() })
    }

    /// Returns the input of a call.
    pub fn input() -> Input {
        Input {
            prompt: PROMPT.to_owned(),
            control_image_url: URLS[0].to_owned(),
            image_url: URLS[1].to_owned(),
            mask_url: URLS[2].to_owned(),
            negative_prompt: None,
            image_size: Some(ImageSize { width: 1280, height: 720 }),
            num_inference_steps: Some(30),
            guidance_scale: Some(7.0),
            strength: Some(0.9),
            seed: Some(42),
            num_images: Some(2),
        }
    }

    /// Reads an output.
    ///
    /// # Errors
    ///
    /// Fails if the JSON is not an output.
    pub fn read(json: &str) -> Result<Output, Error> {
        read(json.as_bytes())
    }

    /// Sends the requests of a call and reads their responses.
    ///
    /// # Errors
    ///
    /// Fails if a request does.
    pub fn make(&self, call: Call) -> Result<(), Error> {
        self.runtime.block_on(self.start(call))
    }

    async fn start(&self, call: Call) -> Result<(), Error> {
        match call {
            Call::Run => drop(self.post::<Output>("run/a/b").await?),
            Call::Submit => drop(self.post::<Status>("queue/a/b").await?),
            Call::Subscribe => {
                self.post::<Status>("queue/a/b").await?;
                self.follow().await?;
            }
            Call::Wait => self.follow().await?,
            Call::Status => drop(read::<Status>(&self.get("queue/a/requests/R1/status?logs=0").await?)?),
            Call::Result => drop(read::<Output>(&self.get("queue/a/requests/R1").await?)?),
            Call::Cancel => {
                let request = self.client.put(format!("{}/queue/a/requests/R1/cancel", self.url));
                read::<Status>(&self.send(request).await?)?;
            }
            Call::Stream | Call::LongStream => {
                let path = if matches!(call, Call::Stream) { "run/a/b/stream" } else { "run/a/b/many" };
                for event in events(&self.send(self.request(path)?).await?) {
                    read::<Output>(event)?;
                }
            }
        }
        Ok(())
    }

    async fn follow(&self) -> Result<(), Error> {
        let body = self.get("queue/a/requests/R1/status/stream?logs=0").await?;
        for event in events(&body) {
            read::<Status>(event)?;
        }
        read::<Output>(&self.get("queue/a/requests/R1").await?)?;
        Ok(())
    }

    fn request(&self, path: &str) -> Result<reqwest::RequestBuilder, Error> {
        let body = serde_json::to_vec(&Self::input())?;
        Ok(self.client.post(format!("{}/{path}", self.url)).header(CONTENT_TYPE, "application/json").body(body))
    }

    async fn post<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        read(&self.send(self.request(path)?).await?)
    }

    async fn get(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.send(self.client.get(format!("{}/{path}", self.url))).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Vec<u8>, Error> {
        let request = request
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, "fal-client/0.1.0 (rust)")
            .header(AUTHORIZATION, "Key id:secret");
        Ok(request.send().await?.error_for_status()?.bytes().await?.into())
    }
}

fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Error> {
    Ok(serde_json::from_slice(json)?)
}

/// Returns the data of events, each of which is a line.
fn events(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"data: "))
}

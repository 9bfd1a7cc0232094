use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::redirect::Policy;
use reqwest::{Body, Client, Method, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sse_core::{SseDecoder, SseEvent};

use crate::exchange::{APP, ENDPOINT, PROMPT, REQUEST_ID, URLS};
use crate::{Call, Error};

/// The same calls with reqwest alone and structs that derive serde's traits.
#[derive(Clone)]
pub struct Derived {
    client: Client,
    url: String,
}

/// The input of the flagship, with the fields that the calls set and one that they do not.
#[derive(Serialize)]
pub struct Input {
    prompt: String,
    control_image_url: String,
    image_url: String,
    mask_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    negative_prompt: Option<String>,
    image_size: ImageSize,
    num_inference_steps: i64,
    guidance_scale: f64,
    strength: f64,
    seed: i64,
    num_images: i64,
}

#[derive(Serialize)]
struct ImageSize {
    width: i64,
    height: i64,
}

/// The output of the flagship.
#[derive(Deserialize)]
#[expect(dead_code, reason = "they are only read")]
pub struct Output {
    images: Vec<Image>,
    timings: BTreeMap<String, f64>,
    seed: i64,
    has_nsfw_concepts: Vec<bool>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "they are only read")]
struct Image {
    url: String,
    content_type: Option<String>,
    file_name: Option<String>,
    file_size: Option<u64>,
    width: Option<i64>,
    height: Option<i64>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "they are only read")]
struct Job {
    request_id: String,
    response_url: String,
    status_url: String,
    cancel_url: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "they are only read")]
struct Status {
    status: String,
    metrics: Option<Metrics>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "they are only read")]
struct Metrics {
    inference_time: Option<f64>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "they are only read")]
struct Cancellation {
    status: String,
}

impl Derived {
    /// Creates a client of the server with this base URL. It has the options of fal-client, which matter as much as the code.
    ///
    /// # Errors
    ///
    /// Fails if reqwest cannot be set up.
    pub fn new(url: &str) -> Result<Self, Error> {
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .pool_idle_timeout(Duration::from_secs(20))
            .build()?;
        Ok(Derived { client, url: url.to_owned() })
    }

    /// Returns the input of a call.
    pub fn input() -> Input {
        Input {
            prompt: PROMPT.to_owned(),
            control_image_url: URLS[0].to_owned(),
            image_url: URLS[1].to_owned(),
            mask_url: URLS[2].to_owned(),
            negative_prompt: None,
            image_size: ImageSize { width: 1280, height: 720 },
            num_inference_steps: 30,
            guidance_scale: 7.0,
            strength: 0.9,
            seed: 42,
            num_images: 2,
        }
    }

    /// Sends the requests of a call and reads their responses.
    ///
    /// # Errors
    ///
    /// Fails if a request does.
    pub async fn make(&self, call: Call) -> Result<(), Error> {
        match call {
            Call::Run => self.run(body()?).await?,
            Call::Submit => drop(self.submit().await?),
            Call::Subscribe => {
                self.submit().await?;
                self.follow().await?;
            }
            Call::Wait => self.follow().await?,
            Call::Status => drop(json::<Status>(self.of_request(Method::GET, "/status?logs=0").await?).await?),
            Call::Result => drop(json::<Output>(self.of_request(Method::GET, "").await?).await?),
            Call::Cancel => drop(json::<Cancellation>(self.of_request(Method::PUT, "/cancel").await?).await?),
            Call::Stream => events::<Output>(self.post("fal.run", "/stream", body()?).await?).await?,
            Call::LongStream => events::<Output>(self.post("fal.run", "/many", body()?).await?).await?,
        }
        Ok(())
    }

    /// Makes a direct run with an input that is serialized already.
    ///
    /// # Errors
    ///
    /// Fails if the request does.
    pub async fn run(&self, body: impl Into<Body>) -> Result<(), Error> {
        json::<Output>(self.post("fal.run", "", body).await?).await.map(drop)
    }

    async fn submit(&self) -> Result<Job, Error> {
        json(self.post("queue.fal.run", "", body()?).await?).await
    }

    async fn follow(&self) -> Result<(), Error> {
        events::<Status>(self.of_request(Method::GET, "/status/stream?logs=0").await?).await?;
        json::<Output>(self.of_request(Method::GET, "").await?).await.map(drop)
    }

    async fn post(&self, host: &str, path: &str, body: impl Into<Body>) -> Result<Response, Error> {
        let request = self.client.post(format!("{}/{host}/{ENDPOINT}{path}", self.url));
        self.send(request.header("content-type", "application/json").body(body)).await
    }

    async fn of_request(&self, method: Method, path: &str) -> Result<Response, Error> {
        let url = format!("{}/queue.fal.run/{APP}/requests/{REQUEST_ID}{path}", self.url);
        self.send(self.client.request(method, url)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response, Error> {
        let request = request
            .header("accept", "application/json")
            .header("user-agent", "fal-client/0.1.0 (rust)")
            .header("authorization", "Key id:secret");
        Ok(request.send().await?.error_for_status()?)
    }
}

fn body() -> Result<Vec<u8>, Error> {
    Ok(serde_json::to_vec(&Derived::input())?)
}

async fn json<T: DeserializeOwned>(response: Response) -> Result<T, Error> {
    Ok(serde_json::from_slice(&response.bytes().await?)?)
}

/// Reads the events of a response.
async fn events<T: DeserializeOwned>(response: Response) -> Result<(), Error> {
    let mut chunks = response.bytes_stream();
    let mut decoder = SseDecoder::with_limit(NonZeroUsize::MAX);
    while let Some(chunk) = chunks.next().await {
        let mut chunk = chunk?;
        while let Some(event) = decoder.next(&mut chunk) {
            if let SseEvent::Message(message) = event? {
                serde_json::from_str::<T>(&message.data)?;
            }
        }
    }
    Ok(())
}

//! The calls with fal-client.

use fal_client::blocking::{self, Call};
use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting;
use fal_client::{Cancellation, Client, ClientBuilder};
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use super::Failure;
use super::server::EVENTS;
use super::way::{ENDPOINT, Program, REQUEST_ID, Verb, Way};

fn builder(base: &str) -> ClientBuilder {
    Client::builder()
        .key("id:secret")
        .run_host(format!("{base}/fal.run"))
        .queue_host(format!("{base}/queue.fal.run"))
        .rest_host(format!("{base}/rest.fal.ai"))
}

pub(crate) fn client(base: &str) -> Result<Client, Failure> {
    Ok(builder(base).build()?)
}

pub(crate) fn blocking_client(base: &str) -> Result<blocking::Client, Failure> {
    Ok(builder(base).build_blocking()?)
}

fn input() -> inpainting::Input {
    inpainting::Input::builder()
        .prompt("Ice fortress, aurora skies, polar wildlife, twilight")
        .control_image_url("https://example.com/canny.png")
        .image_url("https://example.com/room.png")
        .mask_url("https://example.com/mask.png")
        .image_size((1280, 720))
        .num_inference_steps(30)
        .guidance_scale(7.0)
        .strength(0.9)
        .seed(42)
        .num_images(2)
        .build()
}

fn value() -> Value {
    json!({
        "prompt": "Ice fortress, aurora skies, polar wildlife, twilight",
        "control_image_url": "https://example.com/canny.png",
        "image_url": "https://example.com/room.png",
        "mask_url": "https://example.com/mask.png",
        "image_size": { "width": 1280, "height": 720 },
        "num_inference_steps": 30,
        "guidance_scale": 7.0,
        "strength": 0.9,
        "seed": 42,
        "num_images": 2,
    })
}

/// Makes a call once.
pub(crate) async fn call(client: &Client, way: Way) -> Result<(), Failure> {
    let handle = client.endpoint(inpainting::ENDPOINT);
    let is_expected = match (way.verb, way.program) {
        (Verb::Run, Program::Untyped) => client.endpoint(ENDPOINT).run(value()).await?.data["images"].is_array(),
        (Verb::Run, Program::Unchecked) => handle.run(input()).validate(false).await?.data.images.len() == 2,
        (Verb::Run, _) => handle.run(input()).await?.data.images.len() == 2,
        (Verb::Submit, _) => handle.submit(input()).await?.request_id == REQUEST_ID,
        (Verb::Status, _) => handle.status(REQUEST_ID).await?.is_completed(),
        (Verb::Result, _) => handle.result(REQUEST_ID).await?.data.images.len() == 2,
        (Verb::Cancel, _) => handle.cancel(REQUEST_ID).await? == Cancellation::Requested,
        (Verb::Subscribe, _) => handle.subscribe(input()).await?.data.seed.is_some(),
        (Verb::Stream, _) => {
            let mut outputs = handle.stream(input());
            let mut count = 0;
            while let Some(event) = outputs.try_next().await? {
                count += usize::from(event.output().is_some());
            }
            count == EVENTS
        }
    };
    if is_expected { Ok(()) } else { Err("unexpected response".into()) }
}

/// Makes a direct run once, without async.
pub(crate) fn run_blocking(client: &blocking::Client) -> Result<(), Failure> {
    let response = client.endpoint(inpainting::ENDPOINT).run(input()).call()?;
    if response.data.images.len() == 2 { Ok(()) } else { Err("unexpected response".into()) }
}

//! The bodies that a client and a server exchange.

use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting;

/// The id of the flagship.
pub const ENDPOINT: &str = "fal-ai/fast-sdxl-controlnet-canny/inpainting";

/// Its application.
pub(crate) const APP: &str = "fal-ai/fast-sdxl-controlnet-canny";

/// The request id of every response.
pub const REQUEST_ID: &str = "764cabcf-b745-4b3e-ae38-1200304cf45b";

/// The number of events of an output stream.
pub const EVENTS: usize = 4;

/// The number of events of a long stream.
pub const MANY_EVENTS: usize = 24;

/// An output of the flagship.
pub const OUTPUT: &str = concat!(
    r#"{"images":[{"url":"https://v3.fal.media/files/fox/kHs2vXQ1bJtWm0aRz7dLe_0f1e2d3c4b5a69788796a5b4c3d2e1f0.png","#,
    r#""content_type":"image/png","file_name":"kHs2vXQ1bJtWm0aRz7dLe.png","file_size":1843921,"width":1280,"height":720},"#,
    r#"{"url":"https://v3.fal.media/files/fox/pQw8nYc4uGxTf6oVi3eBs_8796a5b4c3d2e1f00f1e2d3c4b5a6978.png","#,
    r#""content_type":"image/png","file_name":"pQw8nYc4uGxTf6oVi3eBs.png","file_size":1790144,"width":1280,"height":720}],"#,
    r#""timings":{"inference":2.507,"loading":0.113},"seed":9223372036854,"has_nsfw_concepts":[false,false]}"#
);

pub(crate) const PROMPT: &str = "Ice fortress, aurora skies, polar wildlife, twilight";
pub(crate) const URLS: [&str; 3] =
    ["https://example.com/canny.png", "https://example.com/room.png", "https://example.com/mask.png"];

/// Returns an input of the flagship.
pub fn input() -> inpainting::Input {
    inpainting::Input::builder()
        .prompt(PROMPT)
        .control_image_url(URLS[0])
        .image_url(URLS[1])
        .mask_url(URLS[2])
        .image_size((1280, 720))
        .num_inference_steps(30)
        .guidance_scale(7.0)
        .strength(0.9)
        .seed(42)
        .num_images(2)
        .build()
}

use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting;

/// An output of the flagship.
pub const OUTPUT: &str = concat!(
    r#"{"images":[{"url":"https://v3.fal.media/files/penguin/first.png","content_type":"image/png","#,
    r#""file_name":"first.png","file_size":1843921,"width":1280,"height":720},"#,
    r#"{"url":"https://v3.fal.media/files/penguin/second.png","content_type":"image/png","#,
    r#""file_name":"second.png","file_size":1843922,"width":1280,"height":720}],"#,
    r#""timings":{"inference":2.5},"seed":42,"has_nsfw_concepts":[false,false]}"#
);

/// The number of events of a long stream.
pub const MANY: usize = 51;

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

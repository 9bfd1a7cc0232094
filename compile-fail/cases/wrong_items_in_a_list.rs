use fal_client::endpoints::fal_ai::flux_lora::image_to_image::{Input, LoraWeight};

fn main() {
    let _strings = Input::builder().loras(["https://example.com/style.safetensors"]);
    let _object = Input::builder().loras(LoraWeight::new("https://example.com/style.safetensors"));
}

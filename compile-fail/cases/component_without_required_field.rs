use fal_client::endpoints::fal_ai::flux_lora::image_to_image::LoraWeight;

fn main() {
    let _lora = LoraWeight::new().scale(0.5);
}

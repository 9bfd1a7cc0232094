use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting::Input;

fn main() {
    let _input = Input::builder().image_size("square_hd");
}

use fal_client::endpoints::fal_ai::flux::dev::image_to_image::Input;

fn main() {
    let _input = Input::builder().image_url("https://example.com/a.png").build();
}

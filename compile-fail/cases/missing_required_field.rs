use fal_client::Client;
use fal_client::endpoints::Endpoints;
use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting::Input;

async fn subscribe(client: Client) -> Result<(), fal_client::Error> {
    let input = Input::builder()
        .prompt("Ice fortress")
        .control_image_url("https://example.com/a.png")
        .mask_url("https://example.com/b.png");
    client.fal_ai().fast_sdxl_controlnet_canny().inpainting().subscribe(input).await?;
    Ok(())
}

fn main() {
    let _ = subscribe;
}

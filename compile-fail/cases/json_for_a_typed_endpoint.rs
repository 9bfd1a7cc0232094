use fal_client::Client;
use fal_client::endpoints::fal_ai::flux::dev::redux;

async fn run(client: Client) -> Result<(), fal_client::Error> {
    client.endpoint(redux::ENDPOINT).run(serde_json::json!({ "image_url": "https://example.com/a.png" })).await?;
    Ok(())
}

fn main() {
    let _ = run;
}

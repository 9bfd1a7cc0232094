use fal_client::Client;

/// A direct run has no webhook: fal delivers the results of queued requests only.
async fn run(client: Client) -> Result<(), fal_client::Error> {
    client.endpoint("fal-ai/flux/dev").run(serde_json::json!({})).webhook("https://example.com/").await?;
    Ok(())
}

fn main() {
    let _ = run;
}

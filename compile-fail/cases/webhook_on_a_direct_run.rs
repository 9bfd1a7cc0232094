use fal_client::Client;

/// Direct runs have no webhook: fal delivers only the results of queued requests.
async fn run(client: Client) -> Result<(), fal_client::Error> {
    client.endpoint("fal-ai/flux/dev").run(serde_json::json!({})).webhook("https://example.com/").await?;
    Ok(())
}

fn main() {
    let _ = run;
}

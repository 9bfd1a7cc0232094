use std::time::Duration;

use fal_emulator::{Emulator, Pace};
use reqwest::Method;

use crate::fal::{Fal, INPAINTING, send};

#[tokio::test]
async fn requests_without_a_key_are_limited() {
    let minute = Duration::from_secs(60);
    let fal = Fal::start(Emulator::builder().pace(Pace::instant()).rate_limit(2, minute)).await;
    let models = || send(fal.anonymous(Method::GET, "/api.fal.ai/v1/models"));
    assert_eq!(models().await.status, 200);
    let document = format!("/fal.ai/api/openapi/queue/openapi.json?endpoint_id={INPAINTING}");
    assert_eq!(send(fal.anonymous(Method::GET, &document)).await.status, 200);

    let refused = models().await;
    assert_eq!(refused.error(), (429, "rate_limited"));
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(fal.platform("/models").await.status, 200, "a key raises the limit");

    fal.advance_time(Duration::from_secs(seconds));
    assert_eq!(models().await.status, 200);
}

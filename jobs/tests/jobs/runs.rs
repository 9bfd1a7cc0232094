//! Jobs that run once.

use fal_client::endpoints::fal_ai::flux::dev::redux;

use crate::support::{Database, Outcome, emulator, on_both_databases};

on_both_databases!(equal_input_is_submitted_once);

async fn equal_input_is_submitted_once(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let input = || redux::Input::builder().image_url("https://example.com/fox.png");
    let first = database.journal().await?.run(&redux, input()).await?;
    let second = database.journal().await?.run(&redux, input()).await?;
    assert_eq!(first.record.request_id, second.record.request_id);
    assert_eq!(first.data.images, second.data.images);
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}

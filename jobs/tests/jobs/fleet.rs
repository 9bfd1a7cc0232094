//! Workers.

use std::collections::BTreeSet;

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_jobs::State;

use crate::support::{Database, Outcome, emulator, on_both_databases};

on_both_databases!(workers_share_the_jobs, workers_take_their_endpoints_and_labels_only);

fn input(index: usize) -> redux::Input {
    redux::Input::builder().image_url(format!("https://example.com/{index}.png")).into()
}

async fn workers_share_the_jobs(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let journal = database.journal().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    for index in 0..20 {
        let job = journal.enqueue(&redux, input(index)).await?;
        assert_eq!(job.state, State::Waiting);
    }
    let again = journal.enqueue(&redux, input(0)).await?;
    assert_eq!(again.key, journal.get(&again.key).await?.expect("the job").key);
    let (first, second) = (database.journal().await?, database.journal().await?);
    let (first, second) = tokio::try_join!(
        first.worker(&client).concurrency(3).until_empty().run(),
        second.worker(&client).concurrency(3).until_empty().run(),
    )?;
    assert_eq!((first.completed + second.completed, first.failed + second.failed), (20, 0));
    let sent: BTreeSet<_> = emulator.jobs().iter().map(|job| job.request().input()["image_url"].to_string()).collect();
    assert_eq!((emulator.jobs().len(), sent.len()), (20, 20));
    Ok(())
}

async fn workers_take_their_endpoints_and_labels_only(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let journal = database.journal().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    journal.enqueue(&redux, input(0)).key("day").label("day").await?;
    journal.enqueue(&redux, input(1)).key("night").label("night").await?;
    let elsewhere = journal.worker(&client).endpoints(["fal-ai/flux/dev"]).until_empty().run().await?;
    assert_eq!(elsewhere.completed, 0);
    let night = journal.worker(&client).endpoints([redux.id(), "fal-ai/flux/dev"]).label("night").until_empty();
    assert_eq!(night.run().await?.completed, 1);
    assert_eq!(journal.get("day").await?.expect("the job").state, State::Waiting);
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}

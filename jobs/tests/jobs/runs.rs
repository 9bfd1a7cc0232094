//! Jobs that run once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::money::Cost;
use fal_client::{Lifecycle, Priority};
use fal_emulator::{Fault, Operation, Pace};
use fal_jobs::{ErrorKind, Filter, Redaction, Reuse, State, SubmitOptions};
use futures_util::future::{join, join_all};
use serde_json::json;

use crate::support::{Database, Outcome, PAINTER, emulator_with, fox, instant, on_both_databases, painter};

on_both_databases!(
    equal_key_is_submitted_once,
    completed_job_without_a_key_is_followed_by_another,
    unfinished_job_without_a_key_is_continued,
    concurrent_calls_of_a_key_share_one_request,
    submitted_job_is_followed_later,
    options_are_sent_and_recorded,
    updates_are_reported,
    integers_of_any_size_are_sent_and_returned_exactly,
    output_of_another_type_is_an_error_that_keeps_it,
    invalid_input_is_not_recorded,
    conflict_names_what_differs,
    errors_before_the_job_is_recorded_have_its_key,
);

async fn equal_key_is_submitted_once(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let first = database.journal().await?.run(&redux, fox()).key("fox").label("animals").await?;
    let second = database.journal().await?.run(&redux, fox()).key("fox").await?;
    assert_eq!(first.record.request_id, second.record.request_id);
    assert_eq!(first.data.images, second.data.images);
    assert_eq!((second.media().len(), &second.request_id), (1, &second.record.request_id));
    assert_eq!((second.billable_units, second.record.label.as_deref()), (first.billable_units, Some("animals")));
    assert_eq!(emulator.jobs().len(), 1);
    let owl = redux::Input::builder().image_url("https://example.com/owl.png");
    let conflict = database.journal().await?.run(&redux, owl).key("fox").await.expect_err("another input");
    assert_eq!(conflict.kind(), ErrorKind::KeyConflict);
    let same = client.endpoint("fal-ai/flux/dev/redux");
    let same = database.journal().await?.run(&same, json!({ "image_url": "https://example.com/fox.png" })).key("fox");
    assert_eq!(same.await?.record.request_id, first.record.request_id);
    Ok(())
}

async fn completed_job_without_a_key_is_followed_by_another(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    let hour = Duration::from_secs(3600);
    let first = journal.run(&redux, fox()).reuse(Reuse::Any(hour)).await?;
    let again = journal.run(&redux, fox()).reuse(Reuse::Any(hour)).await?;
    assert_eq!(first.record.key, again.record.key);
    let without_seed = journal.run(&redux, fox()).reuse(Reuse::Seeded(hour)).await?;
    assert_eq!(without_seed.record.key, format!("{}#2", first.record.key));
    let third = journal.run(&redux, fox()).await?;
    assert_eq!(third.record.key, format!("{}#3", first.record.key));
    assert_eq!(emulator.jobs().len(), 3);
    let seeded = || redux::Input::builder().image_url("https://example.com/fox.png").seed(7);
    journal.run(&redux, seeded()).await?;
    journal.run(&redux, seeded()).reuse(Reuse::Seeded(hour)).await?;
    assert_eq!(emulator.jobs().len(), 4);
    Ok(())
}

async fn unfinished_job_without_a_key_is_continued(database: Database) -> Outcome {
    let (emulator, client) = emulator_with(Pace::manual()).await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let error = database.journal().await?.run(&redux, fox()).timeout(Duration::ZERO).await.expect_err("a timeout");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let key = error.key().expect("a key").to_owned();
    let journal = database.journal().await?;
    assert_eq!(journal.get(&key).await?.expect("a job").state, State::Submitted);
    emulator.complete(emulator.jobs()[0].request_id());
    let done = journal.run(&redux, fox()).await?;
    assert_eq!((done.record.key, emulator.jobs().len()), (key, 1));
    Ok(())
}

async fn concurrent_calls_of_a_key_share_one_request(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let (one, other) = (database.journal().await?, database.journal().await?);
    let calls = (0..8).map(|index| {
        let journal = if index % 2 == 0 { &one } else { &other };
        let call = journal.run(&redux, fox());
        if index < 4 { call.key("fox") } else { call }.send()
    });
    let mut ids = Vec::new();
    for done in join_all(calls).await {
        ids.push(done?.record.request_id);
    }
    // Those without a key may follow one another.
    assert!(ids[..4].iter().all(|id| *id == ids[0]), "{ids:?}");
    let submitted = emulator.jobs().len();
    let (first, second) = (one.run(&redux, fox()).key("fox"), other.run(&redux, fox()).key("fox"));
    let (first, second) = join(first.send(), second.send()).await;
    assert_eq!((first?.record.request_id, second?.record.request_id), (ids[0].clone(), ids[0].clone()));
    assert_eq!(emulator.jobs().len(), submitted);
    Ok(())
}

async fn submitted_job_is_followed_later(database: Database) -> Outcome {
    let (emulator, client) = emulator_with(Pace::manual()).await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    let submitted = journal.submit(&redux, fox()).key("fox").await?;
    assert_eq!((submitted.state, submitted.attempt), (State::Submitted, 1));
    let again = database.journal().await?.submit(&redux, fox()).key("fox").await?;
    assert_eq!(again.request_id, submitted.request_id);
    emulator.complete(submitted.request_id.as_deref().expect("an id"));
    let done = database.journal().await?.run(&redux, fox()).key("fox").await?;
    assert_eq!((done.record.request_id, emulator.jobs().len()), (submitted.request_id, 1));
    assert_eq!(journal.submit(&redux, fox()).key("fox").await?.state, State::Completed);
    Ok(())
}

async fn options_are_sent_and_recorded(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    let options = SubmitOptions::new()
        .priority(Priority::Low)
        .start_timeout(Duration::from_secs(90))
        .hint("warm")
        .no_retry(true)
        .max_queue_length(7)
        .tag("team", "art")
        .lifecycle(Lifecycle::expires_after(Duration::from_secs(3600)))
        .store_io(true);
    journal.run(&redux, fox()).key("direct").options(options.clone()).await?;
    journal.enqueue(&redux, fox()).key("recorded").options(options).await?;
    database.journal().await?.resume(&client, "recorded").await?;
    assert_eq!(emulator.jobs().len(), 2);
    for job in emulator.jobs() {
        let sent = job.request();
        for (header, value) in [
            ("x-fal-queue-priority", "low"),
            ("x-fal-request-start-timeout", "90"),
            ("x-fal-runner-hint", "warm"),
            ("x-fal-no-retry", "1"),
            ("x-fal-tags", "team=art"),
            ("x-fal-object-lifecycle-preference", r#"{"expiration_duration_seconds":3600}"#),
            ("x-fal-store-io", "1"),
        ] {
            assert_eq!(sent.header(header), Some(value));
        }
        assert_eq!(sent.query("fal_max_queue_length"), Some("7"));
    }
    Ok(())
}

async fn updates_are_reported(database: Database) -> Outcome {
    let (_emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let updates = Arc::clone(&seen);
    let journal = database.journal().await?;
    journal.run(&redux, fox()).logs(true).on_update(move |update| updates.lock().expect("a lock").push(update)).await?;
    let seen = seen.lock().expect("a lock");
    assert!(seen.last().is_some_and(|update| update.is_completed()));
    assert!(seen.iter().any(|update| !update.logs().is_empty()));
    Ok(())
}

async fn integers_of_any_size_are_sent_and_returned_exactly(database: Database) -> Outcome {
    #[fal_client::output]
    struct Sizes {
        size: Option<i128>,
    }
    #[derive(Debug, serde::Serialize)]
    struct Large(Box<serde_json::value::RawValue>);
    impl fal_client::EndpointInput for Large {
        fn validate(&self) -> Result<(), fal_client::ValidationError> {
            Ok(())
        }
        fn visit_files(&mut self, _visit: &mut dyn FnMut(&str, &mut fal_client::FileInput)) {}
    }
    const NUMBER: &str = "1237940039285380274899124225";
    let (emulator, client) = instant().await?;
    emulator.inject_fault(Operation::Result, Fault::respond(200).json(&json!({ "size": u64::MAX })));
    let endpoint = client.endpoint(fal_client::Endpoint::<Large, Sizes>::new("fal-ai/flux/dev/redux"));
    let input = format!(r#"{{"image_url":"https://example.com/fox.png","large":{NUMBER}}}"#);
    let journal = database.journal().await?;
    let done = journal.run(&endpoint, Large(serde_json::value::RawValue::from_string(input)?)).await?;
    assert_eq!(done.data.size, Some(i128::from(u64::MAX)));
    assert!(done.record.input.contains(NUMBER));
    assert!(String::from_utf8_lossy(emulator.jobs()[0].request().body()).contains(NUMBER));
    Ok(())
}

async fn output_of_another_type_is_an_error_that_keeps_it(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    emulator.inject_fault(Operation::Result, Fault::respond(200).json(&json!({ "text": "no image" })));
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    for _ in 0..2 {
        let error = journal.run(&redux, fox()).key("fox").await.expect_err("another output");
        assert_eq!(error.kind(), ErrorKind::Output);
    }
    let job = journal.get("fox").await?.expect("a job");
    assert_eq!((job.state, job.output.as_deref()), (State::Completed, Some(r#"{"text":"no image"}"#)));
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}

async fn invalid_input_is_not_recorded(database: Database) -> Outcome {
    let (emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    let invalid = redux::Input::builder().image_url("https://example.com/fox.png").num_images(1000);
    let error = journal.run(&redux, invalid).key("fox").await.expect_err("too many images");
    assert_eq!(error.kind(), ErrorKind::Input);
    for key in ["", "a\0b", &"x".repeat(2000)] {
        assert_eq!(journal.run(&redux, fox()).key(key).await.expect_err(key).kind(), ErrorKind::Configuration);
    }
    assert!(journal.get("fox").await?.is_none());
    assert!(!emulator.requests().iter().any(|request| request.operation() == Operation::Submit));
    Ok(())
}

async fn conflict_names_what_differs(database: Database) -> Outcome {
    let emulator = painter().await?;
    let painter = emulator.client().endpoint(PAINTER);
    let journal = database.journal().await?;
    let input = json!({ "prompt": "a red fox", "size": { "width": 1 }, "seed": 7, "gone": true });
    journal.run(&painter, input).key("fox").await?;
    let other = json!({ "prompt": "a blue owl", "size": { "width": 2 }, "seed": 7.0, "new\n": null });
    let error = journal.run(&painter, other.clone()).key("fox").await.expect_err("another input");
    let expected = "job `fox`: the key belongs to a job with another input (different fields: `gone`, `new\\n`, `prompt`, `size`): use another key";
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::KeyConflict, expected));
    let many: serde_json::Value = (0..1000).map(|index| (format!("f{index}"), json!(index))).collect();
    let error = journal.run(&painter, many).key("fox").await.expect_err("another input");
    assert!(error.to_string().contains("(different fields: `f0`, `f1`, `f10`, `f100`, `f101`, …)"), "{error}");
    let redux = emulator.client().endpoint("fal-ai/flux/dev/redux");
    let error = journal.run(&redux, other.clone()).key("fox").await.expect_err("another endpoint");
    assert_eq!(
        error.to_string(),
        "job `fox`: the key belongs to a job of the endpoint `acme/painter`: use another key"
    );
    journal.redact(Filter::new(), &Redaction::Inputs).await?;
    let error = journal.run(&painter, other).key("fox").await.expect_err("another input");
    assert_eq!(error.to_string(), "job `fox`: the key belongs to a job with another input: use another key");
    Ok(())
}

async fn errors_before_the_job_is_recorded_have_its_key(database: Database) -> Outcome {
    let (_emulator, client) = instant().await?;
    let redux = client.endpoint(redux::ENDPOINT);
    let journal = database.journal().await?;
    let many = || redux::Input::builder().image_url("https://example.com/fox.png").num_images(99);
    let error = journal.run(&redux, many()).key("fox").await.expect_err("an invalid input");
    assert!(error.to_string().starts_with("job `fox`: invalid input: num_images: "), "{error}");
    let error = journal.submit(&redux, many()).await.expect_err("an invalid input");
    assert!(error.to_string().starts_with("invalid input: num_images: "), "{error}");
    let budget = journal.budget("b", Cost::usd(1)?).await?;
    let error = journal.run(&redux, fox()).key("fox").budget(&budget).await.expect_err("no estimate");
    assert!(error.to_string().starts_with("job `fox`: the budget `b` has no estimate"), "{error}");
    for key in ["", &"k".repeat(1_000_000)] {
        let error = journal.run(&redux, fox()).key(key).await.expect_err("an invalid key");
        assert!(error.to_string().starts_with("invalid key: "), "{}", error.to_string().len());
    }
    Ok(())
}

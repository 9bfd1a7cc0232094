//! Lists, counts, exports and removals.

use std::time::Duration;

use fal_emulator::Emulator;
use fal_jobs::{ErrorKind, Filter, Journal, Record, Redaction, State};
use futures_util::TryStreamExt;
use serde_json::json;

use crate::support::{Database, Outcome, PAINTER, on_both_databases, painter};

on_both_databases!(
    filters_are_combined,
    lists_are_paged_in_the_order_of_creation,
    names_are_bounded,
    only_final_jobs_are_removed,
    large_and_odd_values_survive,
    exports_have_a_line_for_each_job,
    failed_export_leaves_the_file_alone,
    concurrent_exports_to_a_file_are_whole,
    redacted_jobs_are_recognised,
    prompts_are_redacted_in_outputs,
    fields_are_redacted_when_a_job_ends,
    closed_journal_rejects_operations,
);

/// Runs a job of an endpoint without a schema.
async fn run(journal: &Journal, emulator: &Emulator, key: &str, prompt: &str) -> Result<Record, fal_jobs::Error> {
    let handle = emulator.client().endpoint(PAINTER);
    Ok(journal.run(&handle, json!({"prompt": prompt, "deep": [{"prompt": prompt, "seed": 7}]})).key(key).await?.record)
}

async fn keys(journal: &Journal, filter: Filter) -> Result<Vec<String>, fal_jobs::Error> {
    journal.list(filter).map_ok(|record| record.key).try_collect().await
}

async fn filters_are_combined(database: Database) -> Outcome {
    let emulator = painter().await?;
    let journal = database.journal().await?;
    run(&journal, &emulator, "a%1", "one").await?;
    run(&journal, &emulator, "A%1", "two").await?;
    run(&journal, &emulator, "aé2", "three").await?;
    journal.run(&emulator.client().endpoint(PAINTER), json!({})).key("b").label("night").await?;
    database.execute("UPDATE jobs SET endpoint = 'acme/other' WHERE key = 'b'").await?;
    database.execute("UPDATE jobs SET state = 'uncertain', finished_at = NULL WHERE key = 'aé2'").await?;
    database.execute("UPDATE jobs SET finished_at = finished_at - 7200000 WHERE key = 'b'").await?;

    let hour = Duration::from_secs(3600);
    for (filter, expected) in [
        (Filter::new(), vec!["a%1", "A%1", "aé2", "b"]),
        (Filter::new().key("A%1"), vec!["A%1"]),
        (Filter::new().key_prefix("a"), vec!["a%1", "aé2"]),
        (Filter::new().key_prefix("aé"), vec!["aé2"]),
        (Filter::new().key_prefix("a%"), vec!["a%1"]),
        (Filter::new().key_contains("%1"), vec!["a%1", "A%1"]),
        (Filter::new().key_contains(""), vec!["a%1", "A%1", "aé2", "b"]),
        (Filter::new().key_contains("é").newest_first(), vec!["aé2"]),
        (Filter::new().newest_first(), vec!["b", "aé2", "A%1", "a%1"]),
        (Filter::new().endpoint(PAINTER).is_final(), vec!["a%1", "A%1"]),
        (Filter::new().state(State::Uncertain), vec!["aé2"]),
        (Filter::new().label("night"), vec!["b"]),
        (Filter::new().label("night").older_than(hour), vec!["b"]),
        (Filter::new().newer_than(hour), vec!["a%1", "A%1", "aé2"]),
        (Filter::new().older_than(Duration::MAX), vec![]),
        (Filter::new().newer_than(Duration::MAX), vec!["a%1", "A%1", "aé2", "b"]),
        (Filter::new().label("' OR 1 = 1 --"), vec![]),
    ] {
        assert_eq!(keys(&journal, filter.clone()).await?, expected, "{filter:?}");
        assert_eq!(journal.count(filter.clone()).await?.total(), u64::try_from(expected.len())?, "{filter:?}");
    }
    let counts = journal.count(Filter::new()).await?;
    assert_eq!((counts.of(State::Completed), counts.of(State::Uncertain), counts.unfinished()), (3, 1, 1));
    Ok(())
}

async fn lists_are_paged_in_the_order_of_creation(database: Database) -> Outcome {
    let emulator = painter().await?;
    let journal = database.journal().await?;
    run(&journal, &emulator, "k0", "one").await?;
    let columns = "endpoint, label, format, input, input_hash, state, attempt, reserved, estimate, webhook, enqueued, revision, created_at";
    for at in 1..100 {
        let key = format!("k{at}");
        database
            .execute(&format!("INSERT INTO jobs (key, {columns}) SELECT '{key}', {columns} FROM jobs WHERE key = 'k0'"))
            .await?;
    }
    let expected: Vec<String> = (0..100).map(|at| format!("k{at}")).collect();
    assert_eq!(keys(&journal, Filter::new()).await?, expected);
    let newest: Vec<String> = expected.iter().rev().cloned().collect();
    assert_eq!(keys(&journal, Filter::new().newest_first()).await?, newest);

    // A job of a newer version does not hide the others.
    database.execute("UPDATE jobs SET format = 99 WHERE key = 'k50'").await?;
    let mut list = journal.list(Filter::new());
    let (mut read, mut newer) = (0, 0);
    loop {
        match list.try_next().await {
            Ok(Some(_)) => read += 1,
            Ok(None) => break,
            Err(error) => {
                assert_eq!((error.kind(), error.key()), (ErrorKind::NewerVersion, Some("k50")), "{error}");
                newer += 1;
            }
        }
    }
    assert_eq!((read, newer), (99, 1));
    Ok(())
}

async fn names_are_bounded(database: Database) -> Outcome {
    let emulator = painter().await?;
    let journal = database.journal().await?;
    let handle = emulator.client().endpoint(PAINTER);
    for key in [String::new(), "k".repeat(1025), "a\0b".to_owned()] {
        let error = journal.run(&handle, json!({})).key(key).await.expect_err("invalid key");
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
        assert!(error.to_string().len() < 200, "{error}");
    }
    let error = journal.run(&handle, json!({})).label("l".repeat(1025)).await.expect_err("invalid label");
    assert_eq!(error.to_string(), "invalid label: it has 1025 bytes, and at most 1024 are allowed");
    assert!(emulator.jobs().is_empty());
    for key in ["k".repeat(1024), "é".repeat(512), "' \" \\ % _ $1 \n\u{202e}🦊".to_owned()] {
        journal.run(&handle, json!({})).key(&key).label(&key).await?;
        assert_eq!(keys(&journal, Filter::new().label(&key)).await?, [key.as_str()]);
        assert_eq!(journal.get(&key).await?.map(|record| record.key), Some(key));
    }
    Ok(())
}

async fn only_final_jobs_are_removed(database: Database) -> Outcome {
    let emulator = painter().await?;
    let journal = database.journal().await?;
    for (key, state) in [
        ("done", "completed"),
        ("failed", "failed"),
        ("waits", "waiting"),
        ("intended", "intended"),
        ("submitted", "submitted"),
        ("uncertain", "uncertain"),
    ] {
        run(&journal, &emulator, key, key).await?;
        database.execute(&format!("UPDATE jobs SET state = '{state}' WHERE key = '{key}'")).await?;
    }
    let hour = Duration::from_secs(3600);
    assert_eq!(journal.prune(Filter::new().older_than(hour)).await?, 0);
    for state in [State::Waiting, State::Intended, State::Submitted, State::Uncertain] {
        let error = journal.prune(Filter::new().is_final().state(state)).await.expect_err("not final");
        assert_eq!(error.kind(), ErrorKind::Input, "{error}");
        let error = journal.redact(Filter::new().state(state), &Redaction::Inputs).await.expect_err("not final");
        assert_eq!(error.kind(), ErrorKind::Input, "{error}");
    }
    assert_eq!(journal.redact(Filter::new(), &Redaction::Inputs).await?, 2);
    assert_eq!(journal.redact(Filter::new(), &Redaction::Inputs).await?, 0);
    assert_eq!(journal.prune(Filter::new()).await?, 2);
    assert_eq!(keys(&journal, Filter::new()).await?, ["waits", "intended", "submitted", "uncertain"]);
    assert_eq!(journal.get("waits").await?.map(|record| record.is_redacted()), Some(false));
    Ok(())
}

async fn large_and_odd_values_survive(database: Database) -> Outcome {
    let emulator = painter().await?;
    let journal = database.journal().await?;
    let text = format!("NUL \0, lone quote \", {}", "🦊".repeat(2_500_000));
    let output = json!({"text": text, "number": 12_345_678_901_234_567_890_u64});
    emulator.answer(PAINTER, &output)?;
    let input = json!({"prompt": "a\0b", "name\0": "\u{1}"});
    let completed = journal.run(&emulator.client().endpoint(PAINTER), input.clone()).key("large").await?;
    assert!(completed.data == output, "the output of the call differs");
    let record = journal.get("large").await?.ok_or("missing")?;
    let recorded: serde_json::Value = serde_json::from_str(record.output.as_deref().ok_or("no output")?)?;
    assert!(recorded == output, "the recorded output differs");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&record.input)?, input);
    assert_eq!(keys(&journal, Filter::new()).await?, ["large"]);
    Ok(())
}

async fn exports_have_a_line_for_each_job(database: Database) -> Outcome {
    let emulator = painter().await?;
    let journal = database.journal().await?;
    emulator.answer(PAINTER, &json!({"ok": true}))?;
    run(&journal, &emulator, "one", "a fox\nin \"snow\"").await?;
    run(&journal, &emulator, "two", "b").await?;
    // A service may send line breaks between values, and text that is not JSON.
    database
        .execute(
            "UPDATE jobs SET output = '{\n\"n\":\r\n 1e400}', cost = 1500000, earlier = '[\"r1\"]' WHERE key = 'one'",
        )
        .await?;
    database
        .execute("UPDATE jobs SET output = 'a\nb', error = '{\"kind\":\"x\"}', state = 'failed' WHERE key = 'two'")
        .await?;
    let mut written = Vec::new();
    assert_eq!(journal.export(Filter::new(), &mut written).await?, 2);
    let written = String::from_utf8(written)?;
    let lines: Vec<&str> = written.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].contains(r#""output":{ "n":   1e400}"#), "{}", lines[0]);
    let line: serde_json::Value = serde_json::from_str(&lines[0].replace("1e400", "1"))?;
    assert_eq!(line["version"], 1);
    assert_eq!((&line["key"], &line["state"]), (&json!("one"), &json!("completed")));
    assert_eq!(line["input"]["prompt"], "a fox\nin \"snow\"");
    assert_eq!((&line["cost_usd"], &line["earlier_request_ids"]), (&json!("0.0015"), &json!(["r1"])));
    assert_eq!(line["input_hash"].as_str().map(str::len), Some(64));
    assert!(line["finished_at"].as_i64() >= line["created_at"].as_i64());
    let line: serde_json::Value = serde_json::from_str(lines[1])?;
    assert_eq!((&line["output"], &line["error"]["kind"], &line["label"]), (&json!("a\nb"), &json!("x"), &json!(null)));

    let folder = tempfile::tempdir()?;
    let path = folder.path().join("jobs.jsonl");
    assert_eq!(journal.export_to(Filter::new(), &path).await?, 2);
    assert_eq!(std::fs::read_to_string(&path)?, written);
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 1);
    Ok(())
}

async fn failed_export_leaves_the_file_alone(database: Database) -> Outcome {
    let emulator = painter().await?;
    let journal = database.journal().await?;
    run(&journal, &emulator, "one", "a").await?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("jobs.jsonl");
    std::fs::write(&path, "before")?;
    database.execute("UPDATE jobs SET format = 99").await?;
    let error = journal.export_to(Filter::new(), &path).await.expect_err("a job of a newer version");
    assert_eq!(error.kind(), ErrorKind::NewerVersion, "{error}");
    assert_eq!(std::fs::read_to_string(&path)?, "before");
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 1);
    let error =
        journal.export_to(Filter::new(), folder.path().join("missing/jobs.jsonl")).await.expect_err("no folder");
    assert_eq!(error.kind(), ErrorKind::File, "{error}");
    Ok(())
}

async fn concurrent_exports_to_a_file_are_whole(database: Database) -> Outcome {
    let emulator = painter().await?;
    let journal = database.journal().await?;
    for key in ["one", "two", "three"] {
        run(&journal, &emulator, key, &"long ".repeat(20_000)).await?;
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("jobs.jsonl");
    let mut alone = Vec::new();
    journal.export(Filter::new(), &mut alone).await?;
    let exports = futures_util::future::join_all((0..8).map(|_| journal.export_to(Filter::new(), &path))).await;
    for exported in exports {
        assert_eq!(exported?, 3);
    }
    assert_eq!(std::fs::read(&path)?, alone);
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 1);
    Ok(())
}

async fn redacted_jobs_are_recognised(database: Database) -> Outcome {
    let emulator = painter().await?;
    let journal = database.journal().await?;
    emulator.answer(PAINTER, &json!({"text": "secret result"}))?;
    let before = run(&journal, &emulator, "one", "secret prompt").await?;
    let fields = Redaction::Fields(vec!["prompt".to_owned()]);
    assert_eq!(journal.redact(Filter::new().key("one"), &fields).await?, 1);
    let record = journal.get("one").await?.ok_or("missing")?;
    assert_eq!(record.input, r#"{"deep":[{"prompt":"[redacted]","seed":7}],"prompt":"[redacted]"}"#);
    assert_eq!((record.output, record.request_id), (before.output, before.request_id));
    let again = run(&journal, &emulator, "one", "secret prompt").await?;
    assert!(again.is_redacted());
    let error = run(&journal, &emulator, "one", "another prompt").await.expect_err("another input");
    assert_eq!(error.kind(), ErrorKind::KeyConflict, "{error}");

    assert_eq!(journal.redact(Filter::new(), &Redaction::InputsAndOutputs).await?, 1);
    let mut written = Vec::new();
    journal.export(Filter::new(), &mut written).await?;
    let written = String::from_utf8(written)?;
    assert!(!written.contains("secret"), "{written}");
    assert!(written.contains(r#""redacted":true"#), "{written}");
    run(&journal, &emulator, "one", "secret prompt").await.expect_err("the result is gone");
    assert_eq!(emulator.jobs().len(), 1);
    if let Some(file) = database.file() {
        journal.close().await;
        let bytes = std::fs::read(file)?;
        assert!(!bytes.windows(6).any(|window| window == b"secret"), "the file still has the text");
    }
    Ok(())
}

async fn prompts_are_redacted_in_outputs(database: Database) -> Outcome {
    let emulator = painter().await?;
    let journal = database.journal().await?;
    let output = json!({
        "prompt": "a red fox", "captions": ["cinematic, a red fox, 4k"], "style": " ink ", "kind": "ink", "seed": 7,
        "images": [{"url": "https://example.com/fox.png"}],
    });
    emulator.answer(PAINTER, &output)?;
    let handle = emulator.client().endpoint(PAINTER);
    for (key, redaction) in
        [("fields", Redaction::Fields(vec!["prompt".to_owned(), "style".to_owned()])), ("inputs", Redaction::Inputs)]
    {
        journal.run(&handle, json!({"prompt": " a red fox\n", "style": "ink", "seed": 7})).key(key).await?;
        assert_eq!(journal.redact(Filter::new().key(key), &redaction).await?, 1);
        assert_eq!(journal.redact(Filter::new().key(key), &redaction).await?, 0, "it is redacted already");
        let again = journal.run(&handle, json!({"prompt": " a red fox\n", "style": "ink", "seed": 7})).key(key).await?;
        assert_eq!(
            again.data,
            json!({
                "prompt": "[redacted]", "captions": ["cinematic, [redacted], 4k"], "style": " [redacted] ", "kind": "ink",
                "seed": 7, "images": [{"url": "https://example.com/fox.png"}],
            })
        );
    }
    assert_eq!(emulator.jobs().len(), 2);

    journal.redact(Filter::new(), &Redaction::InputsAndOutputs).await?;
    let error = journal.download(&emulator.client(), "inputs", std::env::temp_dir()).await.expect_err("no output");
    assert_eq!(error.kind(), ErrorKind::Output, "{error}");
    assert!(error.to_string().contains("was removed from the journal"), "{error}");
    Ok(())
}

async fn fields_are_redacted_when_a_job_ends(database: Database) -> Outcome {
    let emulator = painter().await?;
    let journal = Journal::builder().redact(["prompt"]).open(&database.url).await?;
    let record = run(&journal, &emulator, "one", "secret prompt").await?;
    assert!(record.is_redacted() && record.output.is_some());
    assert!(!record.input.contains("secret"), "{}", record.input);
    assert!(!format!("{record:?}").contains("deep"), "{record:?}");
    assert!(run(&journal, &emulator, "one", "secret prompt").await?.is_redacted());
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}

async fn closed_journal_rejects_operations(database: Database) -> Outcome {
    let emulator = painter().await?;
    let journal = database.journal().await?;
    journal.close().await;
    journal.close().await;
    let error = run(&journal, &emulator, "one", "a").await.expect_err("closed");
    assert_eq!(error.kind(), ErrorKind::Database);
    assert!(error.to_string().contains("the journal is closed"), "{error}");
    assert!(emulator.jobs().is_empty());
    Ok(())
}

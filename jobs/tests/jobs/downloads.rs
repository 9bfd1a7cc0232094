//! Files of outputs that are saved.

use std::collections::BTreeSet;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use fal_client::Client;
use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_emulator::{Emulator, Fault, Operation};
use fal_jobs::{ErrorKind, Target};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWrite;

use crate::support::{Database, Outcome, emulator, on_both_databases};

on_both_databases!(
    files_are_named_by_their_bytes_and_kept,
    files_are_named_by_a_function,
    damaged_and_missing_files_are_received_again,
    failed_downloads_can_be_repeated,
    call_without_a_key_continues_its_downloads,
    batch_saves_the_files_of_its_items,
    expired_file_is_a_clear_error,
    data_uris_are_decoded,
    writers_receive_each_file_once,
    only_completed_jobs_have_files,
);

/// Sets the output of the endpoint: images with these URLs.
fn answer(emulator: &Emulator, urls: &[&str]) -> Outcome {
    let images: Vec<Value> = urls.iter().map(|url| json!({ "url": url, "width": 8, "height": 8 })).collect();
    let output = json!({ "images": images, "timings": {}, "seed": 7, "has_nsfw_concepts": [false], "prompt": "" });
    Ok(emulator.answer(redux::ENDPOINT, &output)?)
}

fn png(text: &str) -> Vec<u8> {
    [&b"\x89PNG\r\n\x1a\n"[..], text.as_bytes()].concat()
}

fn input() -> redux::Input {
    redux::Input::builder().image_url("https://example.com/fox.png").build()
}

fn names(folder: &Path) -> Result<BTreeSet<String>, std::io::Error> {
    std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

fn media_requests(emulator: &Emulator) -> usize {
    emulator.requests().iter().filter(|request| request.operation() == Operation::Media).count()
}

async fn files_are_named_by_their_bytes_and_kept(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let fox = emulator.add_file("fox.png", "image/png", &png("fox"))?;
    let twin = emulator.add_file("twin.png", "image/png", &png("fox"))?;
    let owl = emulator.add_file("owl", "application/octet-stream", &png("owl"))?;
    answer(&emulator, &[fox.url(), twin.url(), owl.url(), fox.url()])?;
    let (handle, journal) = (client.endpoint(redux::ENDPOINT), database.journal().await?);
    let folder = tempfile::tempdir()?;
    let folder = folder.path().join("new").join("foxes");
    let run = journal.run(&handle, input()).key("foxes").download_to(&folder).await?;
    let files = run.record.files();
    assert_eq!(
        files.iter().map(|file| &*file.path).collect::<Vec<_>>(),
        ["images[0]", "images[1]", "images[2]", "images[3]"]
    );
    for (file, stored) in files.iter().zip([&fox, &twin, &owl, &fox]) {
        assert_eq!((&file.sha256, file.size, &*file.url), (&stored.sha256()?, stored.size(), stored.url()));
        assert_eq!(file.file_name, Some(format!("{}.png", file.sha256)));
        assert_eq!(file.content_type.as_deref(), Some("image/png"));
        assert_eq!(std::fs::read(folder.join(file.file_name.as_deref().unwrap_or_default()))?, stored.bytes()?);
    }
    let expected = BTreeSet::from([format!("{}.png", fox.sha256()?), format!("{}.png", owl.sha256()?)]);
    assert_eq!(names(&folder)?, expected);

    let requests = media_requests(&emulator);
    let again = database.journal().await?.run(&handle, input()).key("foxes").download_to(&folder).await?;
    assert_eq!((again.record.files(), media_requests(&emulator)), (files.clone(), requests));
    assert_eq!(database.journal().await?.download(&client, "foxes", &folder).await?, files);
    assert_eq!((emulator.jobs().len(), media_requests(&emulator)), (1, requests));
    Ok(())
}

async fn files_are_named_by_a_function(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let fox = emulator.add_file("fox.png", "image/png", &png("fox"))?;
    answer(&emulator, &[fox.url()])?;
    let (handle, journal) = (client.endpoint(redux::ENDPOINT), database.journal().await?);
    let folder = tempfile::tempdir()?;
    let target = || Target::folder(folder.path()).names(|file, sha256| format!("{}-{}.png", file.key, &sha256[..12]));
    let expected = format!("foxes-{}.png", &fox.sha256()?[..12]);
    for _ in 0..2 {
        let run = journal.run(&handle, input()).key("foxes").download_to(target()).await?;
        assert_eq!(run.record.files()[0].file_name.as_deref(), Some(&*expected));
        assert_eq!(names(folder.path())?, BTreeSet::from([expected.clone()]));
    }
    assert_eq!(media_requests(&emulator), 1);
    let outside = Target::folder(folder.path()).names(|_, _| "../fox.png".to_owned());
    let error = journal.run(&handle, input()).key("outside").download_to(outside).await.expect_err("a path");
    assert_eq!(error.kind(), ErrorKind::File);
    assert_eq!(names(folder.path())?.len(), 1);
    Ok(())
}

async fn damaged_and_missing_files_are_received_again(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let fox = emulator.add_file("fox.png", "image/png", &png("fox"))?;
    let owl = emulator.add_file("owl.png", "image/png", &png("owl"))?;
    answer(&emulator, &[fox.url(), owl.url()])?;
    let (handle, journal) = (client.endpoint(redux::ENDPOINT), database.journal().await?);
    let (folder, other) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let run = journal.run(&handle, input()).key("foxes").download_to(folder.path()).await?;
    let before = names(folder.path())?;
    let paths: Vec<_> =
        run.record.files().into_iter().filter_map(|file| Some(folder.path().join(file.file_name?))).collect();
    std::fs::write(&paths[0], png("fix"))?;
    std::fs::remove_file(&paths[1])?;
    // A process that died has left a part of a file.
    let hash: String = Sha256::digest(owl.url()).iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(folder.path().join(format!(".{}-0.part", &hash[..32])), b"a part")?;
    journal.download(&client, "foxes", folder.path()).await?;
    assert_eq!((std::fs::read(&paths[0])?, std::fs::read(&paths[1])?), (png("fox"), png("owl")));
    assert_eq!(names(folder.path())?, before);
    journal.download(&client, "foxes", other.path()).await?;
    assert_eq!(names(other.path())?, before);
    Ok(())
}

async fn failed_downloads_can_be_repeated(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let fox = emulator.add_file("fox.png", "image/png", &png("fox"))?;
    let owl = emulator.add_file("owl.png", "image/png", &png("owl"))?;
    answer(&emulator, &[fox.url(), owl.url()])?;
    let owl_path = owl.url().rsplit('/').next().unwrap_or_default().to_owned();
    let is_owl = move |request: &fal_emulator::ReceivedRequest| request.path().ends_with(&owl_path);
    emulator.inject_fault(Operation::Media, Fault::respond(422).when(is_owl));
    let (handle, journal) = (client.endpoint(redux::ENDPOINT), database.journal().await?);
    let folder = tempfile::tempdir()?;
    let run = journal.run(&handle, input()).key("foxes").download_to(folder.path());
    let error = run.await.expect_err("a file that cannot be received");
    assert_eq!((error.kind(), error.key()), (ErrorKind::File, Some("foxes")));
    assert!(
        error.to_string().contains("1 of 2 files of the output cannot be saved; the first is `images[1]`"),
        "{error}"
    );
    let record = journal.get("foxes").await?.ok_or("the job")?;
    assert_eq!((record.state, record.files().len()), (fal_jobs::State::Completed, 1));
    assert_eq!(names(folder.path())?.len(), 1);

    let run = journal.run(&handle, input()).key("foxes").download_to(folder.path()).await?;
    assert_eq!((run.record.files().len(), names(folder.path())?.len()), (2, 2));
    assert_eq!(emulator.jobs().len(), 1);
    Ok(())
}

async fn call_without_a_key_continues_its_downloads(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let fox = emulator.add_file("fox.png", "image/png", &png("fox"))?;
    answer(&emulator, &[fox.url()])?;
    let (handle, journal) = (client.endpoint(redux::ENDPOINT), database.journal().await?);
    let folder = tempfile::tempdir()?;
    emulator.inject_fault(Operation::Media, Fault::respond(422));
    journal.run(&handle, input()).download_to(folder.path()).await.expect_err("a file that cannot be received");
    journal.run(&handle, input()).download_to(folder.path()).await?;
    assert_eq!((emulator.jobs().len(), names(folder.path())?.len()), (1, 1));
    // It is over now, so that another call is another job.
    journal.run(&handle, input()).download_to(folder.path()).await?;
    assert_eq!((emulator.jobs().len(), names(folder.path())?.len()), (2, 1));
    Ok(())
}

async fn batch_saves_the_files_of_its_items(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let fox = emulator.add_file("fox.png", "image/png", &png("fox"))?;
    answer(&emulator, &[fox.url()])?;
    let (handle, journal) = (client.endpoint(redux::ENDPOINT), database.journal().await?);
    let folder = tempfile::tempdir()?;
    emulator.inject_fault(Operation::Media, Fault::respond(422));
    for _ in 0..2 {
        let target = Target::folder(folder.path()).parallel_files(2);
        let items = (0..5).map(|index| (format!("fox-{index}"), input()));
        let items = journal.batch(&handle).download_to(target).run_iter(items);
        let items: Vec<_> = futures_util::StreamExt::collect(items).await;
        for item in items {
            assert_eq!(item.result?.record.files().len(), 1);
        }
    }
    assert_eq!((emulator.jobs().len(), names(folder.path())?.len()), (5, 1));
    Ok(())
}

async fn expired_file_is_a_clear_error(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let fox = emulator.add_file("fox.png", "image/png", &png("fox"))?;
    answer(&emulator, &[&format!("{}x", fox.url())])?;
    let (handle, journal) = (client.endpoint(redux::ENDPOINT), database.journal().await?);
    let folder = tempfile::tempdir()?;
    journal.run(&handle, input()).key("fox").await?;
    let error = journal.download(&client, "fox", folder.path()).await.expect_err("an expired file");
    assert_eq!(error.kind(), ErrorKind::File);
    assert!(error.to_string().contains("retention time"), "{error}");
    assert!(names(folder.path())?.is_empty());
    Ok(())
}

async fn data_uris_are_decoded(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    answer(&emulator, &["data:image/png;base64,iVBORw0KGgo="])?;
    let (handle, journal) = (client.endpoint(redux::ENDPOINT), database.journal().await?);
    let folder = tempfile::tempdir()?;
    let run = journal.run(&handle, input()).download_to(folder.path()).await?;
    let files = run.record.files();
    assert_eq!((files[0].size, &*files[0].url), (8, "data:image/png;base64,"));
    assert_eq!(names(folder.path())?.len(), 1);
    assert_eq!(media_requests(&emulator), 0);
    Ok(())
}

/// Names and bytes of files.
type Written = Vec<(String, Vec<u8>)>;

/// A writer that shows its bytes once it is shut down.
struct Shown {
    name: String,
    bytes: Vec<u8>,
    all: Arc<Mutex<Written>>,
}

impl AsyncWrite for Shown {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.bytes.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let shown = (std::mem::take(&mut self.name), std::mem::take(&mut self.bytes));
        self.all.lock().unwrap_or_else(PoisonError::into_inner).push(shown);
        Poll::Ready(Ok(()))
    }
}

async fn writers_receive_each_file_once(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let fox = emulator.add_file("fox.png", "image/png", &png("fox"))?;
    answer(&emulator, &[fox.url()])?;
    let all: Arc<Mutex<Written>> = Arc::default();
    let target = || {
        let all = Arc::clone(&all);
        Target::writers(move |file| {
            let all = Arc::clone(&all);
            let name = format!("{}/{}/{}", file.key, file.media.path, file.file_name.ends_with(".png"));
            async move { Ok(Shown { name, bytes: Vec::new(), all }) }
        })
    };
    let (handle, journal) = (client.endpoint(redux::ENDPOINT), database.journal().await?);
    let run = async |client: &Client| {
        let handle = client.endpoint(redux::ENDPOINT);
        journal.run(&handle, input()).key("fox").download_to(target()).await
    };
    emulator.inject_fault(Operation::Media, Fault::respond(422));
    run(&client).await.expect_err("a file that cannot be received");
    let files = run(&client).await?.record.files();
    assert_eq!((files[0].file_name.as_ref(), &files[0].sha256), (None, &fox.sha256()?));
    run(&client).await?;
    assert_eq!(*all.lock().unwrap_or_else(PoisonError::into_inner), [("fox/images[0]/true".to_owned(), png("fox"))]);

    let broken = Target::writers(|_| async { Err::<tokio::io::Sink, _>(std::io::Error::other("no such bucket")) });
    let error = journal.run(&handle, input()).key("owl").download_to(broken).await.expect_err("no writer");
    assert!(error.to_string().contains("no such bucket"), "{error}");
    Ok(())
}

async fn only_completed_jobs_have_files(database: Database) -> Outcome {
    let (emulator, client) = emulator().await?;
    let journal = database.journal().await?;
    let folder = tempfile::tempdir()?;
    let error = journal.download(&client, "fox", folder.path()).await.expect_err("no such job");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    emulator.inject_fault(Operation::Submit, Fault::outcome(422));
    journal.run(&client.endpoint(redux::ENDPOINT), input()).key("fox").await.expect_err("a failed job");
    let error = journal.download(&client, "fox", folder.path()).await.expect_err("a failed job");
    assert_eq!(error.kind(), ErrorKind::State);
    Ok(())
}

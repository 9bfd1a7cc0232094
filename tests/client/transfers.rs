//! Uploads and downloads of whole files, against the emulator.

use std::time::Duration;

use fal_client::endpoints::Endpoints;
use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting;
use fal_client::{
    Access, Acl, Client, ClientBuilder, ErrorKind, FileInput, JsonInput, Lifecycle, Repository, RetryPolicy,
    UploadPolicy,
};
use fal_emulator::{Emulator, Fault, Operation};
use serde_json::json;

use crate::support::bytes::some_bytes;
use crate::support::emulator::{count, mistakes, start_instant, stored_file};

const HOUR: Duration = Duration::from_secs(3600);

/// Builds a client that sends small parts and retries immediately.
fn client_of(emulator: &Emulator) -> Client {
    builder_of(emulator).build().expect("a client")
}

fn builder_of(emulator: &Emulator) -> ClientBuilder {
    emulator
        .client_builder()
        .retry(RetryPolicy::default().first_delay(Duration::from_millis(1)))
        .uploads(UploadPolicy::default().multipart_above(30_000).part_size(10_000).fallback(None))
}

type Pixel = [u8; 3];

fn picture(width: u32, height: u32, pixel: impl Fn(u32, u32) -> Pixel) -> Vec<u8> {
    let pixels: Vec<u8> =
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y)).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&pixels).expect("pixels");
    writer.finish().expect("an end");
    bytes
}

fn pixels(png: &[u8]) -> Vec<u8> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    reader.next_frame(&mut pixels).expect("pixels");
    pixels
}

#[tokio::test]
async fn a_local_image_is_inpainted_only_under_the_mask() {
    let emulator = start_instant().await;
    let client = client_of(&emulator);
    let folder = tempfile::tempdir().expect("a folder");
    let (room, out) = (folder.path().join("room.png"), folder.path().join("out.png"));
    let original = picture(64, 48, |x, y| [x as u8, y as u8, 99]);
    std::fs::write(&room, &original).expect("a picture");
    let mask = picture(64, 48, |x, _| if x < 32 { [0; 3] } else { [255; 3] });
    let input = inpainting::Input::builder()
        .prompt("a fox")
        .control_image_url(FileInput::path(&room))
        .image_url(FileInput::path(&room))
        .mask_url(FileInput::bytes(mask, "image/png").name("mask.png"))
        .image_size((64, 48));
    let result = client.fal_ai().fast_sdxl_controlnet_canny().inpainting().subscribe(input).await.expect("a result");
    let saved = client.download(&result.data.images[0], &out).await.expect("saved");

    let (before, after) = (pixels(&original), pixels(&std::fs::read(saved).expect("a picture")));
    let rows = before.chunks(64 * 3).zip(after.chunks(64 * 3));
    assert!(rows.clone().all(|(before, after)| before[..32 * 3] == after[..32 * 3]), "pixels outside the mask changed");
    assert!(
        rows.clone().any(|(before, after)| before[32 * 3..] != after[32 * 3..]),
        "pixels under the mask did not change"
    );
    // Two fields have the same file, which is uploaded once.
    let files: Vec<_> =
        emulator.files().iter().map(|file| (file.name().to_owned(), file.content_type().to_owned())).collect();
    assert_eq!(files.len(), 2, "{files:?}");
    assert_eq!(mistakes(&emulator), Vec::<String>::new());
}

#[tokio::test]
async fn uploaded_files_are_downloaded_unchanged() {
    let emulator = start_instant().await;
    let client = client_of(&emulator);
    let folder = tempfile::tempdir().expect("a folder");
    for (repository, length, parts) in [
        (Repository::Cdn, 0, None),
        (Repository::Cdn, 30_000, None),
        (Repository::Cdn, 30_001, Some(4)),
        (Repository::Cdn, 100_000, Some(10)),
        (Repository::Signed, 30_000, None),
        (Repository::Signed, 100_000, Some(10)),
        (Repository::Gcs, 30_000, None),
        (Repository::Gcs, 100_000, Some(10)),
    ] {
        let bytes = some_bytes(length);
        let path = folder.path().join(format!("{repository:?}-{length}.bin"));
        std::fs::write(&path, &bytes).expect("a file");
        let storage = client.storage();
        let uploaded = storage.upload(FileInput::path(&path)).repository(repository).await.expect("uploaded");
        let kept = stored_file(&emulator, &uploaded.url);
        assert_eq!((kept.size(), kept.parts()), (length as u64, parts), "{repository:?} {length}");

        let back = folder.path().join(format!("{repository:?}-{length}.back"));
        client.download(&uploaded, &back).await.expect("saved");
        assert!(std::fs::read(&back).expect("a file") == bytes, "{repository:?} {length}");
        assert!(client.download_bytes(&uploaded).await.expect("bytes") == bytes);
        let mut written = Vec::new();
        assert_eq!(client.download_to(&uploaded, &mut written).await.expect("written"), length as u64);
        assert!(written == bytes);
    }
    // A reader of unknown length is uploaded in parts of 10,000 bytes.
    let reader = FileInput::reader(std::io::Cursor::new(some_bytes(90_000)), None);
    let uploaded = client.storage().upload(reader).await.expect("uploaded");
    let kept = stored_file(&emulator, &uploaded.url);
    assert_eq!((kept.parts(), kept.bytes().expect("bytes") == some_bytes(90_000)), (Some(9), true));
    assert_eq!(mistakes(&emulator), Vec::<String>::new());
    assert_eq!(count(&emulator, Operation::CdnToken), 1);
    let at_once = emulator
        .requests()
        .iter()
        .filter(|request| request.operation() == Operation::PutPart)
        .map(|request| request.in_flight())
        .max();
    assert!(at_once.is_some_and(|parts| parts <= 4), "{at_once:?}");
}

#[tokio::test]
async fn an_expired_token_is_replaced() {
    let emulator = Emulator::builder().token_lifetime(HOUR).start().await.expect("an emulator");
    let client = client_of(&emulator);
    for hours in 0..3 {
        // Only the emulator's clock moves: the client learns of the expiry from the 401.
        emulator.advance_time(HOUR * 2);
        for length in [10, 50_000] {
            let uploaded =
                client.storage().upload(FileInput::bytes(some_bytes(length), "a/b")).await.expect("uploaded");
            let kept = stored_file(&emulator, &uploaded.url);
            assert!(kept.bytes().expect("bytes") == some_bytes(length), "{hours}");
        }
    }
    assert_eq!(count(&emulator, Operation::CdnToken), 3);
}

#[tokio::test]
async fn uploads_honour_lifecycle_and_acl() {
    let emulator = start_instant().await;
    let client = client_of(&emulator);
    let lifecycle = Lifecycle::expires_after(HOUR).access(Access::Hide).allow("a-friend");
    for (repository, length) in [
        (Repository::Cdn, 10),
        (Repository::Cdn, 40_000),
        (Repository::Signed, 10),
        (Repository::Signed, 40_000),
        (Repository::Gcs, 10),
        (Repository::Gcs, 40_000),
    ] {
        let file = FileInput::bytes(some_bytes(length), "image/png");
        let upload = client.storage().upload(file).repository(repository).lifecycle(lifecycle.clone());
        let uploaded = upload.await.expect("uploaded");
        let kept = stored_file(&emulator, &uploaded.url);
        assert_eq!(kept.expires_after(), Some(HOUR), "{repository:?} {length}");
        assert_eq!(kept.acl()["default"], "hide", "{repository:?} {length}");
    }
    assert_eq!(mistakes(&emulator), Vec::<String>::new());

    let uploaded = client.storage().upload(FileInput::bytes(some_bytes(10), "image/png")).lifecycle(lifecycle);
    let uploaded = uploaded.await.expect("uploaded");
    let error = client.download_bytes(&uploaded).await.expect_err("hidden");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(404));
    let signed = client.storage().sign(&uploaded, HOUR).await.expect("a URL");
    assert_eq!(client.download_bytes(&signed).await.expect("bytes"), some_bytes(10));
    let acl = client.storage().acl(&uploaded).await.expect("access");
    assert_eq!(acl.default, Some(Access::Hide));
    let applied = client.storage().set_acl(&uploaded, &Acl::new(Access::Allow)).await.expect("access");
    assert_eq!((applied, client.download_bytes(&uploaded).await.expect("bytes").len()), (Acl::new(Access::Allow), 10));
    emulator.advance_time(HOUR * 2);
    let error = client.download_bytes(&uploaded).await.expect_err("expired");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(404));
}

#[tokio::test]
async fn downloads_survive_faults() {
    let bytes = some_bytes(500_000);
    for (what, faults, requests) in [
        ("torn", vec![Fault::drop_response_after_bytes(100_000)], 2),
        ("torn twice", vec![Fault::drop_response_after_bytes(100_000), Fault::drop_response_after_bytes(7)], 3),
        ("torn, without support for ranges", vec![Fault::drop_response_after_bytes(100_000), Fault::ignore_range()], 2),
        ("torn, then 503", vec![Fault::drop_response_after_bytes(100_000), Fault::nginx(503)], 3),
        ("closed", vec![Fault::drop_connection()], 2),
        ("torn in the head", vec![Fault::drop_response_in_head()], 2),
        ("500", vec![Fault::respond(500)], 2),
        ("429", vec![Fault::respond(429).retry_after(Duration::ZERO)], 2),
    ] {
        let emulator = start_instant().await;
        let file = emulator.add_file("a.bin", "application/octet-stream", &bytes).expect("a file");
        for fault in faults {
            emulator.inject_fault(Operation::Media, fault);
        }
        let fetched = client_of(&emulator).download_bytes(file.url()).await;
        assert!(fetched.unwrap_or_else(|error| panic!("{what}: {error:?}")) == bytes, "{what}");
        assert_eq!((count(&emulator, Operation::Media), emulator.pending_faults()), (requests, 0), "{what}");
        assert_eq!(mistakes(&emulator), Vec::<String>::new(), "{what}");
    }
}

#[tokio::test]
async fn untyped_calls_upload_files_and_an_output_image_is_a_valid_input() {
    let emulator = start_instant().await;
    let client = client_of(&emulator);
    let picture = picture(32, 32, |x, y| [x as u8, y as u8, 0]);
    let input =
        JsonInput::from(json!({ "num_images": 2 })).file("image_url", FileInput::from(picture)).expect("a valid path");
    let first = client.endpoint("fal-ai/flux/dev/redux").run(input).await.expect("an output");
    let images: Vec<fal_client::Image> = serde_json::from_value(first.data["images"].clone()).expect("images");
    assert_eq!(images.len(), 2);
    let redux = client.fal_ai().flux().dev().redux();
    let input = fal_client::endpoints::fal_ai::flux::dev::redux::Input::builder().image_url(&images[0]);
    let second = redux.run(input).await.expect("an output");
    let folder = tempfile::tempdir().expect("a folder");
    let saved = client.download_all(images.iter().chain(&second.data.images), folder.path()).await.expect("saved");
    assert_eq!(saved.len(), 2 + second.data.images.len());
    assert!(saved.iter().all(|path| std::fs::read(path).expect("a file").starts_with(b"\xff\xd8\xff")));
    assert_eq!(emulator.files().len(), 1);
}

#[tokio::test]
async fn a_rejected_upload_submits_nothing() {
    let emulator = start_instant().await;
    let client = client_of(&emulator);
    emulator.inject_fault(Operation::Upload, Fault::respond(413));
    let input = JsonInput::from(json!({})).file("image_url", FileInput::from(vec![1, 2, 3])).expect("a valid path");
    let error = client.endpoint("fal-ai/flux/dev/redux").subscribe(input).await.expect_err("too large");
    assert_eq!((error.kind(), emulator.jobs().len()), (ErrorKind::Service, 0));
    assert!(error.to_string().contains("`image_url`"), "{error}");
}

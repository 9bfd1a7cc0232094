//! Files in, files out: the whole way, against the emulator.

use std::time::Duration;

use fal_client::endpoints::Endpoints;
use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting;
use fal_client::{
    Access, Acl, Client, ClientBuilder, ErrorKind, FileInput, JsonInput, Lifecycle, Repository, RetryPolicy,
    UploadPolicy,
};
use fal_emulator::{Emulator, Fault, Operation, Pace};
use serde_json::json;

const HOUR: Duration = Duration::from_secs(3600);

async fn emulator() -> Emulator {
    Emulator::builder().pace(Pace::instant()).start().await.expect("an emulator")
}

/// A client that sends small parts, and repeats after a moment.
fn client_of(emulator: &Emulator) -> Client {
    builder_of(emulator).build().expect("a client")
}

fn builder_of(emulator: &Emulator) -> ClientBuilder {
    emulator
        .client_builder()
        .retry(RetryPolicy::default().first_delay(Duration::from_millis(1)))
        .uploads(UploadPolicy::default().multipart_above(30_000).part_size(10_000).fallback(None))
}

fn some_bytes(length: usize) -> Vec<u8> {
    (0..length as u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// What no client should do, of all that was asked.
fn mistakes(emulator: &Emulator) -> Vec<String> {
    let told = |request: &fal_emulator::ReceivedRequest| {
        request.mistake().map(|mistake| format!("{} {}: {mistake}", request.method(), request.path()))
    };
    emulator.requests().iter().filter_map(told).collect()
}

fn count(emulator: &Emulator, operation: Operation) -> usize {
    emulator.requests().iter().filter(|request| request.operation() == operation).count()
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
async fn a_picture_of_this_machine_is_repainted_where_the_mask_is_white() {
    let emulator = emulator().await;
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
    assert!(rows.clone().all(|(before, after)| before[..32 * 3] == after[..32 * 3]), "what the mask leaves is changed");
    assert!(rows.clone().any(|(before, after)| before[32 * 3..] != after[32 * 3..]), "nothing is painted");
    // The room is in two fields, and went up once.
    let files: Vec<_> =
        emulator.files().iter().map(|file| (file.name().to_owned(), file.content_type().to_owned())).collect();
    assert_eq!(files.len(), 2, "{files:?}");
    assert_eq!(mistakes(&emulator), Vec::<String>::new());
}

#[tokio::test]
async fn what_goes_up_comes_down_unchanged() {
    let emulator = emulator().await;
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
        let kept = emulator.files().into_iter().find(|file| file.url() == uploaded.url).expect("a file");
        assert_eq!((kept.size(), kept.parts()), (length as u64, parts), "{repository:?} {length}");

        let back = folder.path().join(format!("{repository:?}-{length}.back"));
        client.download(&uploaded, &back).await.expect("saved");
        assert!(std::fs::read(&back).expect("a file") == bytes, "{repository:?} {length}");
        assert!(client.download_bytes(&uploaded).await.expect("bytes") == bytes);
        let mut written = Vec::new();
        assert_eq!(client.download_to(&uploaded, &mut written).await.expect("written"), length as u64);
        assert!(written == bytes);
    }
    // A reader of 90,000 bytes has nine parts, and nobody knows before.
    let reader = FileInput::reader(std::io::Cursor::new(some_bytes(90_000)), None);
    let uploaded = client.storage().upload(reader).await.expect("uploaded");
    let kept = emulator.files().into_iter().find(|file| file.url() == uploaded.url).expect("a file");
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
async fn a_token_that_expires_is_replaced() {
    let emulator = Emulator::builder().token_lifetime(HOUR).start().await.expect("an emulator");
    let client = client_of(&emulator);
    for hours in 0..3 {
        // The client's clock stands still: it learns by the refusal that the token has expired.
        emulator.advance_time(HOUR * 2);
        for length in [10, 50_000] {
            let uploaded =
                client.storage().upload(FileInput::bytes(some_bytes(length), "a/b")).await.expect("uploaded");
            let kept = emulator.files().into_iter().find(|file| file.url() == uploaded.url).expect("a file");
            assert!(kept.bytes().expect("bytes") == some_bytes(length), "{hours}");
        }
    }
    assert_eq!(count(&emulator, Operation::CdnToken), 3);
}

#[tokio::test]
async fn a_file_lives_as_long_and_is_read_by_whom_it_was_said() {
    let emulator = emulator().await;
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
        let kept = emulator.files().into_iter().find(|file| file.url() == uploaded.url).expect("a file");
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
async fn whatever_goes_wrong_on_the_way_up_the_file_is_whole() {
    use Operation::{
        CdnToken, CompleteMultipart, InitiateMultipart, InitiateUpload, PutFile, PutPart, SignPart, StartMultipart,
        Upload,
    };
    const NOT_READ: &str = "not read to the end";
    let ways: [(Repository, usize, &[Operation]); 6] = [
        (Repository::Cdn, 20_000, &[CdnToken, Upload]),
        (Repository::Cdn, 40_000, &[CdnToken, StartMultipart, PutPart, CompleteMultipart]),
        (Repository::Signed, 20_000, &[InitiateUpload, PutFile]),
        (Repository::Signed, 40_000, &[InitiateMultipart, PutPart, CompleteMultipart]),
        (Repository::Gcs, 20_000, &[InitiateUpload, PutFile]),
        (Repository::Gcs, 40_000, &[InitiateMultipart, SignPart, PutPart, CompleteMultipart]),
    ];
    for (repository, length, operations) in ways {
        for operation in operations {
            // An emulator of its own: a request that was given up may still be on its way to the one before.
            let emulator = emulator().await;
            let mut faults = vec![
                ("500", Fault::respond(500)),
                ("502 of a gateway", Fault::nginx(502)),
                ("503 after it took effect", Fault::nginx(503).after_effect()),
                ("429", Fault::respond(429).retry_after(Duration::ZERO)),
                ("closed", Fault::drop_connection()),
                ("closed after it took effect", Fault::drop_connection().after_effect()),
                ("torn in the head", Fault::drop_response_in_head()),
                ("torn in the body", Fault::drop_response_after_bytes(3)),
            ];
            if matches!(operation, Upload | PutFile | PutPart) {
                faults.push(("closed in the middle of the request", Fault::drop_request_after(5_000)));
                faults.push((NOT_READ, Fault::stall_request_after(5_000)));
            }
            for (what, fault) in faults {
                let shown = format!("{what} at {operation:?} of {repository:?} with {length} bytes");
                let builder = match what {
                    // On a busy machine this may be too little for good answers too, so that it tries for longer.
                    NOT_READ => builder_of(&emulator)
                        .answer_timeout(Duration::from_millis(500))
                        .idle_timeout(Duration::from_millis(500))
                        .retry(RetryPolicy::default().first_delay(Duration::from_millis(1)).max_attempts(100)),
                    _ => builder_of(&emulator),
                };
                let client = builder.build().expect("a client");
                emulator.inject_fault(*operation, fault);
                let upload = client.storage().upload(FileInput::bytes(some_bytes(length), "image/png"));
                let uploaded = upload.repository(repository).await.unwrap_or_else(|error| panic!("{shown}: {error:?}"));
                assert_eq!(emulator.pending_faults(), 0, "{shown}");
                let kept = emulator.files().into_iter().find(|file| file.url() == uploaded.url).expect("a file");
                assert!(kept.bytes().expect("bytes") == some_bytes(length), "{shown}");
            }
            assert_eq!(mistakes(&emulator), Vec::<String>::new());
        }
    }
}

#[tokio::test]
async fn whatever_goes_wrong_on_the_way_down_the_file_is_whole() {
    let bytes = some_bytes(500_000);
    for (what, faults, requests) in [
        ("torn", vec![Fault::drop_response_after_bytes(100_000)], 2),
        ("torn twice", vec![Fault::drop_response_after_bytes(100_000), Fault::drop_response_after_bytes(7)], 3),
        ("torn where there are no ranges", vec![Fault::drop_response_after_bytes(100_000), Fault::ignore_range()], 2),
        ("torn, then 503", vec![Fault::drop_response_after_bytes(100_000), Fault::nginx(503)], 3),
        ("closed", vec![Fault::drop_connection()], 2),
        ("torn in the head", vec![Fault::drop_response_in_head()], 2),
        ("500", vec![Fault::respond(500)], 2),
        ("429", vec![Fault::respond(429).retry_after(Duration::ZERO)], 2),
    ] {
        let emulator = emulator().await;
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
async fn an_untyped_call_takes_files_too_and_one_outputs_image_is_the_next_ones_input() {
    let emulator = emulator().await;
    let client = client_of(&emulator);
    let picture = picture(32, 32, |x, y| [x as u8, y as u8, 0]);
    let input =
        JsonInput::from(json!({ "num_images": 2 })).file("image_url", FileInput::from(picture)).expect("a place");
    let first = client.endpoint("fal-ai/flux/dev/redux").run(input).await.expect("an output");
    let images: Vec<fal_client::Image> = serde_json::from_value(first.data["images"].clone()).expect("images");
    assert_eq!(images.len(), 2);
    let redux = client.fal_ai().flux().dev().redux();
    let input = fal_client::endpoints::fal_ai::flux::dev::redux::Input::builder().image_url(&images[0]);
    let second = redux.run(input).await.expect("an output");
    let folder = tempfile::tempdir().expect("a folder");
    let saved = client.download_all(images.iter().chain(&second.data.images), folder.path()).await.expect("saved");
    assert_eq!(saved.len(), 2 + second.data.images.len());
    assert!(saved.iter().all(|path| std::fs::read(path).expect("a file").starts_with(b"\x89PNG")));
    assert_eq!(emulator.files().len(), 1);
}

#[tokio::test]
async fn a_refused_upload_submits_nothing() {
    let emulator = emulator().await;
    let client = client_of(&emulator);
    emulator.inject_fault(Operation::Upload, Fault::respond(413));
    let input = JsonInput::from(json!({})).file("image_url", FileInput::from(vec![1, 2, 3])).expect("a place");
    let error = client.endpoint("fal-ai/flux/dev/redux").subscribe(input).await.expect_err("too large");
    assert_eq!((error.kind(), emulator.jobs().len()), (ErrorKind::Service, 0));
    assert!(error.to_string().contains("`image_url`"), "{error}");
}

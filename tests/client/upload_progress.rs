//! Progress of the uploads of an input's files.

use std::sync::{Arc, Mutex};

use fal_client::endpoints::fal_ai::fast_sdxl_controlnet_canny::inpainting;
use fal_client::{FileInput, UploadPolicy, UploadProgress};
use fal_emulator::Fault;
use futures_util::StreamExt;

use crate::support::bytes::some_bytes;
use crate::support::emulator::start_instant;

/// The reports of one call.
#[derive(Clone, Default)]
struct Reports(Arc<Mutex<Vec<UploadProgress>>>);

impl Reports {
    fn collect(&self) -> impl FnMut(UploadProgress) + Send + 'static {
        let reports = Arc::clone(&self.0);
        move |progress| reports.lock().expect("not poisoned").push(progress)
    }

    /// Returns the reports of a field, which never decrease.
    fn of(&self, field: &str) -> Vec<(u64, Option<u64>)> {
        let reports = self.0.lock().expect("not poisoned");
        let of_field = reports.iter().filter(|progress| progress.field == field);
        let of_field: Vec<_> = of_field.map(|progress| (progress.bytes, progress.total)).collect();
        assert!(of_field.is_sorted(), "{of_field:?}");
        of_field
    }
}

fn input(image: FileInput) -> inpainting::Input {
    let mask = FileInput::bytes(some_bytes(10), "image/png");
    inpainting::Input::builder()
        .prompt("a")
        .control_image_url("https://example.com/room.png")
        .image_url(image)
        .mask_url(mask)
        .build()
}

#[tokio::test]
async fn every_call_reports_each_file_until_it_is_complete() {
    let policy = UploadPolicy::default().multipart_above(1000).part_size(400).parallel_parts(1);
    for call in ["run", "submit", "subscribe", "updates"] {
        let emulator = start_instant().await;
        let client = emulator.client_builder().uploads(policy.clone()).build().expect("a client");
        let endpoint = client.endpoint(inpainting::ENDPOINT);
        let reports = Reports::default();
        let input = input(FileInput::bytes(some_bytes(2000), "image/png"));
        match call {
            "run" => drop(endpoint.run(input).on_upload_progress(reports.collect()).await.expect(call)),
            "submit" => drop(endpoint.submit(input).on_upload_progress(reports.collect()).await.expect(call)),
            "subscribe" => drop(endpoint.subscribe(input).on_upload_progress(reports.collect()).await.expect(call)),
            _ => {
                let mut updates = endpoint.subscribe(input).on_upload_progress(reports.collect()).updates();
                updates.next().await.expect("an event").expect(call);
            }
        }
        let image = reports.of("image_url");
        assert!(image.len() > 1, "{call}: {image:?}");
        assert_eq!(image.last(), Some(&(2000, Some(2000))), "{call}");
        assert_eq!(reports.of("mask_url").last(), Some(&(10, Some(10))), "{call}");
        assert_eq!(reports.of("control_image_url"), [], "{call}");
    }
}

#[tokio::test]
async fn bytes_that_are_sent_again_count_once() {
    let emulator = start_instant().await;
    emulator.inject_fault(fal_emulator::Operation::Upload, Fault::respond(503));
    let reports = Reports::default();
    let input = input(FileInput::bytes(some_bytes(2000), "image/png"));
    let call = emulator.client().endpoint(inpainting::ENDPOINT).run(input).on_upload_progress(reports.collect());
    call.await.expect("a response");
    assert_eq!(reports.of("image_url").last(), Some(&(2000, Some(2000))));
}

#[tokio::test]
async fn file_that_is_reused_is_reported_once_as_complete() {
    let emulator = start_instant().await;
    let endpoint = emulator.client().endpoint(inpainting::ENDPOINT);
    for is_first in [true, false] {
        let reports = Reports::default();
        let input = input(FileInput::bytes(some_bytes(2000), "image/png"));
        endpoint.run(input).on_upload_progress(reports.collect()).await.expect("a response");
        let image = reports.of("image_url");
        assert_eq!(image.last(), Some(&(2000, Some(2000))));
        assert!(is_first || image.len() == 1, "{image:?}");
    }
}

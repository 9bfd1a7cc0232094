//! Uploads of readers of the standard library.

use std::io::{self, Read};
use std::sync::mpsc;
use std::time::Duration;

use fal_client::blocking::Call;
use fal_client::{ErrorKind, FileInput, JsonInput, UploadPolicy};

use crate::service::{ENDPOINT, Service};

/// Returns some bytes per read, with interruptions.
struct Slow {
    left: usize,
    reads: usize,
}

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        if self.reads.is_multiple_of(3) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let length = self.left.min(buffer.len()).min(1000);
        buffer[..length].fill(b'x');
        self.left -= length;
        Ok(length)
    }
}

#[test]
fn readers_of_any_length_are_uploaded_completely() {
    let service = Service::instant();
    let client = service.client();
    // The last one has several parts.
    for length in [0, 1, 999, 300 << 10, 11 << 20] {
        for declared in [None, Some(length as u64)] {
            let policy = UploadPolicy::default().part_size(5 << 20).multipart_above(5 << 20);
            let file = FileInput::blocking_reader(Slow { left: length, reads: 0 }, declared).content_type("a/b");
            let uploaded = client.storage().upload(file).policy(policy).call().expect("uploaded");
            assert_eq!(uploaded.file_size, Some(length as i64));
            assert_eq!(client.download_bytes(&uploaded).call().expect("bytes"), vec![b'x'; length]);
        }
    }
}

#[test]
fn readers_are_files_of_inputs() {
    let service = Service::instant();
    let picture = FileInput::blocking_reader(&b"GIF89a"[..], None);
    let input = JsonInput::from(serde_json::json!({})).file("image_url", picture).expect("an input");
    service.client().endpoint(ENDPOINT).run(input).call().expect("a response");
    assert_eq!(service.emulator.files()[0].content_type(), "image/gif");
}

#[test]
fn failures_of_readers_are_errors_about_the_file() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk failed"))
        }
    }
    struct Panics;
    impl Read for Panics {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("a mistake of the reader")
        }
    }

    let service = Service::instant();
    let storage = service.client().storage();
    for (file, words) in [
        (FileInput::blocking_reader(Broken, None), "the disk failed"),
        (FileInput::blocking_reader(Panics, None), "panicked"),
        (FileInput::blocking_reader(&b"abc"[..], 2), "more than the declared 2"),
        (FileInput::blocking_reader(&b"abc"[..], 4), "fewer than the declared 4"),
    ] {
        let error = storage.upload(file).call().expect_err(words);
        assert_eq!(error.kind(), ErrorKind::File, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

/// Blocks until its channel is closed.
struct Stuck(mpsc::Receiver<()>);

impl Read for Stuck {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        assert!(self.0.recv().is_err());
        Ok(0)
    }
}

#[test]
fn calls_do_not_wait_for_readers_that_block() {
    let service = Service::instant();
    let (sender, receiver) = mpsc::channel();
    let input = JsonInput::from(serde_json::json!({}));
    let input = input.file("image_url", FileInput::blocking_reader(Stuck(receiver), None)).expect("an input");
    let endpoint = service.client().endpoint(ENDPOINT);
    let error = endpoint.run(input).timeout(Duration::from_millis(1)).call().expect_err("a timeout");
    assert!(error.is_timeout(), "{error}");
    drop(sender);
}

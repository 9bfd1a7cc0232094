//! Downloads to writers of the standard library.

use std::io::{self, Write};

use fal_client::blocking::Call;
use fal_client::{ErrorKind, FileInput};

use crate::service::Service;

/// Takes a few bytes per write, with interruptions, and counts flushes.
struct Slow<'a> {
    bytes: &'a mut Vec<u8>,
    writes: usize,
    flushes: &'a mut usize,
}

impl Write for Slow<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writes += 1;
        if self.writes.is_multiple_of(3) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let length = bytes.len().min(777);
        self.bytes.extend_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        *self.flushes += 1;
        Ok(())
    }
}

#[test]
fn writers_receive_the_whole_file_and_may_borrow() {
    let service = Service::instant();
    let client = service.client();
    let content: Vec<u8> = (0..1_000_000_u32).map(|index| (index / 7) as u8).collect();
    let file = client.storage().upload(FileInput::bytes(content.clone(), "a/b")).call().expect("a file");
    let (mut bytes, mut flushes, mut last) = (Vec::new(), 0, 0);
    let writer = Slow { bytes: &mut bytes, writes: 0, flushes: &mut flushes };
    let call = client.download_to(&file, writer).on_progress(|progress| last = progress.bytes);
    assert_eq!(call.call().expect("a length"), 1_000_000);
    assert_eq!((bytes == content, flushes, last), (true, 1, 1_000_000));
}

#[test]
fn failures_of_writers_are_errors_about_the_file() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let service = Service::instant();
    let client = service.client();
    let file = client.storage().upload(FileInput::bytes("abc", "text/plain")).call().expect("a file");
    let error = client.download_to(&file, Full).call().expect_err("no space");
    assert_eq!(error.kind(), ErrorKind::File, "{error}");
    let error = client.download_to(&file, &mut [0_u8; 2][..]).call().expect_err("no space");
    assert_eq!(error.kind(), ErrorKind::File, "{error}");
    let error = client.download_to(&file, io::sink()).max_bytes(2).call().expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::File, "{error}");
}

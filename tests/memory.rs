//! Memory use of large transfers. Files are streamed, so that 64 MiB suffice for any size.
#![cfg(target_os = "linux")]

use std::convert::Infallible;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use fal_client::{Client, FileInput, Repository, UploadPolicy};
use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

const LENGTH: u64 = 256 << 20;
const MAX_MEMORY: u64 = 64 << 20;

/// Starts a storage that discards uploads and serves zeros. Returns its URL.
async fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let url = base.clone();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let base = base.clone();
            let respond = service_fn(move |request| respond(base.clone(), request));
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), respond),
            );
        }
    });
    url
}

async fn respond(
    base: String,
    mut request: Request<Incoming>,
) -> Result<Response<BoxBody<Bytes, Infallible>>, hyper::Error> {
    while let Some(frame) = request.frame().await {
        frame?;
    }
    if request.method() == Method::GET {
        let piece = Bytes::from_static(&[0; 64 << 10]);
        let pieces = (0..LENGTH / piece.len() as u64).map(move |_| Ok(Frame::data(piece.clone())));
        return Ok(Response::new(BodyExt::boxed(StreamBody::new(stream::iter(pieces)))));
    }
    // One response fits every request of an upload.
    let text = format!(
        r#"{{"token":"T","token_type":"Bearer","base_url":"{base}/rest","access_url":"{base}/rest/x","uploadId":"U",
            "upload_url":"{base}/rest/y","file_url":"{base}/rest/x","etag":"\"e\""}}"#
    );
    Ok(Response::new(Full::new(Bytes::from(text)).boxed()))
}

/// Reads a figure of this process's memory, in bytes.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the figure");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

/// Returns the peak memory during the work, above the memory before it.
async fn peak<T>(work: impl Future<Output = Result<T, fal_client::Error>>) -> u64 {
    // Resets the peak.
    fs::write("/proc/self/clear_refs", "5").expect("a reset peak");
    let before = memory("VmRSS:");
    work.await.expect("no error");
    memory("VmHWM:").saturating_sub(before)
}

fn large_file(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("large.bin");
    fs::File::create(&path).and_then(|file| file.set_len(LENGTH)).expect("a file");
    path
}

/// The only test of this process, because others would add to the figures.
#[tokio::test]
async fn large_transfers_stay_below_the_memory_limit() {
    let base = serve().await;
    let client = Client::builder()
        .key("id:secret")
        .run_host(format!("{base}/run"))
        .queue_host(format!("{base}/queue"))
        .rest_host(format!("{base}/rest"))
        .build()
        .expect("a client");
    let folder = tempfile::tempdir().expect("a folder");
    let path = large_file(folder.path());
    let (storage, in_one_request) = (client.storage(), UploadPolicy::default().multipart_above(u64::MAX));

    let mut figures = Vec::new();
    for repository in [Repository::Cdn, Repository::Signed, Repository::Gcs] {
        let in_parts = storage.upload(FileInput::path(&path)).repository(repository).send();
        figures.push((format!("{repository:?} in parts"), peak(in_parts).await));
        let in_one_request =
            storage.upload(FileInput::path(&path)).policy(in_one_request.clone().repository(repository));
        figures.push((format!("{repository:?} in one request"), peak(in_one_request.send()).await));
    }
    let reader = tokio::fs::File::open(&path).await.expect("a file");
    figures.push(("a reader".to_owned(), peak(storage.upload(FileInput::reader(reader, None)).send()).await));
    let down = client.download(format!("{base}/cdn/files/x"), folder.path().join("down.bin"));
    figures.push(("a download".to_owned(), peak(down.send()).await));
    assert_eq!(fs::metadata(folder.path().join("down.bin")).expect("a file").len(), LENGTH);
    println!("{figures:?}");
    assert!(figures.iter().all(|(_, bytes)| *bytes <= MAX_MEMORY), "{figures:?}");
}

//! A file is sent and received piece by piece: however large it is, the process takes no more than 64 MiB for it.
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
const MOST: u64 = 64 << 20;

/// A storage that throws away what it gets, and gives zeros.
async fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let told = base.clone();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let base = base.clone();
            let answer = service_fn(move |request| answer(base.clone(), request));
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), answer));
        }
    });
    told
}

async fn answer(
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
    // One answer for every question.
    let text = format!(
        r#"{{"token":"T","token_type":"Bearer","base_url":"{base}/rest","access_url":"{base}/rest/x","uploadId":"U",
            "upload_url":"{base}/rest/y","file_url":"{base}/rest/x","etag":"\"e\""}}"#
    );
    Ok(Response::new(Full::new(Bytes::from(text)).boxed()))
}

/// A figure of this process's memory in bytes.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the figure");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

/// How much more memory the process has at most while it works than before.
async fn taken<T>(work: impl Future<Output = Result<T, fal_client::Error>>) -> u64 {
    // The most that was taken counts anew.
    fs::write("/proc/self/clear_refs", "5").expect("a figure to reset");
    let before = memory("VmRSS:");
    work.await.expect("no error");
    memory("VmHWM:").saturating_sub(before)
}

fn large_file(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("large.bin");
    fs::File::create(&path).and_then(|file| file.set_len(LENGTH)).expect("a file");
    path
}

/// One test, for a second one in this process would count, too.
#[tokio::test]
async fn a_file_of_any_size_takes_little_memory() {
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
    let (storage, at_once) = (client.storage(), UploadPolicy::default().multipart_above(u64::MAX));

    let mut figures = Vec::new();
    for repository in [Repository::Cdn, Repository::Signed, Repository::Gcs] {
        let in_parts = storage.upload(FileInput::path(&path)).repository(repository).into_future();
        figures.push((format!("{repository:?} in parts"), taken(in_parts).await));
        let at_once = storage.upload(FileInput::path(&path)).policy(at_once.clone().repository(repository));
        figures.push((format!("{repository:?} at once"), taken(at_once.into_future()).await));
    }
    let reader = tokio::fs::File::open(&path).await.expect("a file");
    figures.push(("a reader".to_owned(), taken(storage.upload(FileInput::reader(reader, None)).into_future()).await));
    let down = client.download(format!("{base}/cdn/files/x"), folder.path().join("down.bin"));
    figures.push(("a download".to_owned(), taken(down.into_future()).await));
    assert_eq!(fs::metadata(folder.path().join("down.bin")).expect("a file").len(), LENGTH);
    println!("{figures:?}");
    assert!(figures.iter().all(|(_, taken)| *taken <= MOST), "{figures:?}");
}

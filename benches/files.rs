//! Throughput and memory of uploads and downloads, compared with bare reqwest and the same server.
//!
//! `cargo bench --bench files` prints the tables. The server discards uploads. The server and each measurement run in
//! separate processes, so that no measurement affects another. The measurements take turns, and the best result of each
//! counts, because other load on the machine can only slow them down.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use fal_client::{Client, FileInput, UploadPolicy};
use futures_util::{StreamExt, TryStreamExt, stream};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::HeaderValue;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;

type Failure = Box<dyn Error + Send + Sync>;

const LARGE: u64 = 1 << 30;
const SMALL: u64 = 100 << 10;
const MANY: usize = 1000;
const PARALLEL: usize = 32;
const ROUNDS: usize = 5;

/// The tables, with their markers in BENCHMARKS.md.
const TABLES: [(&str, &str); 4] = [
    ("files-large-up", "1 GiB up"),
    ("files-many-up", "1,000 files of 100 KiB up, 32 in parallel"),
    ("files-large-down", "1 GiB down"),
    ("files-many-down", "1,000 files of 100 KiB down, 32 in parallel"),
];

/// The measurements, by table and name. The first of each table is bare reqwest, to which the others are compared.
const MEASUREMENTS: [(&str, &str); 13] = [
    ("1 GiB up", "bare"),
    ("1 GiB up", "bare, with the body of a file"),
    ("1 GiB up", "upload"),
    ("1 GiB up", "upload in one request"),
    ("1 GiB up", "upload of a reader"),
    ("1,000 files of 100 KiB up, 32 in parallel", "bare"),
    ("1,000 files of 100 KiB up, 32 in parallel", "upload"),
    ("1 GiB down", "bare"),
    ("1 GiB down", "download"),
    ("1 GiB down", "download_to"),
    ("1,000 files of 100 KiB down, 32 in parallel", "bare"),
    ("1,000 files of 100 KiB down, 32 in parallel", "download"),
    ("1,000 files of 100 KiB down, 32 in parallel", "download_all"),
];

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--serve"] => runtime.block_on(serve()),
        ["--measure", table, name, base, folder] => runtime.block_on(measure(table, name, base, Path::new(folder))),
        _ => runtime.block_on(compare()),
    }
}

/// Bytes per second, and the peak memory above the start in bytes.
type Figures = (f64, u64);

async fn compare() -> Result<(), Failure> {
    let this = std::env::current_exe()?;
    let mut server = Command::new(&this).arg("--serve").kill_on_drop(true).stdout(Stdio::piped()).spawn()?;
    let output = server.stdout.take().ok_or("the server has no output")?;
    let base = BufReader::new(output).lines().next_line().await?.ok_or("the server did not start")?;
    let folder = tempfile::tempdir()?;
    let up = folder.path().join("up");
    fs::create_dir(&up)?;
    write_file(&up.join("large.bin"), LARGE)?;
    for number in 0..MANY {
        write_file(&up.join(format!("{number}.bin")), SMALL)?;
    }

    let mut best: BTreeMap<(usize, &str), Figures> = BTreeMap::new();
    for round in 1..=ROUNDS {
        eprintln!("round {round} of {ROUNDS}");
        for (index, (table, name)) in MEASUREMENTS.into_iter().enumerate() {
            let mut measurement = Command::new(&this);
            measurement.args(["--measure", table, name, &base]).arg(folder.path());
            let done = measurement.stderr(Stdio::inherit()).output().await?;
            let output = String::from_utf8(done.stdout)?;
            let (rate, memory) = output.trim().split_once(' ').ok_or("a measurement failed")?;
            let (rate, memory): Figures = (rate.parse()?, memory.parse()?);
            let figures = best.entry((index, name)).or_insert((0.0, 0));
            *figures = (figures.0.max(rate), figures.1.max(memory));
        }
    }
    for (marker, title) in TABLES {
        println!(
            "<!-- {marker} -->\n| {title} | MiB/s | of bare reqwest | memory above start |\n| --- | --- | --- | --- |"
        );
        let of_table = best.iter().filter(|((index, _), _)| MEASUREMENTS[*index].0 == title);
        let mut bare = None;
        for ((_, name), (rate, memory)) in of_table {
            let bare = *bare.get_or_insert(*rate);
            let (mib, memory) = (rate / f64::from(1 << 20), memory >> 20);
            println!("| {name} | {mib:.0} | {:.2} | {memory} MiB |", rate / bare);
        }
        println!("<!-- /{marker} -->\n");
    }
    Ok(())
}

fn write_file(path: &Path, length: u64) -> Result<(), Failure> {
    let mut file = std::io::BufWriter::new(fs::File::create(path)?);
    let chunk: Vec<u8> = (0..1024_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let mut left = length;
    while left > 0 {
        let now = left.min(chunk.len() as u64);
        file.write_all(&chunk[..now as usize])?;
        left -= now;
    }
    file.flush()?;
    Ok(())
}

/// Runs one measurement and prints rate and memory.
async fn measure(table: &str, name: &str, base: &str, folder: &Path) -> Result<(), Failure> {
    let up = folder.join("up");
    let down = tempfile::tempdir_in(folder)?;
    let http = reqwest::Client::builder().tls_backend_preconfigured(no_tls()?).no_proxy().build()?;
    let client = Client::builder()
        .key("id:secret")
        .run_host(format!("{base}/run"))
        .queue_host(format!("{base}/queue"))
        .rest_host(format!("{base}/rest"))
        .http_client(http.clone())
        .build()?;
    let large = up.join("large.bin");
    let small = (0..MANY).map(|number| up.join(format!("{number}.bin")));
    // The connection and the token are not part of the measurement.
    http.get(format!("{base}/cdn/files/1")).send().await?.bytes().await?;
    client.storage().upload(FileInput::bytes(&b"x"[..], "a/b")).await?;

    // Resets the peak of the memory.
    fs::write("/proc/self/clear_refs", "5")?;
    let before = memory("VmRSS:")?;
    let start = Instant::now();
    match (table, name) {
        ("1 GiB up", "bare") => bare_put(&http, base, &large).await?,
        ("1 GiB up", "bare, with the body of a file") => {
            let file = File::open(&large).await?;
            let put = http.put(format!("{base}/bare")).header("content-length", LARGE).body(file);
            put.send().await?.error_for_status()?;
        }
        ("1 GiB up", "upload") => drop(client.storage().upload(FileInput::path(&large)).await?),
        ("1 GiB up", "upload in one request") => {
            let policy = UploadPolicy::default().multipart_above(u64::MAX);
            client.storage().upload(FileInput::path(&large)).policy(policy).await?;
        }
        ("1 GiB up", _) => {
            let reader = File::open(&large).await?;
            client.storage().upload(FileInput::reader(reader, None)).await?;
        }
        ("1,000 files of 100 KiB up, 32 in parallel", "bare") => {
            let http = &http;
            let puts = small.map(|path| async move { bare_put(http, base, &path).await });
            stream::iter(puts).buffer_unordered(PARALLEL).try_collect::<()>().await?;
        }
        ("1,000 files of 100 KiB up, 32 in parallel", _) => {
            let uploads = small.map(|path| client.storage().upload(FileInput::path(path)).send());
            stream::iter(uploads).buffer_unordered(PARALLEL).try_for_each(async |_| Ok(())).await?;
        }
        ("1 GiB down", "bare") => bare_get(&http, &url_of_length(base, LARGE), down.path().join("a")).await?,
        ("1 GiB down", "download") => {
            client.download(url_of_length(base, LARGE), down.path().join("a")).await?;
        }
        ("1 GiB down", _) => {
            client.download_to(url_of_length(base, LARGE), File::create(down.path().join("a")).await?).await?;
        }
        (_, "bare") => {
            let (http, url) = (&http, &url_of_length(base, SMALL));
            let paths = (0..MANY).map(|number| down.path().join(number.to_string()));
            let gets = paths.map(|path| async move { bare_get(http, url, path).await });
            stream::iter(gets).buffer_unordered(PARALLEL).try_collect::<()>().await?;
        }
        (_, "download") => {
            let paths = (0..MANY).map(|number| down.path().join(number.to_string()));
            let downloads = paths.map(|path| client.download(url_of_length(base, SMALL), path).send());
            stream::iter(downloads).buffer_unordered(PARALLEL).try_for_each(async |_| Ok(())).await?;
        }
        _ => {
            let urls = (0..MANY).map(|_| url_of_length(base, SMALL));
            client.download_all(urls, down.path()).parallel_files(PARALLEL).await?;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let bytes = if table.starts_with("1 GiB") { LARGE } else { SMALL * MANY as u64 };
    println!("{} {}", bytes as f64 / seconds, memory("VmHWM:")?.saturating_sub(before));
    Ok(())
}

fn url_of_length(base: &str, length: u64) -> String {
    format!("{base}/cdn/files/{length}")
}

/// Uploads a file in chunks of 256 KiB.
async fn bare_put(http: &reqwest::Client, base: &str, path: &Path) -> Result<(), Failure> {
    let file = File::open(path).await?;
    let length = file.metadata().await?.len();
    let pieces = stream::try_unfold(file, |mut file| async move {
        let mut piece = BytesMut::with_capacity(256 << 10);
        let read = file.read_buf(&mut piece).await?;
        Ok::<_, std::io::Error>((read > 0).then(|| (piece.freeze(), file)))
    });
    let put = http.put(format!("{base}/bare")).header("content-length", length);
    put.body(reqwest::Body::wrap_stream(pieces)).send().await?.error_for_status()?;
    Ok(())
}

async fn bare_get(http: &reqwest::Client, url: &str, path: PathBuf) -> Result<(), Failure> {
    let mut response = http.get(url).send().await?.error_for_status()?;
    let mut file = tokio::io::BufWriter::with_capacity(256 << 10, File::create(path).await?);
    while let Some(piece) = response.chunk().await? {
        file.write_all(&piece).await?;
    }
    file.flush().await?;
    Ok(())
}

/// Returns a TLS configuration that is never used, because the server speaks plain HTTP.
fn no_tls() -> Result<rustls::ClientConfig, Failure> {
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
}

/// Reads a figure of the process's memory from Linux, in bytes.
fn memory(name: &str) -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such figure")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// Discards uploads, and serves downloads of the length at the end of the path.
async fn serve() -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    println!("{base}");
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        let base = base.clone();
        tokio::spawn(async move {
            let respond = service_fn(move |request| respond(base.clone(), request));
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), respond).await
        });
    }
}

async fn respond(
    base: String,
    mut request: Request<Incoming>,
) -> Result<Response<BoxBody<Bytes, std::convert::Infallible>>, Failure> {
    while let Some(frame) = request.frame().await {
        frame?;
    }
    let text = |text: String| Full::new(Bytes::from(text)).boxed();
    let path = request.uri().path();
    let (length, body) = if request.method() == Method::GET {
        let length: u64 = path.rsplit('/').next().unwrap_or_default().parse()?;
        let piece = Bytes::from_static(&[7; 256 << 10]);
        let pieces = (0..length).step_by(piece.len()).map(move |start| {
            let piece = piece.slice(..piece.len().min((length - start) as usize));
            Ok::<_, std::convert::Infallible>(Frame::data(piece))
        });
        (Some(length), BodyExt::boxed(StreamBody::new(stream::iter(pieces))))
    } else if path.ends_with("/token") {
        let token = format!(
            r#"{{"token":"T","token_type":"Bearer","base_url":"{base}/rest","expires_at":"2999-01-01T00:00:00Z"}}"#
        );
        (None, text(token))
    } else {
        let urls = format!(r#""access_url":"{base}/rest/x","upload_url":"{base}/rest/y","file_url":"{base}/rest/x""#);
        (None, text(format!(r#"{{{urls},"uploadId":"U","etag":"\"e\""}}"#)))
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert("etag", HeaderValue::from_static("\"e\""));
    match length {
        Some(length) => headers.insert("content-length", length.into()),
        None => headers.insert("content-type", HeaderValue::from_static("application/json")),
    };
    Ok(response)
}

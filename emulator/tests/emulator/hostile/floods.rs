use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::assert_serves;
use crate::fal::Fal;

async fn open(fal: &Fal, start: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(fal.base_url().trim_start_matches("http://")).await.unwrap();
    stream.write_all(start).await.unwrap();
    stream
}

#[tokio::test]
async fn unfinished_requests_do_not_block_others() {
    let fal = Fal::instant().await;
    let mut streams = Vec::new();
    for index in 0..300 {
        let starts: [&[u8]; 5] = [
            b"",
            b"\x16",
            b"GET / HT",
            b"POST /fal.run/fal-ai/flux/dev/redux HTTP/1.1\r\nhost: localhost\r\nx: ",
            b"POST /v3.fal.media/files/upload HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n1",
        ];
        streams.push(open(&fal, starts[index % starts.len()]).await);
    }
    assert_serves(&fal).await;
    drop(streams);
    assert_serves(&fal).await;
}

#[tokio::test]
async fn clients_that_do_not_read_do_not_block_others() {
    let fal = Fal::instant().await;
    let file = fal.add_file("large.bin", "application/octet-stream", &vec![7; 32 << 20]).unwrap();
    let path = file.url().strip_prefix(fal.base_url()).unwrap();
    let mut streams = Vec::new();
    for _ in 0..50 {
        streams.push(open(&fal, format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).await);
    }
    assert_serves(&fal).await;
    let mut start = [0; 12];
    streams[0].read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
}

#[tokio::test]
async fn pipelined_requests_are_served_in_order() {
    let fal = Fal::instant().await;
    let one = "GET /rest.fal.ai/.well-known/jwks.json HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let last = "GET /nowhere HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let mut stream = TcpStream::connect(fal.base_url().trim_start_matches("http://")).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let requests = format!("{}{last}", one.repeat(1_000));
    let mut responses = String::new();
    let (written, read) = tokio::join!(writer.write_all(requests.as_bytes()), reader.read_to_string(&mut responses));
    written.unwrap();
    read.unwrap();
    assert_eq!(responses.matches("HTTP/1.1 200 OK").count(), 1_000);
    assert!(responses.rfind("HTTP/1.1 404").unwrap() > responses.rfind("HTTP/1.1 200").unwrap());
}

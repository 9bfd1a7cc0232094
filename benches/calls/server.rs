//! A server that costs little: one thread, hand-written HTTP/1.1, and responses that it made before.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::Failure;

/// An output of the flagship endpoint.
const OUTPUT: &str = r#"{"images":[{"url":"https://v3.fal.media/files/fox/kHs2vXQ1bJtWm0aRz7dLe_0f1e2d3c4b5a69788796a5b4c3d2e1f0.png","content_type":"image/png","file_name":"kHs2vXQ1bJtWm0aRz7dLe.png","file_size":1843921,"width":1280,"height":720},{"url":"https://v3.fal.media/files/fox/pQw8nYc4uGxTf6oVi3eBs_8796a5b4c3d2e1f00f1e2d3c4b5a6978.png","content_type":"image/png","file_name":"pQw8nYc4uGxTf6oVi3eBs.png","file_size":1790144,"width":1280,"height":720}],"timings":{"inference":2.507,"loading":0.113},"seed":9223372036854,"has_nsfw_concepts":[false,false]}"#;

const JOB: &str = r#"{"status":"IN_QUEUE","request_id":"764cabcf-b745-4b3e-ae38-1200304cf45b","response_url":"https://queue.fal.run/fal-ai/fast-sdxl-controlnet-canny/requests/764cabcf-b745-4b3e-ae38-1200304cf45b","status_url":"https://queue.fal.run/fal-ai/fast-sdxl-controlnet-canny/requests/764cabcf-b745-4b3e-ae38-1200304cf45b/status","cancel_url":"https://queue.fal.run/fal-ai/fast-sdxl-controlnet-canny/requests/764cabcf-b745-4b3e-ae38-1200304cf45b/cancel","queue_position":0}"#;

const STATUS: &str = r#"{"status":"COMPLETED","request_id":"764cabcf-b745-4b3e-ae38-1200304cf45b","response_url":"https://queue.fal.run/fal-ai/fast-sdxl-controlnet-canny/requests/764cabcf-b745-4b3e-ae38-1200304cf45b","status_url":"https://queue.fal.run/fal-ai/fast-sdxl-controlnet-canny/requests/764cabcf-b745-4b3e-ae38-1200304cf45b/status","cancel_url":"https://queue.fal.run/fal-ai/fast-sdxl-controlnet-canny/requests/764cabcf-b745-4b3e-ae38-1200304cf45b/cancel","logs":null,"metrics":{"inference_time":2.62}}"#;

const CANCELLATION: &str = r#"{"status":"CANCELLATION_REQUESTED"}"#;

/// The number of events of an output stream.
pub(crate) const EVENTS: usize = 4;

/// The responses, whole.
struct Responses {
    output: Vec<u8>,
    outputs: Vec<u8>,
    job: Vec<u8>,
    status: Vec<u8>,
    statuses: Vec<u8>,
    cancellation: Vec<u8>,
}

impl Responses {
    fn new() -> Self {
        Responses {
            output: response("application/json", OUTPUT),
            outputs: response("text/event-stream", &format!("data: {OUTPUT}\n\n").repeat(EVENTS)),
            job: response("application/json", JOB),
            status: response("application/json", STATUS),
            statuses: response("text/event-stream", &format!("data: {STATUS}\n\n")),
            cancellation: response("application/json", CANCELLATION),
        }
    }

    /// Returns the response to a request line.
    fn to(&self, line: &[u8]) -> &[u8] {
        let has = |part: &str| line.windows(part.len()).any(|window| window == part.as_bytes());
        match line {
            _ if line.starts_with(b"PUT") => &self.cancellation,
            _ if line.starts_with(b"POST /queue") => &self.job,
            _ if line.starts_with(b"POST") && has("/stream ") => &self.outputs,
            _ if has("/status/stream") => &self.statuses,
            _ if has("/status") => &self.status,
            _ => &self.output,
        }
    }
}

fn response(media_type: &str, body: &str) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\nx-fal-request-id: 764cabcf-b745-4b3e-ae38-1200304cf45b\r\n\
         x-fal-billable-units: 1\r\ndate: Sat, 28 Nov 2026 00:00:00 GMT\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

/// Prints the base URL, and serves until the process ends.
pub(crate) async fn serve() -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    let responses: &'static Responses = Box::leak(Box::new(Responses::new()));
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        tokio::spawn(async move {
            // A client that has what it wants closes the connection.
            let _ = respond(connection, responses).await;
        });
    }
}

async fn respond(mut connection: TcpStream, responses: &Responses) -> Result<(), Failure> {
    let mut received = Vec::with_capacity(16 << 10);
    while connection.read_buf(&mut received).await? > 0 {
        while let Some((line, length)) = request(&received)? {
            connection.write_all(responses.to(&received[..line])).await?;
            received.drain(..length);
        }
    }
    Ok(())
}

/// Returns the length of the first line and of the whole request, once all of it has arrived.
fn request(received: &[u8]) -> Result<Option<(usize, usize)>, Failure> {
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = str::from_utf8(&received[..end])?;
    let mut lines = head.split("\r\n");
    let line = lines.next().unwrap_or_default().len();
    let mut body = 0;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            body = value.trim().parse()?;
        }
    }
    let length = end + 4 + body;
    Ok((received.len() >= length).then_some((line, length)))
}

use std::time::Duration;

use fal_emulator::{Emulator, Fault, Operation, Pace};
use futures_util::{SinkExt, StreamExt};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::fal::{APP, Fal, INPAINTING, Reply, inpainting, inpainting_with, send};
use crate::trust::{address, ask, proxied, tunnel, tunnelled};

const KEY: &str = "Key id:secret";

async fn post(client: &Client, url: &str, body: &Value) -> Reply {
    send(client.post(url).header("authorization", KEY).json(body)).await
}

async fn get(client: &Client, url: &str) -> Reply {
    send(client.get(url).header("authorization", KEY)).await
}

#[tokio::test]
async fn requests_for_real_hosts_get_real_urls() {
    let fal = Fal::instant().await;
    let client = proxied(&fal);
    let submitted = post(&client, &format!("https://queue.fal.run/{INPAINTING}"), &inpainting()).await;
    let id = submitted.body["request_id"].as_str().unwrap();
    let url = format!("https://queue.fal.run/{APP}/requests/{id}");
    assert_eq!(submitted.body["response_url"], json!(url));
    assert_eq!(submitted.body["status_url"], json!(format!("{url}/status")));
    assert_eq!(submitted.body["cancel_url"], json!(format!("{url}/cancel")));
    assert_eq!(get(&client, &format!("{url}/status")).await.body["response_url"], json!(url));
    let events = client.get(format!("{url}/status/stream")).header("authorization", KEY).send().await.unwrap();
    assert!(events.text().await.unwrap().contains(&format!("\"response_url\":\"{url}\"")));

    let output = get(&client, &url).await;
    let image = output.body["images"][0]["url"].as_str().unwrap();
    assert!(image.starts_with("https://v3.fal.media/files/"), "{image}");
    let image = client.get(image).send().await.unwrap();
    assert_eq!((image.status().as_u16(), image.headers()["content-type"].to_str().unwrap()), (200, "image/png"));
    let run = post(&client, &format!("https://fal.run/{INPAINTING}"), &inpainting()).await;
    assert!(run.body["images"][0]["url"].as_str().unwrap().starts_with("https://v3.fal.media/files/"), "{run:?}");

    // The form follows the request, and not the job.
    let below = format!("/queue.fal.run/{APP}/requests/{id}");
    let status = fal.get(&format!("{below}/status")).await;
    assert_eq!(status.body["response_url"], json!(format!("{}{below}", fal.base_url())));
    let image = fal.get(&below).await.body["images"][0]["url"].as_str().unwrap().to_owned();
    assert!(image.starts_with(&format!("{}/v3.fal.media/files/", fal.base_url())), "{image}");

    let requests = fal.requests();
    assert_eq!(requests[0].path(), format!("/queue.fal.run/{INPAINTING}"));
    assert!(requests.iter().all(|request| request.mistake().is_none()), "{requests:?}");
    assert_eq!(fal.jobs().len(), 2);
}

#[tokio::test]
async fn other_names_of_hosts_are_served() {
    let fal = Fal::instant().await;
    let client = proxied(&fal);
    let keys = get(&client, "https://rest.fal.ai/.well-known/jwks.json").await;
    assert_eq!(keys.status, 200);
    assert_eq!(get(&client, "https://rest.alpha.fal.ai/.well-known/jwks.json").await.body, keys.body);
    let submitted = post(&client, &format!("https://queue.falrun.com/{INPAINTING}"), &inpainting()).await;
    assert_eq!(submitted.status, 200, "{submitted:?}");
    assert_eq!(post(&client, &format!("https://falrun.com/{INPAINTING}"), &inpainting()).await.status, 200);
    assert_eq!(fal.requests().last().unwrap().path(), format!("/falrun.com/{INPAINTING}"));
    let file = fal.add_file("a.txt", "text/plain", b"text").unwrap();
    let below = file.url().split_once("v3.fal.media/").unwrap().1.to_owned();
    for host in ["v3.fal.media", "v3b.fal.media", "v2.fal.media", "fal.media"] {
        let read = client.get(format!("https://{host}/{below}")).send().await.unwrap();
        assert_eq!(read.text().await.unwrap(), "text", "{host}");
    }
    // fal's own, but not emulated: nothing leaves the machine.
    assert_eq!(get(&client, "https://auth.fal.ai/oauth/token").await.status, 404);
}

#[tokio::test]
async fn uploads_work_on_real_hosts() {
    let fal = Fal::instant().await;
    let client = proxied(&fal);
    let rest = "https://rest.fal.ai/storage";
    let token = post(&client, &format!("{rest}/auth/token?storage_type=fal-cdn-v3"), &json!({})).await;
    assert_eq!(token.body["base_url"], json!("https://v3.fal.media"));
    let bearer = format!("Bearer {}", token.body["token"].as_str().unwrap());
    let upload = client.post("https://v3.fal.media/files/upload").header("authorization", bearer).body("text");
    let url = send(upload).await.body["access_url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("https://v3.fal.media/files/"), "{url}");
    assert_eq!(client.get(&url).send().await.unwrap().text().await.unwrap(), "text");

    for (storage_type, host) in [("fal-cdn-v3", "v3.fal.media"), ("gcs", "storage.googleapis.com")] {
        let metadata = json!({ "content_type": "text/plain", "file_name": "a b.txt" });
        let initiate = format!("{rest}/upload/initiate?storage_type={storage_type}");
        let initiated = post(&client, &initiate, &metadata).await;
        let url = |name: &str| initiated.body[name].as_str().unwrap().to_owned();
        assert!(url("upload_url").starts_with(&format!("https://{host}/")), "{initiated:?}");
        let put = client.put(url("upload_url")).header("content-type", "text/plain").body("more");
        assert_eq!(send(put).await.status, 200);
        assert_eq!(client.get(url("file_url")).send().await.unwrap().text().await.unwrap(), "more");
    }
}

#[tokio::test]
async fn files_in_inputs_are_recognised_in_both_forms() {
    let fal = Fal::instant().await;
    let client = proxied(&fal);
    let file = fal.add_file("a.txt", "text/plain", b"no image").unwrap();
    let real = file.url().replace(fal.base_url(), "https:/");
    let localhost = file.url().replace("127.0.0.1", "localhost");
    for url in [file.url(), &real, &localhost] {
        let input = inpainting_with(json!({ "image_url": url }));
        let here = fal.run(INPAINTING, &input).await;
        let there = post(&client, &format!("https://fal.run/{INPAINTING}"), &input).await;
        assert_eq!((here.status, there.status), (200, 200), "{url}: {here:?}");
    }
    let missing = |url: &str| inpainting_with(json!({ "image_url": url }));
    let uploads = "v3.fal.media/files/uploads/0000000000000000_a.png";
    for url in [format!("https://{uploads}"), format!("{}/{uploads}", fal.base_url())] {
        let reply = fal.run(INPAINTING, &missing(&url)).await;
        assert_eq!(reply.body["detail"][0]["type"], json!("file_download_error"), "{url}");
    }
    // Examples in fal's documents have public files of the real fal.
    for url in ["https://v3.fal.media/files/penguin/a.png", "https://storage.googleapis.com/falserverless/a.png"] {
        assert_eq!(fal.run(INPAINTING, &missing(url)).await.status, 200, "{url}");
    }
}

#[tokio::test]
async fn webhooks_have_the_urls_of_the_submission() {
    let fal = Fal::start(Emulator::builder().pace(Pace::instant()).allow_webhook_hosts(["nowhere.invalid"])).await;
    let hook = "fal_webhook=https%3A%2F%2Fnowhere.invalid%2Fhook";
    let url = format!("https://queue.fal.run/{INPAINTING}?{hook}");
    let real = post(&proxied(&fal), &url, &inpainting()).await;
    let base = fal.post(&format!("/queue.fal.run/{INPAINTING}?{hook}"), &inpainting()).await;
    for (reply, media) in [(real, "https://v3.fal.media/".to_owned()), (base, format!("{}/v3", fal.base_url()))] {
        let webhook = fal.webhook_attempted(reply.body["request_id"].as_str().unwrap(), 1).await.unwrap();
        let body: Value = serde_json::from_slice(&webhook.body).unwrap();
        let url = body["payload"]["images"][0]["url"].as_str().unwrap();
        assert!(url.starts_with(&media), "{url}");
    }
}

async fn websocket(fal: &Fal, url: &str) -> WebSocketStream<TlsStream<TcpStream>> {
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("authorization", KEY.parse().unwrap());
    let host = request.uri().host().unwrap().to_owned();
    client_async(request, tunnelled(fal, &host).await).await.unwrap().0
}

#[tokio::test]
async fn websockets_work_in_tunnels() {
    let fal = Fal::instant().await;
    let mut socket = websocket(&fal, "wss://fal.run/fal-ai/fast-lcm-diffusion/realtime").await;
    let input = json!({ "prompt": "a fox", "sync_mode": false });
    socket.send(Message::binary(rmp_serde::to_vec_named(&input).unwrap())).await.unwrap();
    let Some(Ok(Message::Binary(bytes))) = socket.next().await else { panic!("no output") };
    let output: Value = rmp_serde::from_slice(&bytes).unwrap();
    let url = output["images"][0]["url"].as_str().unwrap();
    assert!(url.starts_with("https://v3.fal.media/files/"), "{url}");

    let mut socket = websocket(&fal, &format!("wss://ws.fal.run/{INPAINTING}")).await;
    socket.send(Message::text(inpainting().to_string())).await.unwrap();
    let Some(Ok(Message::Text(start))) = socket.next().await else { panic!("no response") };
    assert!(start.contains("start"), "{start}");
    drop(socket);
    assert_eq!(fal.jobs().len(), 2);
}

#[tokio::test]
async fn faults_break_connections_in_tunnels() {
    let fal = Fal::instant().await;
    let client = proxied(&fal);
    let url = format!("https://fal.run/{INPAINTING}");
    let attempt = async || {
        let request = client.post(&url).header("authorization", KEY).json(&inpainting());
        request.send().await?.bytes().await
    };
    for fault in [
        Fault::drop_connection(),
        Fault::drop_request_after(3),
        Fault::drop_response_in_head(),
        Fault::drop_response_after_bytes(0),
        Fault::drop_response_after_bytes(100),
    ] {
        fal.inject_fault(Operation::Run, fault);
        attempt().await.unwrap_err();
        assert_eq!(fal.pending_faults(), 0);
        attempt().await.unwrap();
    }
    // Exactly as many bytes arrive, through TLS too.
    fal.inject_fault(Operation::WebhookKeys, Fault::drop_response_after_bytes(70));
    let mut tunnel = tunnelled(&fal, "rest.fal.ai").await;
    let broken = ask(&mut tunnel, "GET /.well-known/jwks.json HTTP/1.1\r\nhost: rest.fal.ai\r\n\r\n").await;
    assert_eq!(broken.split_once("\r\n\r\n").unwrap().1.len(), 70, "{broken}");
    fal.inject_fault(Operation::Run, Fault::respond(503));
    assert_eq!(post(&client, &url, &inpainting()).await.status, 503);
    fal.drop_connections(1);
    proxied(&fal).post(&url).send().await.unwrap_err();
    attempt().await.unwrap();
}

#[tokio::test]
async fn plain_requests_for_real_hosts_are_served() {
    let fal = Fal::instant().await;
    let keys = "rest.fal.ai/.well-known/jwks.json";
    // An absolute target, and a tunnel to port 80.
    assert_eq!(get(&proxied(&fal), &format!("http://{keys}")).await.status, 200);
    let (mut stream, head) = tunnel(&fal, "queue.fal.run:80").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let body = inpainting().to_string();
    let head = format!("POST /{INPAINTING} HTTP/1.1\r\nhost: queue.fal.run\r\nauthorization: {KEY}\r\n");
    let response = ask(&mut stream, &format!("{head}content-length: {}\r\n\r\n{body}", body.len())).await;
    assert!(response.contains("https://queue.fal.run/"), "{response}");
}

#[tokio::test]
async fn other_hosts_are_refused() {
    let fal = Fal::instant().await;
    for target in
        ["example.com:443", "example.com:80", "127.0.0.1:22", "[::1]:22", "localhost:443", "queue.fal.run:8443"]
    {
        let (mut stream, head) = tunnel(&fal, target).await;
        // Clients show the reason phrase.
        assert!(head.starts_with("HTTP/1.1 403 the host ") && head.contains("--allow-network"), "{target}: {head}");
        let mut body = vec![0; 20];
        stream.read_exact(&mut body).await.unwrap();
    }
    let reply = get(&proxied(&fal), "http://example.com/").await;
    assert_eq!(reply.status, 403);
    assert!(reply.body["detail"].as_str().unwrap().contains("the host example.com is not one of fal"), "{reply:?}");
    assert!(fal.requests().is_empty());
    let refused = fal.refused_hosts();
    assert_eq!((refused["example.com"], refused["queue.fal.run"]), (3, 1), "{refused:?}");
}

/// Starts a server that responds to each connection with the head of its request.
async fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let response = format!("HTTP/1.1 200 OK\r\nkeep-alive: 5\r\ncontent-length: {}\r\n\r\n", head.len());
            stream.write_all(&[response.as_bytes(), &head].concat()).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn other_hosts_are_reached_if_the_network_is_allowed() {
    let fal = Fal::start(Emulator::builder().pace(Pace::instant()).allow_network()).await;
    let other = echo().await;
    let (mut stream, head) = tunnel(&fal, &other).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let request = format!("GET /a HTTP/1.1\r\nhost: {other}\r\n\r\n");
    assert!(ask(&mut stream, &request).await.ends_with(&request));

    let request = format!(
        "POST http://{other}/a?b HTTP/1.1\r\nhost: {other}\r\nx: y\r\nconnection: z\r\nz: 1\r\nproxy-authorization: p\r\n\
         content-length: 0\r\n\r\n"
    );
    let mut stream = TcpStream::connect(address(&fal)).await.unwrap();
    let response = ask(&mut stream, &request).await;
    let (head, echoed) = response.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK") && !head.contains("keep-alive"), "{head}");
    assert!(echoed.starts_with("POST /a?b HTTP/1.1\r\n") && echoed.contains("x: y\r\n"), "{echoed}");
    assert!(!echoed.contains("z: 1") && !echoed.contains("proxy-authorization"), "{echoed}");

    // fal's hosts stay here, and so does the emulator itself.
    assert_eq!(post(&proxied(&fal), &format!("https://fal.run/{INPAINTING}"), &inpainting()).await.status, 200);
    let (_, head) = tunnel(&fal, address(&fal)).await;
    assert!(head.starts_with("HTTP/1.1 400 the target is the emulator itself"), "{head}");
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (_, head) = tunnel(&fal, &free.to_string()).await;
    assert!(head.starts_with("HTTP/1.1 502 cannot connect to 127.0.0.1"), "{head}");
    assert_eq!(fal.requests().len(), 1);
}

#[tokio::test]
async fn buckets_of_outputs_are_served_if_the_network_is_allowed() {
    let builder = Emulator::builder().pace(Pace::instant()).output_upload_time(Duration::ZERO).allow_network();
    let fal = Fal::start(builder).await;
    let client = proxied(&fal);
    let policy = json!({ "url": "https://fox.s3.eu-west-1.amazonaws.com", "fields": { "key": "out/${filename}" } });
    let run = client.post(format!("https://fal.run/{INPAINTING}")).header("authorization", KEY).json(&inpainting());
    let run = send(run.header("x-app-fal-upload-policy", policy.to_string())).await;
    let url = run.body["images"][0]["url"].as_str().unwrap();
    assert!(url.starts_with("https://fox.s3.eu-west-1.amazonaws.com/out/"), "{url}");
    assert_eq!(client.get(url).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn pages_of_any_origin_are_served_in_tunnels() {
    let fal = Fal::instant().await;
    let client = proxied(&fal);
    let url = format!("https://fal.run/{INPAINTING}");
    let origin = "https://app.example";
    let preflight = client
        .request(reqwest::Method::OPTIONS, &url)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    let preflight = send(preflight).await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
    assert_eq!(preflight.header("access-control-allow-headers"), Some("authorization,content-type"));
    let run = client.post(&url).header("authorization", KEY).header("origin", origin).json(&inpainting());
    let run = send(run).await;
    assert_eq!((run.status, run.header("access-control-allow-origin")), (200, Some("*")));
    assert_eq!(run.header("access-control-expose-headers"), Some("*"));
    assert_eq!(fal.requests().len(), 1);
    // A page elsewhere gets nothing at the port itself.
    let run = fal.post(&format!("/fal.run/{INPAINTING}"), &inpainting()).await;
    assert_eq!(run.header("access-control-allow-origin"), None);
    let page = client.get("http://rest.fal.ai/.well-known/jwks.json").header("origin", origin);
    assert_eq!(send(page).await.status, 403);
}

#[tokio::test]
async fn environment_leads_to_the_emulator() {
    let fal = Fal::start(Emulator::builder().key("id:only")).await;
    let folder = tempfile::tempdir().unwrap();
    let environment = fal.proxy_environment(&folder.path().join("a folder")).unwrap();
    let value = |name: &str| environment.set.iter().find(|(set, _)| *set == name).unwrap().1.as_str();
    assert_eq!((value("FAL_KEY"), value("HTTPS_PROXY")), ("id:only", fal.base_url()));
    assert!(value("NO_PROXY").starts_with("localhost,127.0.0.1,::1"));
    let own = std::fs::read_to_string(value("NODE_EXTRA_CA_CERTS")).unwrap();
    assert_eq!(own, fal.certificate_authority());
    for name in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"] {
        assert!(std::fs::read_to_string(value(name)).unwrap().ends_with(&own), "{name}");
    }
    let preload = value("NODE_OPTIONS").strip_prefix("--require=\"").unwrap().strip_suffix('"').unwrap();
    let port = fal.base_url().rsplit_once(':').unwrap().1;
    let script = std::fs::read_to_string(preload).unwrap();
    assert!(script.contains(&format!("const PORT = {port};")));
    assert!(
        script.contains("const DOMAINS = ['fal.run', 'fal.ai', 'fal.media', 'falrun.com', 'storage.googleapis.com'];")
    );
    assert!(environment.remove.contains(&"ALL_PROXY") && environment.remove.contains(&"FAL_QUEUE_RUN_HOST"));

    let mut command = std::process::Command::new("program");
    environment.apply(&mut command);
    let changes: Vec<_> = command.get_envs().collect();
    assert_eq!(changes.len(), environment.set.len() + environment.remove.len());
    // Nothing that is written has a private key.
    for file in std::fs::read_dir(folder.path().join("a folder")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(!text.contains("PRIVATE KEY"));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn folder_that_cannot_be_made_is_an_error() {
    use std::os::unix::ffi::OsStrExt;
    let fal = Fal::instant().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    fal.proxy_environment(&folder.path().join("file/folder")).unwrap_err();
    let name = std::ffi::OsStr::from_bytes(b"\xff");
    let error = fal.proxy_environment(&folder.path().join(name)).unwrap_err();
    assert!(error.to_string().contains("is not Unicode"), "{error}");
}

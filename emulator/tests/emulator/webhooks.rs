use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use ed25519_dalek::{Signature, VerifyingKey};
use fal_emulator::{Emulator, Fault, Operation, Pace, WebhookDelivery, WebhookFault, WebhookState};
use http_body_util::{BodyExt, Empty};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::fal::{Fal, INPAINTING, Reply, inpainting};

/// A server that receives webhooks, and responds with the given statuses, then with 200.
struct Hook {
    url: String,
    received: mpsc::UnboundedReceiver<Received>,
    task: JoinHandle<()>,
}

struct Received {
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Hook {
    async fn start(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?token=a%26b", listener.local_addr().unwrap());
        let (sender, received) = mpsc::unbounded_channel();
        let statuses = Arc::new(Mutex::new(VecDeque::from(statuses.to_vec())));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let service = service_fn(|request: Request<Incoming>| {
                    let (sender, statuses) = (sender.clone(), Arc::clone(&statuses));
                    async move {
                        let (head, body) = request.into_parts();
                        let path = head.uri.to_string();
                        let body = body.collect().await.unwrap().to_bytes();
                        let _ = sender.send(Received { path, headers: head.headers, body });
                        let status = statuses.lock().unwrap().pop_front().unwrap_or(200);
                        if status == 0 {
                            std::future::pending::<()>().await;
                        }
                        let mut response = Response::new(Empty::<Bytes>::new());
                        *response.status_mut() = status.try_into().unwrap();
                        Ok::<_, Infallible>(response)
                    }
                });
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            }
        });
        Hook { url, received, task }
    }

    async fn next(&mut self) -> Received {
        self.received.recv().await.unwrap()
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Received {
    fn header(&self, name: &str) -> &str {
        self.headers[&format!("x-fal-webhook-{name}")].to_str().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Returns true if the signature fits the published key.
    async fn is_signed(&self, fal: &Fal) -> bool {
        let keys = fal.anonymous(reqwest::Method::GET, "/rest.fal.ai/.well-known/jwks.json").send().await.unwrap();
        let keys: Value = keys.json().await.unwrap();
        assert_eq!((&keys["keys"][0]["kty"], &keys["keys"][0]["crv"]), (&json!("OKP"), &json!("Ed25519")));
        let x = BASE64_URL_SAFE_NO_PAD.decode(keys["keys"][0]["x"].as_str().unwrap()).unwrap();
        let key = VerifyingKey::from_bytes(&x.try_into().unwrap()).unwrap();
        let hash: String = Sha256::digest(&self.body).iter().map(|byte| format!("{byte:02x}")).collect();
        let message = [self.header("request-id"), self.header("user-id"), self.header("timestamp"), &hash].join("\n");
        let digits = self.header("signature");
        let signature: Vec<u8> =
            (0..64).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap()).collect();
        let signature = Signature::from_slice(&signature).unwrap();
        key.verify_strict(message.as_bytes(), &signature).is_ok()
    }

    fn age(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        now - self.header("timestamp").parse::<u64>().unwrap()
    }
}

async fn submit(fal: &Fal, url: &str) -> Reply {
    submit_input(fal, url, &inpainting()).await
}

async fn submit_input(fal: &Fal, url: &str, input: &Value) -> Reply {
    let query: String = url::form_urlencoded::byte_serialize(url.as_bytes()).collect();
    fal.post(&format!("/queue.fal.run/{INPAINTING}?fal_webhook={query}"), input).await
}

fn id(reply: &Reply) -> &str {
    reply.body["request_id"].as_str().unwrap()
}

async fn attempted(fal: &Fal, reply: &Reply, attempts: usize) -> WebhookDelivery {
    fal.webhook_attempted(id(reply), attempts).await.unwrap()
}

fn outcomes(delivery: &WebhookDelivery) -> Vec<u16> {
    delivery.attempts.iter().map(|attempt| *attempt.outcome.as_ref().unwrap()).collect()
}

#[tokio::test]
async fn completed_job_is_delivered_with_its_output() {
    let (fal, mut hook) = (Fal::manual().await, Hook::start(&[]).await);
    let reply = submit(&fal, &hook.url).await;
    assert_eq!(reply.body["gateway_request_id"], reply.body["request_id"]);
    assert_eq!(fal.webhooks()[0].state, WebhookState::Pending);
    fal.complete(id(&reply));
    let received = hook.next().await;
    assert_eq!(received.path, "/hook?token=a%26b");
    assert_eq!(received.headers["content-type"], "application/json");
    assert_eq!(received.header("request-id"), id(&reply));
    assert!(received.is_signed(&fal).await && received.age() < 60);
    let result = fal.get(&format!("/queue.fal.run/fal-ai/fast-sdxl-controlnet-canny/requests/{}", id(&reply))).await;
    let expected = json!({
        "request_id": id(&reply), "gateway_request_id": id(&reply), "status": "OK", "error": null,
        "payload": result.body,
    });
    assert_eq!(received.json(), expected);
    let delivery = attempted(&fal, &reply, 1).await;
    assert_eq!((outcomes(&delivery), &delivery.state), (vec![200], &WebhookState::Delivered));
    assert_eq!(delivery.body, received.body);
    assert!(!format!("{delivery:?}").contains("token"));
}

#[tokio::test]
async fn job_that_completes_with_time_is_delivered_when_the_clock_is_advanced() {
    let pace = Pace::default().running(Duration::from_secs(3600));
    let (fal, mut hook) = (Fal::start(Emulator::builder().pace(pace)).await, Hook::start(&[]).await);
    let reply = submit(&fal, &hook.url).await;
    fal.advance_time(Duration::from_secs(4000));
    let received = hook.next().await;
    assert_eq!(received.header("request-id"), id(&reply));
    assert!(received.age() < 60, "the clock of the system");
}

#[tokio::test]
async fn failed_job_is_delivered_with_its_error() {
    let (fal, mut hook) = (Fal::instant().await, Hook::start(&[]).await);
    submit_input(&fal, &hook.url, &json!({})).await;
    let body = hook.next().await.json();
    assert_eq!((&body["status"], &body["error"]), (&json!("ERROR"), &json!("Invalid status code: 422")));
    assert_eq!(body["payload"]["detail"][0]["type"], "missing");
    fal.inject_fault(Operation::Submit, Fault::outcome(500).json(&json!({ "detail": "out of memory" })));
    submit(&fal, &hook.url).await;
    let body = hook.next().await.json();
    assert_eq!((&body["status"], &body["payload"]["detail"]), (&json!("ERROR"), &json!("out of memory")));
}

#[tokio::test]
async fn cancelled_job_is_delivered_as_an_error() {
    let (fal, mut hook) = (Fal::manual().await, Hook::start(&[]).await);
    let reply = submit(&fal, &hook.url).await;
    fal.put(&format!("/queue.fal.run/fal-ai/fast-sdxl-controlnet-canny/requests/{}/cancel", id(&reply))).await;
    let body = hook.next().await.json();
    assert_eq!((&body["status"], &body["payload"]["error_type"]), (&json!("ERROR"), &json!("client_cancelled")));
}

#[tokio::test]
async fn unacknowledged_webhooks_are_retried_on_the_emulators_clock() {
    let (fal, mut hook) = (Fal::instant().await, Hook::start(&[500, 404, 429]).await);
    let reply = submit(&fal, &hook.url).await;
    for (attempts, delay) in [(1, 5), (2, 10), (3, 20)] {
        assert!(hook.next().await.is_signed(&fal).await);
        assert_eq!(attempted(&fal, &reply, attempts).await.state, WebhookState::Pending);
        fal.advance_time(Duration::from_secs(delay));
    }
    hook.next().await;
    let delivery = attempted(&fal, &reply, 4).await;
    assert_eq!((outcomes(&delivery), delivery.state), (vec![500, 404, 429, 200], WebhookState::Delivered));
}

#[tokio::test]
async fn retries_end_when_the_result_expires() {
    let (fal, mut hook) = (Fal::instant().await, Hook::start(&[500; 40]).await);
    let reply = submit(&fal, &hook.url).await;
    let mut attempts = 0;
    let delivery = loop {
        attempts += 1;
        let delivery = attempted(&fal, &reply, attempts).await;
        if delivery.state != WebhookState::Pending {
            break delivery;
        }
        hook.next().await;
        fal.advance_time(Duration::from_secs(120));
    };
    assert_eq!(delivery.state, WebhookState::Failed("no attempt was acknowledged".to_owned()));
    assert!((25..=32).contains(&delivery.attempts.len()), "{}", delivery.attempts.len());
}

#[tokio::test]
async fn redirects_are_permanent_failures() {
    let (fal, mut hook) = (Fal::instant().await, Hook::start(&[307]).await);
    let reply = submit(&fal, &hook.url).await;
    hook.next().await;
    let delivery = attempted(&fal, &reply, 2).await;
    assert_eq!(delivery.state, WebhookState::Failed("redirect with status 307".to_owned()));
}

#[tokio::test]
async fn attempt_without_a_response_times_out() {
    let (fal, mut hook) = (Fal::instant().await, Hook::start(&[0]).await);
    let reply = submit(&fal, &hook.url).await;
    hook.next().await;
    fal.advance_time(Duration::from_secs(15));
    let delivery = attempted(&fal, &reply, 1).await;
    assert_eq!(delivery.attempts[0].outcome, Err("no response within 15 s".to_owned()));
    assert_eq!(delivery.state, WebhookState::Pending);
}

#[tokio::test]
async fn other_hosts_get_nothing() {
    let fal = Fal::instant().await;
    for url in ["https://127.0.0.1/", "http://10.0.0.1/", "http://example.com/", "not a url", ""] {
        let reply = submit(&fal, url).await;
        let delivery = attempted(&fal, &reply, 1).await;
        assert!(matches!(delivery.state, WebhookState::Failed(_)), "{url}");
        assert!(delivery.attempts.is_empty(), "{url}");
    }
    let plain = fal.submit(INPAINTING, &inpainting()).await;
    assert!(fal.webhook_attempted(&plain.id, 1).await.is_none());
}

#[tokio::test]
async fn faults_change_one_webhook() {
    let (fal, mut hook) = (Fal::instant().await, Hook::start(&[401, 401, 401]).await);
    for fault in [WebhookFault::WrongSignature, WebhookFault::AlteredBody, WebhookFault::OldTimestamp] {
        fal.inject_webhook_fault(fault);
        assert_eq!(fal.pending_faults(), 1);
        let reply = submit(&fal, &hook.url).await;
        let first = hook.next().await;
        assert_eq!(first.is_signed(&fal).await, fault == WebhookFault::OldTimestamp, "{fault:?}");
        assert_eq!(first.age() >= 600, fault == WebhookFault::OldTimestamp, "{fault:?}");
        attempted(&fal, &reply, 1).await;
        fal.advance_time(Duration::from_secs(5));
        let second = hook.next().await;
        assert!(second.is_signed(&fal).await && second.age() < 60, "{fault:?}");
    }
    assert_eq!(fal.pending_faults(), 0);

    fal.inject_webhook_fault(WebhookFault::PayloadError);
    submit(&fal, &hook.url).await;
    let body = hook.next().await.json();
    assert!(body["payload"].is_null() && body["payload_error"].is_string() && body["status"] == "OK");

    fal.inject_webhook_fault(WebhookFault::OldShape);
    submit(&fal, &hook.url).await;
    let body = hook.next().await.json();
    assert!(body.get("error").is_none() && body["payload"].is_object());

    fal.inject_webhook_fault(WebhookFault::Duplicate);
    submit(&fal, &hook.url).await;
    assert_eq!(hook.next().await.body, hook.next().await.body);

    fal.inject_webhook_fault(WebhookFault::Lost);
    let reply = submit(&fal, &hook.url).await;
    let delivery = attempted(&fal, &reply, 1).await;
    assert!(matches!(delivery.state, WebhookState::Failed(_)) && delivery.attempts.is_empty());

    fal.inject_webhook_fault(WebhookFault::Lost);
    fal.clear_faults();
    submit(&fal, &hook.url).await;
    assert!(hook.next().await.is_signed(&fal).await);
}

#[tokio::test]
async fn rotated_key_signs_and_is_published() {
    let (fal, mut hook) = (Fal::instant().await, Hook::start(&[]).await);
    submit(&fal, &hook.url).await;
    let before = hook.next().await;
    fal.rotate_webhook_key();
    assert!(!before.is_signed(&fal).await, "the old key is not published");
    submit(&fal, &hook.url).await;
    assert!(hook.next().await.is_signed(&fal).await);
}

#[tokio::test]
async fn dropping_the_emulator_ends_its_deliveries() {
    let (fal, mut hook) = (Fal::instant().await, Hook::start(&[0]).await);
    submit(&fal, &hook.url).await;
    hook.next().await;
    fal.emulator.shutdown().await;
    // The connection of the attempt is closed, so that the server accepts the next one.
    reqwest::Client::new().post(&hook.url).send().await.unwrap();
    hook.next().await;
}

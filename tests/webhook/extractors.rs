use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRef, FromRequest, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::post;
use bytes::Bytes;
use fal_client::endpoints::fal_ai::flux::dev::redux;
use fal_client::webhook::{Delivery, Rejected, Rejection, Verifier, Webhook};
use futures_util::stream;
use http::HeaderMap;
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::support::{Key, NOW, REQUEST_ID, header, post as post_to, verifier};

const BODY: &str = r#"{"request_id":"R1","status":"OK","payload":{"images":[{"url":"u"}],"prompt":"a hare"}}"#;

#[derive(Clone)]
struct AppState {
    verifier: Verifier,
    seen: Arc<Mutex<Vec<String>>>,
}

impl FromRef<AppState> for Verifier {
    fn from_ref(state: &AppState) -> Self {
        state.verifier.clone()
    }
}

fn request(headers: HeaderMap, body: impl Into<Body>) -> Request {
    let mut request = Request::post("/fal").body(body.into()).expect("a request");
    *request.headers_mut() = headers;
    request
}

fn signed(body: &[u8]) -> HeaderMap {
    Key::new(7).sign(&NOW.to_string(), body)
}

async fn extract(verifier: &Verifier, request: Request) -> Result<Webhook<Value>, Rejected> {
    Webhook::from_request(request, verifier).await
}

async fn rejection(verifier: &Verifier, request: Request) -> (Option<Rejection>, StatusCode, String) {
    let rejected = extract(verifier, request).await.expect_err("a rejection");
    let rejection = rejected.error().webhook_rejection();
    let response = rejected.into_response();
    let (status, body) = (response.status(), response.into_body().collect().await.expect("a body").to_bytes());
    (rejection, status, String::from_utf8(body.to_vec()).expect("text"))
}

#[tokio::test]
async fn handlers_take_verified_webhooks() {
    async fn completed(State(state): State<AppState>, webhook: Webhook<redux::Output>) -> StatusCode {
        let response = webhook.result.expect("an output");
        state.seen.lock().expect("a list").push(format!("{} {}", webhook.request_id, response.data.images[0].url));
        StatusCode::NO_CONTENT
    }

    async fn raw(State(state): State<AppState>, delivery: Delivery) {
        state.seen.lock().expect("a list").push(format!("{} of {}", delivery.request_id(), delivery.user_id()));
    }

    let state = AppState { verifier: verifier(&Key::new(7)), seen: Arc::default() };
    let app = Router::new().route("/fal", post(completed)).route("/raw", post(raw)).with_state(state.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move { axum::serve(listener, app).await.expect("a server") });
    assert_eq!(post_to(address, "/fal", &signed(BODY.as_bytes()), BODY).await.0, 204);
    assert_eq!(post_to(address, "/raw", &signed(BODY.as_bytes()), BODY).await.0, 200);
    let (status, words) = post_to(address, "/fal", &signed(b"{}"), BODY).await;
    assert_eq!((status, &*words), (401, "the signature of the webhook is invalid"));
    let seen = state.seen.lock().expect("a list").clone();
    assert_eq!(seen, ["R1 u".to_owned(), format!("{REQUEST_ID} of user-4711")]);
    server.abort();
}

#[tokio::test]
async fn rejections_have_a_status_and_no_details() {
    let verifier = verifier(&Key::new(7));
    let mut missing = signed(BODY.as_bytes());
    missing.remove(header("user-id"));
    let mut invalid = signed(BODY.as_bytes());
    invalid.insert(header("timestamp"), "-1".parse().expect("a value"));
    let old = Key::new(7).sign("1", BODY.as_bytes());
    for (headers, expected, status) in [
        (missing, Rejection::MissingHeader, 401),
        (invalid, Rejection::InvalidHeader, 400),
        (old, Rejection::Timestamp, 401),
        (signed(b"other"), Rejection::Signature, 401),
    ] {
        let (rejection, code, words) = rejection(&verifier, request(headers, BODY)).await;
        assert_eq!((rejection, code.as_u16()), (Some(expected), status));
        assert_eq!(words, expected.to_string());
    }
}

#[tokio::test]
async fn body_is_not_read_if_the_headers_are_invalid() {
    let unreadable =
        Body::from_stream(stream::poll_fn(|_| -> std::task::Poll<Option<Result<Bytes, std::io::Error>>> {
            panic!("the body was read")
        }));
    let (rejection, ..) = rejection(&verifier(&Key::new(7)), request(HeaderMap::new(), unreadable)).await;
    assert_eq!(rejection, Some(Rejection::MissingHeader));
}

#[tokio::test]
async fn large_bodies_are_rejected() {
    let verifier = verifier(&Key::new(7)).max_body_size(BODY.len());
    extract(&verifier, request(signed(BODY.as_bytes()), BODY)).await.expect("a body of the maximum size");
    let long = format!("{BODY} ");
    let (rejection, status, _) = rejection(&verifier, request(signed(long.as_bytes()), long)).await;
    assert_eq!((rejection, status.as_u16()), (Some(Rejection::BodyTooLarge), 413));
}

#[tokio::test]
async fn endless_body_is_not_read_to_its_end() {
    let endless = Body::from_stream(stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[0; 1024]))));
    let verifier = verifier(&Key::new(7)).max_body_size(1 << 20);
    let (rejection, ..) = rejection(&verifier, request(signed(BODY.as_bytes()), endless)).await;
    assert_eq!(rejection, Some(Rejection::BodyTooLarge));
}

#[tokio::test]
async fn bodies_larger_than_the_default_of_axum_are_accepted() {
    let body = format!(r#"{{"status":"OK","payload":{{"text":"{}"}}}}"#, "x".repeat(3 << 20));
    let webhook = extract(&verifier(&Key::new(7)), request(signed(body.as_bytes()), body)).await.expect("a webhook");
    assert!(webhook.result.is_ok());
}

#[tokio::test]
async fn lost_connection_is_not_a_wrong_signature() {
    let chunks = [Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("reset"))];
    let torn = Body::from_stream(stream::iter(chunks));
    let (rejection, status, _) = rejection(&verifier(&Key::new(7)), request(signed(b"{}"), torn)).await;
    assert_eq!((rejection, status.as_u16()), (Some(Rejection::IncompleteBody), 400));
}

#[tokio::test]
async fn replay_guard_decides_after_the_verification() {
    let (done, asked) = (Arc::<Mutex<HashSet<String>>>::default(), Arc::<Mutex<usize>>::default());
    let guard = {
        let (done, asked) = (Arc::clone(&done), Arc::clone(&asked));
        move |delivery: Delivery| {
            *asked.lock().expect("a count") += 1;
            let is_new = !done.lock().expect("a set").contains(delivery.request_id());
            async move { is_new }
        }
    };
    let verifier = verifier(&Key::new(7)).replay_guard(guard);
    rejection(&verifier, request(signed(b"other"), BODY)).await;
    assert_eq!(*asked.lock().expect("a count"), 0, "not for a forged delivery");
    for _ in 0..2 {
        extract(&verifier, request(signed(BODY.as_bytes()), BODY)).await.expect("not processed yet");
    }
    done.lock().expect("a set").insert(REQUEST_ID.to_owned());
    let (rejection, status, _) = rejection(&verifier, request(signed(BODY.as_bytes()), BODY)).await;
    assert_eq!((rejection, status.as_u16()), (Some(Rejection::Replayed), 200));
}

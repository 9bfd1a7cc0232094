use std::sync::{Arc, Mutex};

use fal_emulator::{Emulator, Operation, Pace};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fal::{Fal, INPAINTING, inpainting, send};

#[tokio::test]
async fn requests_are_recorded_in_order() {
    let fal = Fal::instant().await;
    let path = format!("/queue.fal.run/{INPAINTING}?fal_webhook=https%3A%2F%2Fexample.com%2Fhook%3Fa%3Db+c&x");
    let submit = fal.request(Method::POST, &path).header("X-Fal-Queue-Priority", "low").json(&inpainting());
    let id = send(submit).await.body["request_id"].as_str().unwrap().to_owned();
    let app = "/queue.fal.run/fal-ai/fast-sdxl-controlnet-canny/requests";
    fal.get(&format!("{app}/{id}/status?logs=1")).await;
    fal.put(&format!("{app}/unknown/cancel")).await;
    fal.get("/elsewhere").await;

    let requests = fal.requests();
    let seen: Vec<_> = requests.iter().map(|it| (it.operation(), it.method(), it.status(), it.request_id())).collect();
    assert_eq!(
        seen,
        [
            (Operation::Submit, "POST", Some(200), Some(id.as_str())),
            (Operation::Status, "GET", Some(200), Some(id.as_str())),
            (Operation::Cancel, "PUT", Some(404), Some("unknown")),
            (Operation::Other, "GET", Some(404), None),
        ]
    );
    let submit = &requests[0];
    assert_eq!(submit.path(), format!("/queue.fal.run/{INPAINTING}"));
    assert_eq!(submit.input(), &inpainting());
    assert_eq!(submit.body(), inpainting().to_string().as_bytes());
    assert_eq!(submit.header("x-fal-queue-priority"), Some("low"));
    assert_eq!(submit.header("Authorization"), Some("Key id:secret"));
    assert_eq!(submit.query("fal_webhook"), Some("https://example.com/hook?a=b c"));
    assert_eq!((submit.query("x"), submit.query("y")), (Some(""), None));
    assert_eq!(requests[1].query("logs"), Some("1"));
    assert_eq!((requests[1].input(), requests[1].body()), (&Value::Null, &b""[..]));
}

#[tokio::test]
async fn key_sent_to_a_file_host_is_a_mistake() {
    let fal = Fal::instant().await;
    let output = fal.run(INPAINTING, &inpainting()).await.body;
    let path = output["images"][0]["url"].as_str().unwrap().strip_prefix(fal.base_url()).unwrap();
    send(fal.anonymous(Method::GET, path)).await;
    send(fal.request(Method::GET, path)).await;
    let mistakes: Vec<bool> = fal.requests().iter().map(|request| request.mistake().is_some()).collect();
    assert_eq!(mistakes, [false, false, true]);
}

#[tokio::test]
async fn callback_sees_every_response() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = {
        let told = Arc::clone(&told);
        move |request: &fal_emulator::ReceivedRequest| {
            told.lock().unwrap().push((request.operation(), request.status()));
        }
    };
    let fal = Fal::start(Emulator::builder().pace(Pace::instant()).on_request(tell)).await;
    fal.run(INPAINTING, &inpainting()).await;
    fal.run(INPAINTING, &json!({})).await;
    assert_eq!(*told.lock().unwrap(), [(Operation::Run, Some(200)), (Operation::Run, Some(422))]);
}

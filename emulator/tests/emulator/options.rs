use fal_emulator::{Emulator, Pace};
use reqwest::Method;
use serde_json::json;

use crate::fal::{Fal, INPAINTING, inpainting, send};

#[tokio::test]
async fn options_are_recorded() {
    let fal = Fal::instant().await;
    let submit = fal
        .request(
            Method::POST,
            &format!("/queue.fal.run/{INPAINTING}?fal_webhook=https%3A%2F%2Fexample.com%2F%3Fa%3Db%26c"),
        )
        .header("x-fal-queue-priority", "low")
        .header("x-fal-runner-hint", "warm")
        .header("x-fal-tags", "team=blue,job=1")
        .header("x-fal-store-io", "0")
        .header("x-fal-object-lifecycle-preference", r#"{"expiration_duration_seconds":60}"#);
    assert_eq!(send(submit.json(&inpainting())).await.status, 200);
    let request = fal.jobs()[0].request();
    assert_eq!(request.query("fal_webhook"), Some("https://example.com/?a=b&c"));
    for (name, value) in [
        ("X-Fal-Queue-Priority", "low"),
        ("X-Fal-Runner-Hint", "warm"),
        ("X-Fal-Tags", "team=blue,job=1"),
        ("X-Fal-Store-IO", "0"),
        ("X-Fal-Object-Lifecycle-Preference", r#"{"expiration_duration_seconds":60}"#),
    ] {
        assert_eq!(request.header(name), Some(value));
    }
    assert_eq!(request.mistake(), None);
}

#[tokio::test]
async fn full_queue_is_rejected() {
    let fal = Fal::start(Emulator::builder().pace(Pace::manual().ahead(2))).await;
    let submit = |most: &str| {
        let path = format!("/queue.fal.run/{INPAINTING}?fal_max_queue_length={most}");
        send(fal.request(Method::POST, &path).json(&inpainting()))
    };
    // Two other jobs wait.
    let full = submit("1").await;
    assert_eq!((full.status, full.body), (429, json!({ "detail": "The queue is full: 2 requests are waiting" })));
    assert_eq!(submit("2").await.status, 200);
    // Now a third job waits.
    assert_eq!(submit("2").await.status, 429);
    assert_eq!(submit("3").await.status, 200);
    assert_eq!(fal.jobs().len(), 2);
    // A running job does not count.
    for job in fal.jobs() {
        fal.complete(job.request_id());
    }
    assert_eq!(submit("2").await.status, 200);
    // Another endpoint has its own queue.
    let redux = "/queue.fal.run/fal-ai/flux/dev/redux?fal_max_queue_length=2";
    assert_eq!(fal.post(redux, &json!({ "image_url": "https://example.com/a.png" })).await.status, 200);
}

#[tokio::test]
async fn option_that_fal_ignores_is_a_mistake() {
    let fal = Fal::instant().await;
    let long = "v".repeat(257);
    let many = (0..11).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
    for (host, name, value, is_mistake) in [
        ("queue.fal.run", "x-fal-request-start-timeout", "0.2", false),
        ("queue.fal.run", "x-fal-request-timeout", "30.0", false),
        ("queue.fal.run", "x-fal-request-start-timeout", "0.1", true),
        ("queue.fal.run", "x-fal-request-start-timeout", "-1", true),
        ("queue.fal.run", "x-fal-request-start-timeout", "soon", true),
        ("fal.run", "x-fal-request-start-timeout", "NaN", true),
        ("queue.fal.run", "x-fal-queue-priority", "normal", false),
        ("queue.fal.run", "x-fal-queue-priority", "high", true),
        ("fal.run", "x-fal-queue-priority", "low", true),
        ("fal.run", "x-fal-runner-hint", "warm", false),
        ("fal.run", "x-fal-tags", "a.b-c_1=Any thing = all", false),
        ("fal.run", "x-fal-tags", "A=b", true),
        ("fal.run", "x-fal-tags", "a", true),
        ("fal.run", "x-fal-tags", "=b", true),
        ("fal.run", "x-fal-tags", "fal.a=b", true),
        ("fal.run", "x-fal-tags", &format!("a={long}"), true),
        ("fal.run", "x-fal-tags", &many, true),
        ("fal.run", "x-fal-object-lifecycle-preference", "{}", false),
        ("fal.run", "x-fal-object-lifecycle-preference", "60", true),
    ] {
        let request = fal.request(Method::POST, &format!("/{host}/{INPAINTING}")).header(name, value);
        assert_eq!(send(request.json(&inpainting())).await.status, 200, "{name}: {value}");
        let mistake = fal.requests().last().unwrap().mistake();
        assert_eq!(mistake.is_some(), is_mistake, "{host} {name}: {value}: {mistake:?}");
    }
    for (path, is_mistake) in [("queue.fal.run", false), ("fal.run", true)] {
        fal.post(&format!("/{path}/{INPAINTING}?fal_webhook=https%3A%2F%2Fexample.com"), &inpainting()).await;
        assert_eq!(fal.requests().last().unwrap().mistake().is_some(), is_mistake, "{path}");
    }
    fal.post(&format!("/queue.fal.run/{INPAINTING}?fal_max_queue_length=few"), &inpainting()).await;
    assert!(fal.requests().last().unwrap().mistake().is_some());
}
